"""What the program lets staff give."""

from typing import Any

import pytest

from services.points.errors import ServiceRefused
from services.points.purchases.service import Wish, granted, require_left
from services.points.rules.program import Program, parse

RAIN = {"id": "rain", "name": "雨の日", "points": 5}


def program(**service: Any) -> Program:
    return parse({"service": service})


def wish(points: int | None = None, rule: str | None = None, **details: Any) -> Wish:
    return Wish(
        points,
        rule,
        details.get("reason"),
        details.get("store"),
        details.get("by_till", True),
    )


@pytest.mark.parametrize(
    ("service", "asked", "given"),
    [
        ({"maximum_points": 10}, wish(10, reason="rain"), (10, "rain")),
        ({"rules": [RAIN]}, wish(rule="rain"), (5, "雨の日")),
        ({"rules": [RAIN]}, wish(rule="rain", reason="大雨"), (5, "大雨")),
        ({"rules": [{"id": "x", "points": 7}]}, wish(rule="x"), (7, "x")),
        ({}, wish(10_000, reason="sorry", by_till=False), (10_000, "sorry")),
    ],
)
def test_what_is_granted(service: dict[str, Any], asked: Wish, given: tuple[int, str]) -> None:
    assert granted(program(**service), asked) == given


@pytest.mark.parametrize(
    ("service", "asked"),
    [
        ({}, wish(1, reason="rain")),
        ({"maximum_points": 10}, wish(11, reason="rain")),
        ({"rules": [RAIN]}, wish(5, reason="rain")),
        ({"rules": [RAIN]}, wish(rule="snow")),
        ({}, wish(rule="snow", by_till=False)),
    ],
)
def test_what_is_refused(service: dict[str, Any], asked: Wish) -> None:
    with pytest.raises(ServiceRefused):
        granted(program(**service), asked)


@pytest.mark.parametrize(("per_day", "given", "fine"), [(1, 0, True), (1, 1, False), (3, 2, True)])
def test_how_often_a_day(per_day: int, given: int, fine: bool) -> None:
    try:
        require_left(program(per_day=per_day), given)
    except ServiceRefused:
        assert not fine
    else:
        assert fine
