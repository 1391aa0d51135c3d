"""What changed between two programs: where, from what to what, and in words for a shop owner.

Owns the comparison. Defaults are filled in first, so that writing one out is no difference; rules,
multipliers, ranks and caps are told apart by what they are called, not by where they stand. Must
not read stores.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from services.points.rules import labels
from services.points.rules.explain import Words
from services.points.rules.program import CAMPAIGN, Program, Rules

_ORDERED = ("accrual.rules", "ranks.levels")  # their order means something
_AS_ONE = ("redemption.value",)  # parts of no sense alone


class Difference(msgspec.Struct, frozen=True):
    """One thing that changed. `path` names items of lists by key: `accrual.rules[base].per`.

    `before` None: it was not there; `after` None: it is there no more.
    """

    path: str
    before: Any
    after: Any
    text: dict[str, str]


class _Place(msgspec.Struct, frozen=True):
    """Where the comparison is: the path with keys, the path without, the item's own name."""

    path: str = ""
    kind: str = ""
    item: Words | None = None

    def field(self, name: str) -> "_Place":
        dot = "." if self.path else ""
        return _Place(f"{self.path}{dot}{name}", f"{self.kind}{dot}{name}", self.item)

    def key(self, key: str) -> "_Place":
        label = labels.name(self.kind)
        item = Words(f"{label.ja}「{key}」", f"{label.en} “{key}”")
        return _Place(f"{self.path}[{key}]", self.kind, item)


class _Currencies(msgspec.Struct, frozen=True):
    before: str
    after: str


def between(before: Program, after: Program) -> list[Difference]:
    """All differences, in the order of the document; [] when both mean the same."""
    currencies = _Currencies(before.currency, after.currency)
    return list(_walk(_Place(), filled_in(before), filled_in(after), currencies))


def filled_in(program: Program) -> dict[str, Any]:
    """The whole document with its defaults, as JSON."""
    rules = Rules(**{name: getattr(program, name) for name in Rules.__struct_fields__})
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(rules))
    return plain


def _walk(place: _Place, before: Any, after: Any, money: _Currencies) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        if before.get("type") == after.get("type") and place.kind not in _AS_ONE:
            for name in {**before, **after}:
                yield from _walk(place.field(name), before.get(name), after.get(name), money)
            return
    elif isinstance(before, list) and isinstance(after, list):
        if any(isinstance(each, dict) for each in (*before, *after)):
            yield from _items(place, before, after, money)
            return
        if sorted(before, key=str) == sorted(after, key=str):
            return
    yield _changed(place, before, after, money)


def _items(
    place: _Place, before: list[Any], after: list[Any], money: _Currencies
) -> Iterator[Difference]:
    old, new = _by_key(before), _by_key(after)
    for key in {**old, **new}:
        at = place.key(key)
        if key not in new:
            yield _gone(at, old[key], money)
        elif key not in old:
            yield _added(at, new[key], money)
        else:
            yield from _walk(at, old[key], new[key], money)
    kept = [key for key in old if key in new]
    moved = [key for key in new if key in old]
    if place.kind in _ORDERED and kept != moved:
        label = labels.name(place.kind)
        yield _difference(
            place.path, kept, moved, Words(f"{label.ja}の並び順", f"order of {label.en}s"),
            Words("、".join(kept), ", ".join(kept)), Words("、".join(moved), ", ".join(moved)),
        )  # fmt: skip


def _by_key(items: list[Any]) -> dict[str, Any]:
    """Items by what they are called; two of one name by their number besides."""
    keyed: dict[str, Any] = {}
    for item in items:
        name = str(item.get("code") or item.get("id"))
        if item.get("per") in ("purchase", "day", "month", "campaign") and "type" not in item:
            name = item["per"] if name == CAMPAIGN else f"{item['per']} {name}"
        number, key = 1, name
        while key in keyed:
            number += 1
            key = f"{name} {number}"
        keyed[key] = item
    return keyed


def _changed(place: _Place, before: Any, after: Any, money: _Currencies) -> Difference:
    label = labels.name(place.kind)
    if place.item:
        label = Words(f"{place.item.ja}の{label.ja}", f"{place.item.en}, {label.en}")
    old = labels.value(place.kind, before, money.before)
    new = labels.value(place.kind, after, money.after)
    return _difference(place.path, before, after, label, old, new)


def _difference(
    path: str, before: Any, after: Any, label: Words, old: Words, new: Words
) -> Difference:
    text = {"ja": f"{label.ja}：{old.ja} → {new.ja}", "en": f"{label.en}: {old.en} → {new.en}"}
    return Difference(path, before, after, text)


def _added(place: _Place, after: Any, money: _Currencies) -> Difference:
    item, said = place.item or Words("", ""), labels.whole(place.kind, after, money.after)
    text = {"ja": f"{item.ja}を追加：{said.ja}", "en": f"{item.en} added: {said.en}"}
    return Difference(place.path, None, after, text)


def _gone(place: _Place, before: Any, money: _Currencies) -> Difference:
    item, said = place.item or Words("", ""), labels.whole(place.kind, before, money.before)
    text = {"ja": f"{item.ja}を削除：{said.ja}", "en": f"{item.en} removed: {said.en}"}
    return Difference(place.path, before, None, text)
