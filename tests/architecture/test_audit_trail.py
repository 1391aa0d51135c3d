"""Whatever somebody who is signed in changes stands in the audit log: each changing operation of
each service acts in a transaction that tells it (`acting`, `keyed`), or changes nothing at all. And
each says what was before and what is after, unless it makes what was not there."""

import ast
import inspect
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.points.staff.act_words import words_of
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
    "POST /v1/messages/templates/{kind}/preview": "words that are not said",
    "POST /v1/counter/scans": "a code is bound to who read it; the act that follows is told",
    "PUT /v1/program/draft": "a draft is kept while it is written; publishing it is told",
    "DELETE /v1/program/draft": "a draft is thrown away",
}
SAYS = {"audited", "audited_fields", "tell", "note"}
"""`program.tell` and `counter_serving.note` say it for several; both are in `SAID`."""
MAKES = {
    "notify/web/broadcasts.create": "a broadcast",
    "notify/web/connection.set_webhook": "what stood at LINE before is LINE's",
    "notify/web/links.create": "a link",
    "notify/web/menus.sync": "LINE is compared with what is kept here, which stays",
    "notify/web/template_trials.test": "a message to one person",
    "scheduler/web/schedules.run": "a run",
    "points/web/backtests.ask": "a backtest",
    "points/web/counter_serving.note": "a purchase, a visit, points given, spent or refunded",
    "points/web/hooks.create": "a webhook",
    "points/web/hooks.replay_period": "messages, anew",
    "points/web/hooks.test": "a message",
    "points/web/imports.send": "an import",
    "points/web/leaving.export": "a copy",
    "points/web/links.issue": "a code",
    "points/web/members.create": "a member",
    "points/web/redemptions.redeem": "a redemption",
    "points/web/refunds.refund": "a refund",
    "points/web/service.give": "an entry",
    "points/web/staff_invitations.invite": "an invitation",
    "points/web/staff_invitations.password_link": "a link",
    "points/web/stores.add": "a store",
    "points/web/takeouts.ask": "a copy",
    "points/web/takeouts.file": "nothing changes; that a copy left the house is told",
    "points/web/terminals.make": "a key",
    "points/web/visit_codes.add": "a code",
}
"""Where `audited` says nothing of before, and why: what it makes."""
SERVICE_FOLDER = Path(__file__).parents[2] / "services"
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


def _said() -> dict[str, list[ast.Call]]:
    """The calls of `audited` in all services, by the function that they stand in."""
    found: dict[str, list[ast.Call]] = {}
    for file in sorted(SERVICE_FOLDER.rglob("*.py")):
        where = file.relative_to(SERVICE_FOLDER).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = [each for each in ast.walk(node) if _is_audited(each)]
                if calls:
                    found[f"{where}.{node.name}"] = calls
    return found


def _is_audited(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "audited"
    )


def _without_before(call: ast.Call) -> bool:
    given = {each.arg: each.value for each in call.keywords}
    before = given.get("before")
    return before is None or (isinstance(before, ast.Constant) and before.value is None)


SAID = _said()


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
            if isinstance(each, ast.Attribute):
                used.add(each.attr)
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


@pytest.mark.parametrize(
    ("operation", "endpoint"),
    [each for each in OPERATIONS if each[0] not in CHANGES_NOTHING],
    ids=[name for name, _ in OPERATIONS if name not in CHANGES_NOTHING],
)
def test_every_change_says_what_it_changes(operation: str, endpoint: Callable[..., Any]) -> None:
    assert words_of(operation).ja != operation, "give the act a name in act_words"
    assert SAYS & names_used(endpoint), "say before and after by `audited` or `audited_fields`"


@pytest.mark.parametrize("function", SAID)
def test_every_change_says_what_was_before(function: str) -> None:
    silent = any(_without_before(call) for call in SAID[function])
    assert silent == (function in MAKES), "say `before=`, or in MAKES what this makes"


def test_what_makes_is_still_there() -> None:
    assert set(MAKES) <= set(SAID)
    assert {"points/web/program.tell", "points/web/counter_serving.note"} <= set(SAID)


def test_what_changes_nothing_is_still_there() -> None:
    assert set(CHANGES_NOTHING) <= {name for name, _ in OPERATIONS}
