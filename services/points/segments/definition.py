"""How a segment's document is read: conditions on members, joined by all, any and not. Pure.

`parse` takes the JSON document and tells everything that is wrong with it at once. What a condition
means, to the day and the point, stands in docs/segments.md; the database's words for it stand in
`store.segment_conditions`, people's in `words`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from services.points.segments import values
from services.points.segments.conditions import (
    Age,
    All,
    Area,
    BirthdayMonth,
    Bought,
    Definition,
    Either,
    Everybody,
    Expiring,
    Gender,
    Joined,
    LastVisit,
    Line,
    NextRank,
    Not,
    One,
    Points,
    Rank,
    Spent,
    Tags,
    Visits,
)
from services.points.segments.values import Kind

MOST_DEPTH = 8
MOST_CONDITIONS = 50
MOST_BYTES = 20_000
MOST_PROBLEMS = 100
"""What is wrong besides is not told."""


class Problem(NamedTuple):
    """One thing wrong with a document: where (`all[0].points.min`), and what to do about it."""

    path: str
    ja: str
    en: str


class DefinitionInvalid(ValueError):
    """The document says nothing that can be computed; `problems` are all the reasons."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{each.path}: {each.en}" for each in self.problems))


class _Shape(NamedTuple):
    """How a condition is written: an object with these fields, of which one of `needs` at least."""

    of: type[Any]
    fields: Mapping[str, Kind]
    needs: tuple[str, ...]


_RANGE = {"min": values.MONEY, "max": values.MONEY}
_OBJECTS: dict[str, _Shape] = {
    "points": _Shape(Points, {"min": values.POINTS, "max": values.POINTS}, ("min", "max")),
    "rank": _Shape(Rank, {"in": values.CODES}, ("in",)),
    "next_rank": _Shape(
        NextRank,
        {"within": values.GAPS, "progress": values.PERCENT},
        ("within", "progress"),
    ),
    "last_visit": _Shape(
        LastVisit,
        {"before_days": values.DAYS, "within_days": values.DAYS, "never": values.TRUE},
        ("before_days", "within_days", "never"),
    ),
    "visits": _Shape(Visits, {**_RANGE, "days": values.DAYS}, ("min", "max")),
    "spent": _Shape(Spent, {**_RANGE, "days": values.DAYS}, ("min", "max")),
    "bought": _Shape(
        Bought,
        {
            "skus": values.TEXTS,
            "categories": values.TEXTS,
            "stores": values.TEXTS,
            "days": values.DAYS,
        },
        ("skus", "categories", "stores"),
    ),
    "expiring": _Shape(Expiring, {"days": values.DAYS, "min": values.SOME}, ("days",)),
    "age": _Shape(Age, {"min": values.YEARS, "max": values.YEARS}, ("min", "max")),
    "gender": _Shape(Gender, {"in": values.TEXTS}, ("in",)),
    "area": _Shape(Area, {"in": values.TEXTS}, ("in",)),
    "tags": _Shape(Tags, {"any": values.TEXTS, "all": values.TEXTS}, ("any", "all")),
    "joined": _Shape(
        Joined,
        {"days": values.DAYS, "before_days": values.DAYS, "routes": values.CODES},
        ("days", "before_days", "routes"),
    ),
}
_PLAIN: dict[str, tuple[type[Any], Kind]] = {
    "member": (One, values.ID),
    "birthday_month": (BirthdayMonth, values.MONTH),
    "line": (Line, values.LINE),
}
_NAMES = ("all", "any", "not", *_OBJECTS, *_PLAIN)


def read(document: bytes | str | msgspec.Raw) -> Definition:
    """A document that is still JSON text. Raises DefinitionInvalid."""
    if len(document.encode() if isinstance(document, str) else bytes(document)) > MOST_BYTES:
        raise DefinitionInvalid([_too_large()])
    try:
        plain = msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise DefinitionInvalid(
            [Problem("", "JSON として読めません。", "is not JSON that can be read")]
        ) from None
    return parse(plain)


def parse(document: Any) -> Definition:
    """What a decoded document says. Raises DefinitionInvalid with everything that is wrong."""
    reading = _Reading()
    found = reading.definition(document, "", 1)
    if reading.conditions > MOST_CONDITIONS:
        most = f"{MOST_CONDITIONS:,}"
        words = f"条件は {most} 個までです。", f"has more than {most} conditions; use fewer"
        reading.wrong("", *words)
    if reading.problems or found is None:
        raise DefinitionInvalid(reading.problems)
    return found


