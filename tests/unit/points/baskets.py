"""Purchases and programs for tables of what they earn."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.points.rules.earn import (
    Award,
    Context,
    Line,
    Purchase,
    compile_program,
    evaluate,
)
from services.points.rules.program import parse

TOKYO = ZoneInfo("Asia/Tokyo")
FRIDAY = datetime(2025, 4, 4, 12, 0, tzinfo=TOKYO)
MONDAY = datetime(2025, 4, 7, 12, 0, tzinfo=TOKYO)
PER_100 = {"id": "base", "type": "spend", "per": 100, "points": 1}
GIFT = {"id": "gift", "type": "fixed", "points": 100}
VISIT = {"id": "come", "type": "visit", "points": 3}
NO_PAST = Context()


def award(
    accrual: dict[str, Any], purchase: Purchase, context: Context = NO_PAST, **document: Any
) -> Award:
    program = compile_program(parse({"accrual": accrual, **document}))
    return evaluate(program, purchase, context)


def bought(total: int, at: datetime = MONDAY, **details: Any) -> Purchase:
    return Purchase(total=total, occurred_at=at, store=details.pop("store", "main"), **details)


def basket(*lines: tuple[str, int], **details: Any) -> Purchase:
    """Lines as (category, amount); each line's SKU is its category in capitals."""
    items = [Line(sku=name.upper(), category=name, amount=amount) for name, amount in lines]
    off = sum(each.amount for each in details.get("discounts", ()))
    return bought(sum(line.amount for line in items) - off, lines=items, **details)
