"""Ranks given by hand: a floor below which a member's rank does not fall while it is in force.

Putting one up lifts the rank at once. Lifting it, or its end, lowers nobody at once: the next
evaluation leads back to what was earned, whose keep period goes on meanwhile. Who decided what,
and why, is kept for ever.
"""

from datetime import datetime
from uuid import UUID

from services.points.errors import UnknownRank
from services.points.programs.rulebook import Rulebook
from services.points.rankings import rank_moves
from services.points.rules import ranks
from services.points.store import ledger as ledger_store
from services.points.store import rank_floors as store
from services.points.store.rank_floors import Floor
from shared import clock, ids
from shared.bus.errors import NotYet
from shared.bus.handling import Batch, Connection

HISTORY = 100


async def put(
    batch: Batch,
    rulebook: Rulebook,
    member: UUID,
    *,
    code: str,
    until: datetime | None,
    reason: str,
    actor: str,
) -> None:
    """Keep the member at `code` at least, to the moment `until` (None: without end).

    The same once more changes nothing. Raises UnknownRank for a code that is no level of the
    program in force, NotYet while there is no program.
    """
    await rulebook.refresh(batch.connection)
    if rulebook.empty:
        raise NotYet("no program has been published yet")
    levels = rulebook.current().program.ranks.levels
    if ranks.place_of(levels, code) < 0:
        raise UnknownRank(code, [level.code for level in levels])
    floor = Floor(code, until, reason, actor, clock.now())
    await _decide(batch, rulebook, member, floor)


async def lift(batch: Batch, rulebook: Rulebook, member: UUID, *, reason: str, actor: str) -> None:
    """Take the floor away; where there is none nothing changes."""
    await _decide(batch, rulebook, member, Floor(None, None, reason, actor, clock.now()))


async def history(connection: Connection, member: UUID) -> list[Floor]:
    """What was decided about the member's floor, newest first."""
    return await store.history(connection, member, HISTORY)


def in_force(decided: list[Floor]) -> Floor | None:
    """The floor that holds now, of a history with the newest first."""
    newest = decided[0] if decided else None
    if newest is None or newest.code is None:
        return None
    return newest if newest.until is None or newest.until > clock.now() else None


async def _decide(batch: Batch, rulebook: Rulebook, member: UUID, floor: Floor) -> None:
    await ledger_store.lock_accounts(batch.connection, [member])
    before = (await store.history(batch.connection, member, 1))[:1]
    now = before[0] if before else None
    if floor.code is None and (now is None or now.code is None):
        return
    if now and (now.code, now.until, now.reason) == (floor.code, floor.until, floor.reason):
        return
    await store.decide(batch.connection, member, ids.new_id(), floor)
    await rank_moves.rank(batch, rulebook, {member: None}, evaluation=False)
