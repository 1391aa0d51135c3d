"""Backtests: the runs that were asked for, and the stored purchases that they read."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

LAST = UUID(int=2**128 - 1)

_ADD = """
INSERT INTO backtests (id, document, from_at, until_at, status, attempts, members, members_done,
                       purchases_done, asked_by, asked_at)
VALUES ($1, $2, $3, $4, 'waiting', 0, 0, 0, 0, $5, $6)
"""
_COLUMNS = """
id, document, from_at, until_at, status, attempts, members, members_done, purchases_done, result,
problem, asked_by, asked_at, finished_at
"""
_ONE = f"SELECT {_COLUMNS} FROM backtests WHERE id = $1"
_LATEST = f"SELECT {_COLUMNS} FROM backtests ORDER BY asked_at DESC LIMIT $1"
_OPEN = "SELECT id FROM backtests WHERE finished_at IS NULL ORDER BY asked_at LIMIT $1"
_MINE = "SELECT pg_try_advisory_xact_lock(hashtextextended('backtest ' || $1::text, 0))"
_BEGIN = f"""
UPDATE backtests SET status = 'running', attempts = attempts + 1, members = $2, members_done = 0,
    purchases_done = 0
WHERE id = $1 AND finished_at IS NULL RETURNING {_COLUMNS}
"""
_ADVANCE = """
UPDATE backtests SET members_done = $2, purchases_done = $3
WHERE id = $1 AND finished_at IS NULL RETURNING true
"""
_FINISH = """
UPDATE backtests SET status = $2, result = $3, problem = $4, finished_at = $5
WHERE id = $1 AND finished_at IS NULL
"""
_MEMBERS = "SELECT count(*) FROM members"
_PAGE_END = "SELECT id FROM members WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1"
_PURCHASES = """
SELECT member_id, occurred_at, store, total, visits, points, purchase, context,
    visit IS NOT NULL AS visit FROM purchases
WHERE member_id > $1 AND member_id <= $2 AND occurred_at >= $3 AND occurred_at < $4
ORDER BY member_id, occurred_at, accepted_at, id
"""
_OUTSTANDING = """
SELECT coalesce(sum(in_lots + pending - debt), 0)::bigint FROM accounts WHERE unit = 'point'
"""


class Run(msgspec.Struct, frozen=True):
    """A backtest that was asked for. `document` and `result` are JSON text."""

    id: UUID
    document: str
    from_at: datetime | None
    until_at: datetime | None
    status: str
    attempts: int
    members: int
    members_done: int
    purchases_done: int
    result: str | None
    problem: str | None
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None


async def add(
    connection: Connection,
    id: UUID,
    document: str,
    span: tuple[datetime | None, datetime | None],
    by: str,
    now: datetime,
) -> None:
    """Ask for a run over what occurred in `span` (from, until; None: no bound)."""
    await connection.execute(_ADD, id, document, *span, by, now)


async def one(connection: Connection, id: UUID) -> Run | None:
    """A run, however far it is."""
    row = await connection.fetchrow(_ONE, id)
    return Run(**row) if row else None


async def latest(connection: Connection, limit: int) -> list[Run]:
    """The last runs that were asked for, newest first."""
    return [Run(**row) for row in await connection.fetch(_LATEST, limit)]


async def unfinished(connection: Connection, limit: int) -> list[UUID]:
    """Runs to work on, oldest first; somebody may be at it."""
    return [row["id"] for row in await connection.fetch(_OPEN, limit)]


async def claim(connection: Connection, id: UUID) -> bool:
    """Have a run to oneself until the transaction ends; False when somebody else has it."""
    return bool(await connection.fetchval(_MINE, str(id)))


async def begin(connection: Any, id: UUID, members: int) -> Run | None:
    """Note that a claimed run begins, over so many members; None when it is over meanwhile."""
    row = await connection.fetchrow(_BEGIN, id, members)
    return Run(**row) if row else None


async def advance(connection: Any, id: UUID, members: int, purchases: int) -> bool:
    """Note how far a run is; False when it was cancelled."""
    return bool(await connection.fetchval(_ADVANCE, id, members, purchases))


async def finish(
    connection: Any,
    id: UUID,
    status: str,
    now: datetime,
    *,
    result: str | None = None,
    problem: str | None = None,
) -> None:
    """End a run as done, cancelled or failed; one that is over stays as it is."""
    await connection.execute(_FINISH, id, status, result, problem, now)


async def members(connection: Connection) -> int:
    """How many members there are."""
    return int(await connection.fetchval(_MEMBERS))


async def page_end(connection: Connection, after: UUID, size: int) -> UUID:
    """The last member of the page of `size` after a member; LAST for the last page."""
    found: UUID | None = await connection.fetchval(_PAGE_END, after, size - 1)
    return found or LAST


async def purchases(
    connection: Connection,
    page: tuple[UUID, UUID],
    span: tuple[datetime, datetime],
    size: int,
) -> AsyncIterator[Sequence[Any]]:
    """The purchases of the members after the first and up to the second of `page`, within `span`,
    member by member in order of time, some hundreds at once. Within a transaction."""
    cursor = await connection.cursor(_PURCHASES, *page, *span)
    while rows := await cursor.fetch(size):
        yield rows


async def outstanding(connection: Connection) -> int:
    """The points that members hold in all, pending ones too, less their debts."""
    return int(await connection.fetchval(_OUTSTANDING))
