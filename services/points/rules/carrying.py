"""What is carried from one purchase to the next, as the customer sees it: how much is missing.

Owns the way from a carried fraction of a point to money. Must not round or keep any fraction.
"""

from services.points.rules.compiled import ONE, PER_CENT, CompiledProgram

_GOALS = {"floor": (1, 1), "half_up": (1, 2), "ceil": (0, 1)}  # the fraction that makes a point


def missing_amount(
    program: CompiledProgram, remainder: tuple[int, int], rank: str | None
) -> int | None:
    """For how much one has to buy to get the next point, on a day without offers; None where
    nothing is carried or money alone earns nothing.

    In minor units of the base (before tax where the base is), never below the minimum spend.
    """
    rate, scale = _rate(program, rank)
    if not program.carry or rate <= 0:
        return None
    have, whole = remainder
    goal, parts = _GOALS[program.rounding]
    short = (goal * whole - have * parts) * program.unit * scale
    each = rate * whole * parts
    # Rounding up makes a point of anything above nothing, so the goal itself is not enough.
    amount = short // each + 1 if program.rounding == "ceil" else -(-short // each)
    return max(amount, program.minimum, 1)


def _rate(program: CompiledProgram, rank: str | None) -> tuple[int, int]:
    """What a unit of money earns with this rank, as units over a scale."""
    rate, scale = program.money
    perks = program.ranks.get(rank) if rank else None
    if perks is None:
        return rate, scale
    scale *= ONE
    return rate * perks.factor + perks.bonus * (program.unit // PER_CENT) * scale, scale
