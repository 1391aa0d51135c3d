"""What needs attention: each thing on its own, in both languages, the worst first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from services.points.reports.attention import concerns
from services.points.reports.first_steps import first_steps
from services.points.rules.program import DEMO, parse
from services.points.store.attention import Facts
from shared.web import navigation

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
PROGRAM = parse(DEMO)
CALM = Facts(published_by="owner", linked=True, purchases=True)

EACH: list[tuple[str, dict[str, Any]]] = [
    ("night-late", {"night_since": NOW - timedelta(hours=4)}),
    ("night-late", {"last_night": NOW - timedelta(hours=40)}),
    ("holds-hanging", {"hanging": 2}),
    ("nobody-earns", {"week_purchases": 50}),
    ("ranks-late", {"ranking_since": NOW - timedelta(hours=2)}),
    ("purchases-waiting", {"waiting": 3}),
    ("webhooks-off", {"hooks_off": 1}),
    ("webhooks-failing", {"hooks_failing": 1}),
    ("owner-without-totp", {"open_owners": 1}),
    ("debts", {"debtors": 3, "debt": 120}),
    ("import-stopped", {"imports_stopped": 1}),
    ("import-bad-rows", {"import_rows_bad": 12}),
    ("backtest-failed", {"failed_backtests": 1}),
    ("stores-without-tills", {"bare_stores": ("渋谷店",)}),
    ("keys-never-used", {"never_used": ("a", "b", "c", "d")}),
    ("keys-unused", {"unused": ("1番レジ",)}),
]


def test_a_calm_shop_has_nothing_to_do() -> None:
    assert concerns(CALM, PROGRAM, NOW) == []


@pytest.mark.parametrize(("code", "facts"), EACH)
def test_each_is_told_alone_with_what_to_do(code: str, facts: dict[str, Any]) -> None:
    (told,) = concerns(replace(CALM, **facts), PROGRAM, NOW)
    assert told.code == code
    assert all(told.title + told.advice)
    areas = {area.address for group in navigation.GROUPS for area in group.areas}
    assert told.address in areas | {"", "/console/account"}


def test_rules_that_give_nothing_are_told() -> None:
    def codes(program: Any) -> list[str]:
        return [each.code for each in concerns(CALM, program, NOW)]

    assert codes(None) == ["no-program"]
    assert codes(parse({"accrual": {"rules": []}, "welcome": {"points": 1}})) == ["no-rules"]
    assert codes(parse({"accrual": DEMO["accrual"]})) == ["no-welcome"]


def test_the_worst_comes_first() -> None:
    all_of_it = {name: value for _, facts in EACH for name, value in facts.items()}
    levels = [each.level for each in concerns(replace(CALM, **all_of_it), PROGRAM, NOW)]
    assert levels == sorted(levels, key=("bad", "warn", "info").index)
    assert len(levels) == len({code for code, _ in EACH})


def test_the_first_steps_are_done_one_by_one() -> None:
    new = Facts(published_by="demo")
    assert [step.done for step in first_steps(new)] == [False, False, False]
    assert [step.done for step in first_steps(replace(new, linked=True))] == [True, False, False]
    assert [step.done for step in first_steps(CALM)] == [True, True, True]
