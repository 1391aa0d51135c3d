"""An act of the audit log in words: which field went from what to what. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.points.rules import labels
from services.points.rules.explain import Words as Said
from services.points.staff import field_words
from services.points.staff.act_words import Words
from services.points.staff.differences import Difference, differences
from shared.web import formats
from shared.web.audit import HIDDEN

UNKEPT = Words("(記録しません)", "(not kept)")
_KEY = re.compile(r"\[(.*?)\]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


class Change(NamedTuple):
    """A field and its values before and after, in words; None where there was nothing."""

    field: Words
    before: Words | None
    after: Words | None


class Place(NamedTuple):
    """What words depend on: the shop's clock and currency, and what codes and ids are called."""

    zone: ZoneInfo
    names: Mapping[str, str]
    currency: str = "JPY"


def changes(target: str | None, before: Any, after: Any, place: Place) -> list[Change]:
    """What an act changed. The parts of a program go by the names that its form has."""
    if (target or "").startswith("program:"):
        found = [_of_program(each, before, after, place) for each in {**_of(before), **_of(after)}]
        return [each for each in found if each.before != each.after]
    return [_in_words(each, place) for each in differences(before, after)]


def subject(target: str | None, names: Mapping[str, str]) -> Words | None:
    """What was acted on: `store:main` as its kind and name; None for what nobody named."""
    kind, _, id = (target or "").partition(":")
    words = field_words.TARGETS.get(kind)
    if words is None:
        return None
    if kind == "program":
        return Words(f"{words.ja} 第{id}版", f"{words.en}, version {id}")
    name = names.get(id) or ("" if kind == "member" or len(id) >= LONG else id)
    return Words(f"{words.ja}「{name}」", f"{words.en} “{name}”") if name else words


LONG = 32
"""An id of this many characters says nothing to people."""


def _of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _of_program(path: str, before: Any, after: Any, place: Place) -> Change:
    plain = _KEY.sub("", path)
    name, keys = labels.name(plain), _KEY.findall(path)
    if plain == "state":
        return _in_words(Difference(path, _of(before).get(path), _of(after).get(path)), place)
    ja, en = "".join(f"「{key}」" for key in keys), "".join(f" “{key}”" for key in keys)
    field = Words(name.ja + ja, name.en + en)
    old, new = (_of_rules(plain, _of(each).get(path), place) for each in (before, after))
    return Change(field, old, new)


def _of_rules(path: str, value: Any, place: Place) -> Words | None:
    if value is None:
        return None
    said: Said = labels.value(path, value, place.currency)
    return Words(said.ja, said.en)


def _in_words(each: Difference, place: Place) -> Change:
    last = each.field.rpartition(".")[2]
    parts = [_part(part) for part in each.field.split(".")]
    field = Words(" › ".join(p.ja for p in parts), " › ".join(p.en for p in parts))
    if not each.field:
        field = Words("値", "Value")
    return Change(field, _value(last, each.before, place), _value(last, each.after, place))


def _part(name: str) -> Words:
    """A part of a path; a place in a list counts from one."""
    if name.isdecimal():
        return Words(f"{int(name) + 1}番目", f"No. {int(name) + 1}")
    return field_words.FIELDS.get(name) or Words(name, name)


def _value(field: str, text: str | None, place: Place) -> Words | None:
    if text is None:
        return None
    if text == HIDDEN:
        return UNKEPT
    if field in field_words.LISTS:
        words = [_part(part) for part in text.split(", ")]
        return Words("・".join(w.ja for w in words), ", ".join(w.en for w in words))
    if text in ("true", "false") or field in field_words.CHOSEN:
        found = field_words.VALUES.get(f"{field} {text}") or field_words.VALUES.get(text)
        return found or Words(text, text)
    if _MOMENT.fullmatch(text):
        at = datetime.fromisoformat(text)
        return Words(*(formats.moment(at, place.zone, lang) for lang in ("ja", "en")))
    if field in ("store", "stores"):
        text = ", ".join(place.names.get(code, code) for code in text.split(", "))
    return Words(text, text)
