"""A visit without a purchase: what it earns, and whether it counts again so soon.

Only the program's visit rules speak of it: no money was spent, so there is no base, no minimum
spend and nothing to carry over. Limits, conditions and caps hold as they do for purchases.
"""

from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from services.points.rules import earn
from services.points.rules.compiled import CompiledProgram
from services.points.rules.earn import Award, Context, Purchase

Refusal = Literal["today", "lately"]
"""Why a visit does not count again: the day's are used up, or the last one was hours ago."""

SCANS_A_DAY = 1
"""Of one member, where the program limits visits by no rule: nobody may stand there and scan."""


def visits_only(program: CompiledProgram) -> CompiledProgram:
    """The program as far as it speaks of visits."""
    spoken = tuple(rule for rule in program.rules if rule.kind == "visit")
    return replace(program, rules=spoken, minimum=0, carry=False)


def evaluate(program: CompiledProgram, store: str, at: datetime, context: Context) -> Award:
    """The award for coming to a store; `visits` is 0 where the program's limits are used up."""
    return earn.evaluate(
        visits_only(program), Purchase(total=0, occurred_at=at, store=store), context
    )


def refusal(program: CompiledProgram, award: Award, scanned_today: int) -> Refusal | None:
    """Why the visit that would earn `award` does not count; None if it does."""
    limits = [rule.limit for rule in program.rules if rule.kind == "visit"]
    if award.visits == 0:
        return "today" if any(limit and limit.hours is None for limit in limits) else "lately"
    unlimited = not limits or None in limits
    return "today" if unlimited and scanned_today >= SCANS_A_DAY else None
