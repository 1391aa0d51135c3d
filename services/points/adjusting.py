"""Points added or taken by hand, with a reason: a ledger entry like any other."""

from datetime import datetime
from uuid import UUID

from services.points import lots
from services.points.errors import NotEnoughPoints
from services.points.lots import Lot
from services.points.postings import credit, movement_of
from services.points.rulebook import Rulebook
from services.points.store import ledger as store
from services.points.store.ledger import Account, Movement, Posting
from shared import clock, ids
from shared.bus.errors import NotYet
from shared.bus.handling import Batch, Connection
from shared.events import PointsAdjusted, new_event

SOURCE = "/points/adjustments"


async def account(connection: Connection, member_id: UUID) -> Account:
    """The member's account as it is now, locked."""
    return (await store.lock_accounts(connection, [member_id]))[member_id]


async def adjust(
    batch: Batch,
    rulebook: Rulebook,
    *,
    member_id: UUID,
    points: int,
    reason: str,
    cause: UUID,
    actor: str,
) -> str:
    """Add (> 0) or take (< 0) points; returns the id of the entry.

    Raises NotEnoughPoints rather than go below zero.
    """
    await rulebook.refresh(batch.connection)
    if rulebook.empty:
        raise NotYet("no program has been published yet")
    edition, now = rulebook.newest(), clock.now()
    member = await account(batch.connection, member_id)
    movements: dict[UUID, Movement] = {}
    movement = movement_of(movements, member)
    explanation = {"points": points, "reason": reason}
    if points > 0:
        posting = credit(
            member,
            movement,
            edition.program,
            id=ids.new_id(),
            kind="adjust",
            points=points,
            cause=cause,
            occurred_at=now,
            now=now,
            source="adjustment",
            actor=actor,
            version=edition.version,
            explanation=explanation,
        )
    else:
        await _take(batch.connection, member, movement, -points, now)
        posting = Posting(
            member_id=member_id,
            id=ids.new_id(),
            kind="adjust",
            amount=points,
            balance_after=member.balance,
            cause=cause,
            occurred_at=now,
            recorded_at=now,
            source="adjustment",
            actor=actor,
            program_version=edition.version,
            explanation=explanation,
        )
    await store.post(batch.connection, [posting], [movement])
    data = PointsAdjusted(
        member_id, posting.id, points, member.balance, reason, member.line_user_id
    )
    batch.emit(new_event(SOURCE, data, subject=str(member_id)))
    return str(posting.id)


async def _take(
    connection: Connection, member: Account, movement: Movement, points: int, now: datetime
) -> None:
    if points > member.balance:
        raise NotEnoughPoints(member.balance)
    rows = await store.lock_lots(connection, [member.member_id])
    open_lots = [
        Lot(
            id=row["entry_id"],
            opened_at=row["opened_at"],
            remaining=row["remaining"],
            expires_at=row["expires_at"],
        )
        for row in rows
    ]
    try:
        takes = lots.spend(open_lots, points, now)
    except lots.NotEnough as problem:
        raise NotEnoughPoints(problem.spendable) from problem
    await store.draw_lots(connection, [(member.member_id, lot, taken) for lot, taken in takes])
    member.in_lots -= points
    movement.in_lots -= points
