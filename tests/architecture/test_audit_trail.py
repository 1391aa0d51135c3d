"""Whatever somebody who is signed in changes stands in the audit log: each changing operation of
each service acts in a transaction that tells it (`acting`, `keyed`), or changes nothing at all."""

import ast
import inspect
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.architecture.test_roles_everywhere import SERVICES, _routes

TELLS = {"acting", "keyed"}
CHANGES_NOTHING = {
    "POST /v1/quotes": "a purchase that is not made",
    "POST /v1/program/check": "a document that is not published",
    "POST /v1/program/trial": "a purchase that is not made",
    "POST /v1/program/rank-preview": "a document that is not published",
    "POST /v1/segments/check": "a segment that is not stored",
    "POST /v1/segments/count": "people, counted",
    "POST /v1/messages/menus/check": "a menu that is not kept",
    "POST /v1/messages/menus/preview": "a menu that is not kept",
    "POST /v1/messages/templates/{kind}/check": "words that are not said",
    "POST /v1/counter/scans": "a code is bound to who read it; the act that follows is told",
    "PUT /v1/program/draft": "a draft is kept while it is written; publishing it is told",
    "DELETE /v1/program/draft": "a draft is thrown away",
}
OPERATIONS = [
    (f"{method} {route.path}", route.endpoint)
    for module, _ in SERVICES.values()
    for route in _routes(module.documented())
    for method in sorted(route.methods - {"GET", "HEAD"})
    if route.path.startswith("/v1/")
]


@cache
def _functions(module: str) -> dict[str, ast.AST]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: node for node in ast.walk(tree) if isinstance(node, kinds)}


def names_used(endpoint: Callable[..., Any]) -> set[str]:
    """The names in a function, and in those of its module that it uses."""
    functions = _functions(endpoint.__module__)
    used: set[str] = set()
    waiting = [endpoint.__name__]
    while waiting:
        node = functions.get(waiting.pop())
        if node is None:
            continue
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and each.id not in used:
                used.add(each.id)
                waiting.append(each.id)
    return used


@pytest.mark.parametrize(
    ("operation", "endpoint"), OPERATIONS, ids=[name for name, _ in OPERATIONS]
)
def test_every_change_is_told(operation: str, endpoint: Callable[..., Any]) -> None:
    told = bool(TELLS & names_used(endpoint))
    assert told != (operation in CHANGES_NOTHING), (
        "change it in `acting(request)` or `keyed(…)`, or say why nothing changes"
    )


def test_what_changes_nothing_is_still_there() -> None:
    assert set(CHANGES_NOTHING) <= {name for name, _ in OPERATIONS}
