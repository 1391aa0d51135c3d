"""What one purchase would earn under a program, for somebody who is only thought of. Pure.

The very code of awarding; limits and caps begin at nothing used.
"""

from datetime import date, datetime, time

from msgspec import Struct

from services.points.rules import earn, explain
from services.points.rules.explain import Words
from services.points.rules.program import Program
from services.points.rules.purchase import Line, Purchase


class Imagined(Struct, frozen=True, kw_only=True):
    """A purchase that nobody made: `total` in minor units, of one product, on a day and at a time
    of the shop's clock."""

    total: int
    day: date
    time: time
    tax: int = 0
    rank: str | None = None
    store: str = ""
    sku: str | None = None
    category: str | None = None
    birthday: bool = False
    first: bool = False


class Tried(Struct, frozen=True):
    """What it would earn, and why."""

    points: int
    visits: int
    why: list[Words]


def trial(program: Program, imagined: Imagined) -> Tried:
    """What an imagined purchase earns."""
    at = datetime.combine(imagined.day, imagined.time, program.zone)
    line = Line(
        amount=imagined.total, tax=imagined.tax, sku=imagined.sku, category=imagined.category
    )
    purchase = Purchase(
        total=imagined.total,
        tax=imagined.tax,
        occurred_at=at,
        store=imagined.store,
        lines=[line],
        payments=[],
        discounts=[],
    )
    known = {level.code for level in program.ranks.levels}
    context = earn.Context(
        rank=imagined.rank if imagined.rank in known else None,
        first_purchase=imagined.first,
        birthday_month=imagined.day.month if imagined.birthday else None,
    )
    award = earn.evaluate(earn.compile_program(program), purchase, context)
    return Tried(award.points, award.visits, explain.purchase_lines(award.explanation))
