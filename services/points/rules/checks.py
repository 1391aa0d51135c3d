"""The check of a program document: every problem, with its path, however broken the document.

Owns what is wrong and what to do about it; the shape is read off the values of `program`. Must not
stop at the first problem.
"""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import inspect

from services.points.rules.terms import Problem, is_moment, is_zone, moment

MOST = {"accrual.rules": 500, "accrual.multipliers": 500, "accrual.caps": 100, "ranks.levels": 100}
"""Each purchase looks at all of them; a till is waiting."""


def problems(shape: inspect.Type, document: Any) -> list[Problem]:
    """All that keeps `document` from being published; [] when fine."""
    return [*_shape(shape, document, ""), *_sense(document)]


def _shape(kind: inspect.Type, value: Any, path: str) -> Iterator[Problem]:
    """Problems of types, ranges and unknown or missing names, read off the values above."""
    match kind:
        case inspect.StructType():
            yield from _struct(kind, value, path)
        case inspect.VarTupleType():
            if not isinstance(value, list | tuple):
                yield Problem(path, "must be a list")
                return
            for index, item in enumerate(value):
                yield from _shape(kind.item_type, item, f"{path}[{index}]")
        case inspect.UnionType():
            yield from _union(kind, value, path)
        case _:
            if must := _leaf_must(kind, value):
                yield Problem(path, f"must be {must}")


def _leaf_must(kind: inspect.Type, value: Any) -> str | None:
    """What a single value must be, where it is not."""
    match kind:
        case inspect.Metadata(extra=dict(extra)):
            fine, must = isinstance(value, str) and extra["check"](value), extra["must"]
        case inspect.IntType(ge=int(least), le=int(most)):
            fine = type(value) is int and least <= value <= most
            must = f"a whole number from {least} to {most}"
        case inspect.LiteralType(values=values):
            fine, must = isinstance(value, str) and value in values, _choice(values)
        case _:
            fine, must = isinstance(value, bool), "true or false"
    return None if fine else must


def _struct(kind: inspect.StructType, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, "must be an object")
        return
    fields = {each.encode_name: each for each in kind.fields}
    known = [*([kind.tag_field] if kind.tag_field else []), *fields]
    for name in value:
        if name not in known:
            yield Problem(_at(path, str(name)), f"is not known here; use {_choice(known)}")
    for name, each in fields.items():
        if name in value:
            yield from _shape(each.type, value[name], _at(path, name))
        elif each.required:
            yield Problem(_at(path, name), "is missing; add it")


def _union(kind: inspect.UnionType, value: Any, path: str) -> Iterator[Problem]:
    """Either something or null, or one of several objects told apart by their `type`."""
    some = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    tagged = {each.tag: each for each in some if isinstance(each, inspect.StructType)}
    tag = value.get("type") if isinstance(value, dict) else None
    if len(some) == 1:
        yield from _shape(some[0], value, path) if value is not None else ()
    elif isinstance(tag, str) and tag in tagged:
        yield from _struct(tagged[tag], value, path)
    else:
        yield Problem(_at(path, "type"), "must be " + _choice(tagged))


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _choice(names: Iterable[Any]) -> str:
    return " or ".join(str(name) for name in names)


# What only shows between fields. Each check reads the document as it is, however broken.


def _sense(document: Any) -> Iterator[Problem]:
    codes = [level.get("code") for _, level in _each(document, "ranks.levels")]
    zone = _zone(document)
    for where, most in MOST.items():
        if len(list(_each(document, where))) > most:
            yield Problem(where, f"must have at most {most} items")
    for where in ("accrual.rules", "accrual.multipliers"):
        yield from _twice(document, where, "id")
        for path, item in _each(document, where):
            yield from _when_sense(f"{path}.when", item.get("when"), codes, zone)
    yield from _twice(document, "ranks.levels", "code")
    yield from _twice(document, "service.rules", "id")
    for path, rule in _each(document, "accrual.rules"):
        yield from _rule_sense(path, rule)
    for path, level in _each(document, "ranks.levels"):
        needs = level.get("requires")
        if isinstance(needs, dict) and all(value is None for value in needs.values()):
            yield Problem(f"{path}.requires", "name at least one condition, such as visits")
    expiry = get(document, "expiry")
    if isinstance(expiry, dict) and expiry.get("type") == "fixed":
        given = [key for key in ("months", "days") if expiry.get(key) is not None]
        if len(given) != 1:
            yield Problem("expiry", "give either months or days")


def _rule_sense(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
    if rule.get("type") == "product" and not rule.get("skus") and not rule.get("categories"):
        yield Problem(f"{path}.skus", "name the products: skus or categories")
    limit = rule.get("limit")
    if isinstance(limit, dict) and rule.get("type") == "visit":
        hours = limit.get("hours") is not None
        if hours != (limit.get("per") == "hours"):
            yield Problem(f"{path}.limit.hours", 'goes with "per": "hours", and only with it')


def _zone(document: Any) -> tzinfo:
    """Where bare dates begin; a zone that nobody knows is a problem of its own."""
    name = get(document, "time_zone")
    known = isinstance(name, str) and is_zone(name)
    return ZoneInfo(name) if known else ZoneInfo("Asia/Tokyo")


def _when_sense(path: str, when: Any, codes: list[Any], zone: tzinfo) -> Iterator[Problem]:
    if not isinstance(when, dict):
        return
    ends = [text for text in (when.get("from"), when.get("until")) if isinstance(text, str)]
    if len(ends) == 2 and all(map(is_moment, ends)):
        start, end = moment(ends[0], zone, end=False), moment(ends[1], zone, end=True)
        if start >= end:
            yield Problem(f"{path}.until", "must be later than from")
    ranks = when.get("ranks")
    for index, code in enumerate(ranks if isinstance(ranks, list | tuple) else ()):
        if isinstance(code, str) and code not in codes:
            yield Problem(f"{path}.ranks[{index}]", "is not the code of a level; add it or fix it")


def _twice(document: Any, where: str, key: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, item in _each(document, where):
        name = item.get(key)
        if isinstance(name, str):
            if name in seen:
                yield Problem(f"{path}.{key}", "is used twice; give each its own")
            seen.add(name)


def _each(document: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    items = get(document, where)
    for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
        if isinstance(item, dict):
            yield f"{where}[{index}]", item


def get(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document
