"""From a decision to ledger rows: how an earning moves an account and which entry it appends."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.points.rules import lots
from services.points.rules.program import Program, SlidingExpiry
from services.points.store.ledger import Account, Movement, Posting


def movement_of(movements: dict[UUID, Movement], account: Account) -> Movement:
    """The account's movement in this transaction, begun where there is none."""
    movement = movements.get(account.member_id)
    if movement is None:
        movement = movements[account.member_id] = Movement(
            account.member_id,
            remainder_numerator=account.remainder_numerator,
            remainder_denominator=account.remainder_denominator,
        )
    return movement


def credit(
    account: Account,
    movement: Movement,
    program: Program,
    *,
    id: UUID,
    kind: str,
    points: int,
    cause: UUID,
    occurred_at: datetime,
    now: datetime,
    source: str,
    actor: str,
    version: int,
    explanation: Any,
) -> Posting:
    """Give `points` (>= 0): fill the debt, open a lot with the rest; returns the entry to append.

    Only points that can be spent fill debt: pending ones do once they are active, points that
    were reported after their expiry never.
    """
    sliding = program.expiry.months if isinstance(program.expiry, SlidingExpiry) else None
    expires_at = lots.expires_at(program, now if sliding else occurred_at)
    active_from = lots.active_from(program, occurred_at)
    active_at = active_from if kind == "earn" and active_from > now else None
    spendable = not active_at and not (expires_at and expires_at <= now)
    filled = min(account.debt, points) if spendable else 0
    remaining = points - filled
    account.debt -= filled
    movement.debt -= filled
    if active_at:
        account.pending += remaining
        movement.pending += remaining
    else:
        account.in_lots += remaining
        movement.in_lots += remaining
    if kind == "earn":
        account.earned += points
        movement.earned += points
    return Posting(
        member_id=account.member_id,
        id=id,
        kind=kind,
        amount=points,
        balance_after=account.balance,
        cause=cause,
        occurred_at=occurred_at,
        recorded_at=now,
        source=source,
        actor=actor,
        program_version=version,
        explanation=explanation,
        opened=points,
        remaining=remaining,
        moves=[(id, -filled)] if filled else None,
        active_at=active_at,
        expires_at=None if sliding else expires_at,
        sliding_months=sliding,
    )
