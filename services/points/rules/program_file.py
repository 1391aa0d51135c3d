"""The program as a file to keep in git: one way of writing each document, line by line.

JSON, two spaces, in the order of the contract's document, text as it is. What the owner left out
stays left out, and what they wrote out stays, so that a line changes only when somebody changed it.
"""

import json
from typing import Any

from msgspec import inspect

from services.points.rules.program import Rules

_SHAPE = inspect.type_info(Rules)


def text(document: dict[str, Any]) -> str:
    """The file of a valid document, with a line break at its end."""
    return json.dumps(_ordered(_SHAPE, document), ensure_ascii=False, indent=2) + "\n"


def _ordered(kind: inspect.Type, value: Any) -> Any:
    """The same value with the names of every object in the contract's order."""
    match kind:
        case inspect.UnionType(types=types):
            return _ordered(_fitting(types, value), value)
        case inspect.VarTupleType(item_type=item) if isinstance(value, list | tuple):
            return [_ordered(item, each) for each in value]
        case inspect.StructType() if isinstance(value, dict):
            fields = {each.encode_name: each.type for each in kind.fields}
            tag = [kind.tag_field] if kind.tag_field else []
            first = [name for name in ("id", *tag, *fields) if name in value]
            rest = [name for name in value if name not in first]
            names = dict.fromkeys([*first, *rest])
            return {n: _ordered(fields.get(n, inspect.AnyType()), value[n]) for n in names}
    return value


def _fitting(types: tuple[inspect.Type, ...], value: Any) -> inspect.Type:
    """The one of several types that the value is of."""
    structs = [each for each in types if isinstance(each, inspect.StructType)]
    if isinstance(value, dict) and structs:
        return next((each for each in structs if each.tag == value.get("type")), structs[0])
    return inspect.AnyType()
