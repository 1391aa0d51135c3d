"""What LINE tells of days and broadcasts, and what it was asked."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from services.notify.statistics.questions import READ_FOR, Question, Sent
from shared import clock
from shared.bus.handling import Connection

_SENT = """
SELECT id, unit, started_at FROM broadcasts WHERE unit IS NOT NULL AND started_at > $1
"""
_ANSWERED = """
SELECT question FROM insight_questions WHERE question = ANY($1::text[])
    AND (again_at IS NULL OR again_at > $2)
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('notify.insight_questions'))"
_ASKED = "SELECT count(*) FROM insight_questions WHERE asked_at > $1"
_CLAIM = """
INSERT INTO insight_questions AS known (question, asked_at, again_at) VALUES ($1, $2, $3)
ON CONFLICT (question) DO UPDATE SET asked_at = $2, again_at = $3 WHERE known.again_at <= $2
RETURNING question
"""
_DONE = "UPDATE insight_questions SET again_at = NULL WHERE question = $1"
_KEEP_DAY = """
INSERT INTO insight_days (what, day, figures, read_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (what, day) DO UPDATE SET figures = excluded.figures, read_at = excluded.read_at
"""
_KEEP_UNIT = """
INSERT INTO insight_units (unit, broadcast_id, delivered, figures, read_at)
VALUES ($1, $2, (
    SELECT count(*) FROM deliveries WHERE event_id = $2 AND status = 'delivered'), $3, $4)
ON CONFLICT (unit) DO UPDATE SET
    delivered = excluded.delivered, figures = excluded.figures, read_at = excluded.read_at
"""
_DAYS = """
SELECT day,
    (array_agg(figures::text) FILTER (WHERE what = 'followers'))[1] AS followers,
    (array_agg(figures::text) FILTER (WHERE what = 'deliveries'))[1] AS deliveries,
    (array_agg(figures::text) FILTER (WHERE what = 'units'))[1] AS units
FROM insight_days WHERE day BETWEEN $1 AND $2 GROUP BY day ORDER BY day DESC
"""
_BROADCASTS = """
SELECT b.id AS broadcast_id, b.name, b.started_at, u.delivered, u.figures::text AS figures,
    u.read_at, coalesce((
        SELECT sum(c.clicks) FROM links l JOIN link_clicks c ON c.link_id = l.id
        WHERE l.broadcast_id = b.id), 0)::bigint AS clicks
FROM broadcasts b LEFT JOIN insight_units u ON u.broadcast_id = b.id
WHERE b.started_at IS NOT NULL AND b.unit IS NOT NULL
    AND ($1::timestamptz IS NULL OR (b.started_at, b.id) < ($1, $2::uuid))
ORDER BY b.started_at DESC, b.id DESC LIMIT $3
"""
_STARTED = "SELECT started_at FROM broadcasts WHERE id = $1 AND started_at IS NOT NULL"
PRUNE_QUESTIONS = """
DELETE FROM insight_questions WHERE question IN (
    SELECT question FROM insight_questions WHERE asked_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_DAYS = """
DELETE FROM insight_days WHERE (what, day) IN (
    SELECT what, day FROM insight_days WHERE read_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_UNITS = """
DELETE FROM insight_units WHERE unit IN (
    SELECT unit FROM insight_units WHERE read_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Told(NamedTuple):
    """What LINE told of a day, each as it came."""

    day: date
    followers: dict[str, Any] | None
    deliveries: dict[str, Any] | None
    units: dict[str, Any] | None


class OfBroadcast(NamedTuple):
    """A broadcast: `figures` are LINE's, None until they were read; `clicks` are our links'."""

    broadcast_id: UUID
    name: str
    started_at: datetime
    delivered: int | None
    figures: dict[str, Any] | None
    read_at: datetime | None
    clicks: int


async def sent(connection: Connection) -> list[Sent]:
    """Broadcasts that went out under a unit and are still asked about."""
    return [Sent(*row) for row in await connection.fetch(_SENT, clock.now() - READ_FOR)]


async def open_questions(connection: Connection, asked: Sequence[Question]) -> list[Question]:
    """Those that are not answered and not claimed by somebody now."""
    keys = [question.key for question in asked]
    rows = await connection.fetch(_ANSWERED, keys, clock.now())
    closed = {row["question"] for row in rows}
    return [question for question in asked if question.key not in closed]


async def claim(
    connection: Connection,
    question: str,
    now: datetime,
    again_at: datetime,
    since: datetime,
    most: int,
) -> Literal["claimed", "taken", "enough"]:
    """Take a question for oneself until `again_at`, unless `most` were asked since `since`."""
    async with connection.transaction():
        await connection.execute(_LOCK)
        if await connection.fetchval(_ASKED, since) >= most:
            return "enough"
        found = await connection.fetchval(_CLAIM, question, now, again_at)
        return "claimed" if found else "taken"


async def answered(connection: Connection, question: str) -> None:
    """It need not be asked again."""
    await connection.execute(_DONE, question)


async def keep_day(
    connection: Connection, what: str, day: date, figures: dict[str, Any], now: datetime
) -> None:
    """Keep what LINE told of a day."""
    await connection.execute(_KEEP_DAY, what, day, _json(figures), now)


async def keep_unit(
    connection: Connection, unit: str, broadcast: UUID, figures: dict[str, Any], now: datetime
) -> None:
    """Keep what LINE told of a broadcast's unit, with our own count of who got it."""
    await connection.execute(_KEEP_UNIT, unit, broadcast, _json(figures), now)


async def days(connection: Connection, first: date, last: date) -> list[Told]:
    """What LINE told of these days, newest first."""
    rows = await connection.fetch(_DAYS, first, last)
    return [Told(row["day"], *map(_plain, list(row.values())[1:])) for row in rows]


async def broadcasts(
    connection: Connection, after: tuple[datetime, UUID] | None, limit: int
) -> list[OfBroadcast]:
    """Broadcasts that went out, newest first, those before `after`."""
    moment, id = after or (None, None)
    rows = await connection.fetch(_BROADCASTS, moment, id, limit)
    return [OfBroadcast(**{**row, "figures": _plain(row["figures"])}) for row in rows]


async def started_at(connection: Connection, broadcast: UUID) -> datetime | None:
    """When a broadcast went out; None if it did not."""
    found: datetime | None = await connection.fetchval(_STARTED, broadcast)
    return found


def _json(figures: dict[str, Any]) -> str:
    return msgspec.json.encode(figures).decode()


def _plain(text: str | None) -> dict[str, Any] | None:
    return None if text is None else msgspec.json.decode(text, type=dict[str, Any])
