"""How much is missing for the next point."""

from typing import Any

import pytest

from services.points.rules.carrying import missing_amount
from services.points.rules.compiled import compile_program
from services.points.rules.program import parse

PER_100 = {"id": "base", "type": "spend", "per": 100, "points": 1}
PERCENT = {"id": "rate", "type": "percent", "percent": "1.5"}
ALONE = {**PER_100, "id": "alone", "per": 50, "stackable": False}
RANKS = {
    "levels": [
        {"code": "silver", "name": "S", "requires": {"visits": 1}, "rate_bonus_percent": "1.0"},
        {"code": "gold", "name": "G", "requires": {"visits": 2}, "multiplier": "1.5"},
    ]
}


@pytest.mark.parametrize(
    ("accrual", "remainder", "rank", "missing"),
    [
        ({"rules": [PER_100]}, (0, 1), None, 100),
        ({"rules": [PER_100]}, (8, 10), None, 20),
        ({"rules": [PER_100]}, (99, 100), None, 1),
        ({"rules": [PER_100], "rounding": "half_up"}, (0, 1), None, 50),
        ({"rules": [PER_100], "rounding": "half_up"}, (-1, 2), None, 100),
        ({"rules": [PER_100], "rounding": "half_up"}, (49, 100), None, 1),
        ({"rules": [PER_100], "rounding": "ceil"}, (0, 1), None, 1),
        ({"rules": [PER_100], "rounding": "ceil"}, (-1, 2), None, 51),
        ({"rules": [PER_100]}, (8, 10), "silver", 10),
        ({"rules": [PER_100]}, (7, 10), "gold", 20),
        ({"rules": [PER_100, PERCENT]}, (0, 1), None, 40),
        ({"rules": [PER_100, ALONE]}, (0, 1), None, 50),
        ({"rules": [PER_100], "multipliers": [{"id": "m", "factor": "2"}]}, (0, 1), None, 50),
        (
            {
                "rules": [PER_100],
                "multipliers": [{"id": "m", "factor": "2", "when": {"weekdays": ["fri"]}}],
            },
            (0, 1),
            None,
            100,
        ),
        ({"rules": [PER_100], "minimum_spend": 500}, (99, 100), None, 500),
        ({"rules": [{"id": "g", "type": "fixed", "points": 5}]}, (0, 1), None, None),
        ({"rules": [{**PER_100, "when": {"skus": ["A"]}}]}, (0, 1), None, None),
        ({"rules": [{**PER_100, "when": {}}]}, (0, 1), None, 100),
        ({"rules": [PER_100], "carry_remainder": False}, (0, 1), None, None),
    ],
)
def test_the_missing_amount(
    accrual: dict[str, Any], remainder: tuple[int, int], rank: str | None, missing: int | None
) -> None:
    document = {"accrual": {"carry_remainder": True, **accrual}, "ranks": RANKS}
    assert missing_amount(compile_program(parse(document)), remainder, rank) == missing