def _too_large() -> Problem:
    most = f"{MOST_BYTES:,}"
    return Problem("", f"{most} バイトまでです。", f"is more than {most} bytes; make it smaller")


class _Reading:
    """One document on its way: what was wrong with it so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.conditions = 0

    def definition(self, document: Any, path: str, depth: int) -> Definition | None:
        """What stands at a place; None where that is nothing, which is then among the problems."""
        if depth > MOST_DEPTH:
            self.wrong(path, f"深さは {MOST_DEPTH} 段までです。", "is nested too deep; flatten it")
            return None
        if not isinstance(document, dict) or len(document) != 1:
            ja = '{"points": {…}} のように、条件を 1 つだけ持つオブジェクトにしてください。'
            self.wrong(path, ja, 'must be an object with one condition, such as {"points": {…}}')
            return None
        ((name, body),) = document.items()
        here = f"{path}.{_shown(name)}" if path else _shown(name)
        if name in ("all", "any", "not"):
            return self._joined(name, body, here, depth)
        return self._condition(name, body, here)

    def _joined(self, name: str, body: Any, path: str, depth: int) -> Definition | None:
        if name == "all" and body is True:
            return Everybody()
        if name != "not":
            return self._several(name, body, path, depth)
        inner = self.definition(body, path, depth + 1)
        return None if inner is None else Not(inner)

    def _condition(self, name: str, body: Any, path: str) -> Definition | None:
        self.conditions += 1
        if name in _OBJECTS:
            return self._object(_OBJECTS[name], body, path)
        if name in _PLAIN:
            of, kind = _PLAIN[name]
            value = self._value(kind, body, path)
            return None if value is None else of(value)
        self._unknown(path, _NAMES)
        return None

    def _several(self, name: str, body: Any, path: str, depth: int) -> Definition | None:
        if not isinstance(body, list) or not 1 <= len(body) <= MOST_CONDITIONS:
            ja = f"1 個から {MOST_CONDITIONS} 個の条件を配列で指定してください。"
            self.wrong(path, ja, f"must be an array of 1 to {MOST_CONDITIONS} conditions")
            return None
        found = [
            self.definition(each, f"{path}[{index}]", depth + 1) for index, each in enumerate(body)
        ]
        parts = tuple(each for each in found if each is not None)
        return All(parts) if name == "all" else Either(parts)

    def _object(self, shape: _Shape, body: Any, path: str) -> Definition | None:
        if not isinstance(body, dict):
            names = ", ".join(shape.fields)
            self.wrong(path, f"オブジェクト({names})です。", f"must be an object of {names}")
            return None
        before = len(self.problems)
        given: dict[str, Any] = {}
        for name, value in body.items():
            if name in shape.fields:
                given[name] = self._value(shape.fields[name], value, f"{path}.{name}")
            else:
                self._unknown(f"{path}.{_shown(name)}", tuple(shape.fields))
        if not any(name in body for name in shape.needs):
            names = ", ".join(shape.needs)
            self.wrong(path, f"{names} のどれかが必要です。", f"needs one of {names}")
        if len(self.problems) > before:
            return None
        least, most = given.get("min"), given.get("max")
        if least is not None and most is not None and least > most:
            self.wrong(f"{path}.max", "min 以上にしてください。", "must not be less than min")
        return shape.of(**{"in_" if name == "in" else name: it for name, it in given.items()})  # type: ignore[no-any-return]

    def _value(self, kind: Kind, value: Any, path: str) -> Any:
        try:
            return kind.take(value)
        except (ValueError, TypeError):
            self.wrong(path, kind.ja, kind.en)
            return None

    def _unknown(self, path: str, names: tuple[str, ...]) -> None:
        known = ", ".join(names)
        self.wrong(path, f"使えるのは {known} です。", f"is not known here; use one of {known}")

    def wrong(self, path: str, ja: str, en: str) -> None:
        """One more problem."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(path, ja, en))


def _shown(name: str) -> str:
    """A name that anybody may have made up, fit to be shown."""
    return name[:40].encode("utf-8", "replace").decode()
