"""The month's quota in PostgreSQL: plan, LINE's figures, our own count. Nothing here commits.

What processes hold in slices stands in `quota_slices`, what is held back or dropped in
`quota_held`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from services.notify.quota import plan as plans
from services.notify.quota.plan import LineQuota, Plan, Tariff
from shared.bus.handling import Connection

_PLAN = "SELECT document FROM quota_plans ORDER BY revision DESC LIMIT 1"
_PUT_PLAN = """
INSERT INTO quota_plans (revision, document, changed_at, changed_by)
SELECT coalesce(max(revision), 0) + 1, $1::jsonb, $2, $3 FROM quota_plans
"""
_MONTH = "SELECT * FROM quota_months WHERE month = $1"
_BEGIN = "INSERT INTO quota_months (month) VALUES ($1) ON CONFLICT DO NOTHING"
_MONTHS = """
SELECT m.*, (SELECT coalesce(sum(messages), 0) FROM quota_sent
    WHERE day >= m.month AND day < m.month + interval '1 month') AS own
FROM quota_months AS m WHERE month < $1 ORDER BY month DESC LIMIT $2
"""
_NOTE_TARIFF = "UPDATE quota_months SET tariff = $2::jsonb WHERE month = $1"
_NOTE_REFUSED = """
UPDATE quota_months SET refused_at = $2 WHERE month = $1 AND refused_at IS NULL
"""
_FORGET_REFUSED = "UPDATE quota_months SET refused_at = NULL, asked_at = NULL WHERE month = $1"
_ASK = """
UPDATE quota_months SET asked_at = $2
WHERE month = $1 AND (asked_at IS NULL OR asked_at <= $3 OR asked_at > $2) RETURNING month
"""
_READ = """
UPDATE quota_months SET line_limit = $2, line_used = $3, line_own = $4, read_at = $5,
    refused_at = CASE WHEN $6 THEN NULL ELSE refused_at END, uncounted = $7::jsonb
WHERE month = $1
"""
_COUNT = """
INSERT INTO quota_sent AS q (day, category, kind, broadcast_id, messages, counted_at)
SELECT r.day, r.category, r.kind, r.broadcast_id, r.messages, $6::timestamptz
FROM unnest($1::date[], $2::text[], $3::text[], $4::uuid[], $5::integer[])
    AS r (day, category, kind, broadcast_id, messages)
ORDER BY r.day, r.category, r.kind, r.broadcast_id
ON CONFLICT (day, category, kind, broadcast_id)
DO UPDATE SET messages = q.messages + excluded.messages, counted_at = excluded.counted_at
"""
_BY_CATEGORY = """
SELECT category, sum(messages) AS messages FROM quota_sent WHERE day >= $1 AND day < $2
GROUP BY category
"""
_BY_CAUSE = """
SELECT category, kind, broadcast_id, sum(messages) AS messages FROM quota_sent
WHERE day >= $1 AND day < $2 GROUP BY category, kind, broadcast_id
"""
_BY_DAY = "SELECT day, sum(messages) AS messages FROM quota_sent WHERE day >= $1 GROUP BY day"
_SINCE = "SELECT min(day) FROM quota_sent"
PRUNE = """
DELETE FROM quota_sent WHERE ctid IN (
    SELECT ctid FROM quota_sent WHERE counted_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


Cause = tuple[str, str, UUID | None]
"""Category, kind, broadcast."""


class Sent(NamedTuple):
    """Messages that LINE took, of one day and cause."""

    day: date
    category: str
    kind: str
    broadcast_id: UUID | None
    messages: int


class Month(NamedTuple):
    """What is known of a month. `line` is None while LINE's figures of it are not; `uncounted` is
    what crashed processes have perhaps sent, by category; `own` is filled by `months` only."""

    month: date
    tariff: Tariff | None
    line: LineQuota | None
    refused_at: datetime | None
    uncounted: Mapping[str, int] = {}
    own: int = 0


async def plan(connection: "Connection | asyncpg.Pool[Any]") -> Plan:
    """The owner's plan in force."""
    return plans.decode(await connection.fetchval(_PLAN))


async def put_plan(connection: Connection, plan: Plan, now: datetime, by: str) -> None:
    """Put a new plan in force."""
    await connection.execute(_PUT_PLAN, plans.encode(plan), now, by)


async def month(connection: "Connection | asyncpg.Pool[Any]", month: date) -> Month:
    """The month that begins on this day; empty before it has begun."""
    row = await connection.fetchrow(_MONTH, month)
    return _month(row) if row else Month(month, None, None, None)


async def locked_month(connection: Connection, month: date) -> Month:
    """The same, begun if need be, and locked: one process at a time shares out what is left."""
    while (row := await connection.fetchrow(_MONTH + " FOR UPDATE", month)) is None:
        await connection.execute(_BEGIN, month)
    return _month(row)


async def months(connection: Connection, before: date, limit: int) -> list[Month]:
    """Months from the newest back, with our own count."""
    return [_month(row, row["own"]) for row in await connection.fetch(_MONTHS, before, limit)]


async def note_tariff(connection: Connection, month: date, tariff: Tariff | None) -> None:
    """Keep the price plan that the month is under."""
    document = None if tariff is None else msgspec.json.encode(tariff).decode()
    await connection.execute(_NOTE_TARIFF, month, document)


async def note_refused(connection: Connection, month: date, at: datetime) -> None:
    """LINE said that the month's limit is reached."""
    await connection.execute(_NOTE_REFUSED, month, at)


async def forget_refused(connection: Connection, month: date) -> None:
    """Somebody knows better than LINE's last word: the plan was changed."""
    await connection.execute(_FORGET_REFUSED, month)


async def ask(
    connection: "Connection | asyncpg.Pool[Any]", month: date, now: datetime, due: datetime
) -> bool:
    """Whether it is this process's turn to ask LINE: nobody did since `due`."""
    return await connection.fetchval(_ASK, month, now, due) is not None


async def read(
    connection: Connection,
    month: date,
    line: LineQuota,
    *,
    relieved: bool = False,
    uncounted: Mapping[str, int],
) -> None:
    """Keep what LINE said, and what follows from it; `relieved` ends its refusal."""
    document = msgspec.json.encode(dict(uncounted)).decode()
    values = (line.limit, line.used, line.own, line.read_at, relieved, document)
    await connection.execute(_READ, month, *values)


async def count(connection: Connection, sent: Sequence[Sent], now: datetime) -> None:
    """Add to our own count; each cause may be named once."""
    if sent:
        columns = (list(column) for column in zip(*sent, strict=True))
        await connection.execute(_COUNT, *columns, now)


async def by_category(
    connection: "Connection | asyncpg.Pool[Any]", start: date, end: date
) -> dict[str, int]:
    """Our own count by category, from `start` on, without `end`."""
    rows = await connection.fetch(_BY_CATEGORY, start, end)
    return {row["category"]: row["messages"] for row in rows}


async def by_cause(connection: Connection, start: date, end: date) -> Mapping[Cause, int]:
    """Our own count by category, kind and broadcast."""
    rows = await connection.fetch(_BY_CAUSE, start, end)
    return {(row[0], row[1], row[2]): row[3] for row in rows}


async def by_day(connection: Connection, start: date) -> dict[date, int]:
    """Our own count by day, from `start` on."""
    return {row["day"]: row["messages"] for row in await connection.fetch(_BY_DAY, start)}


async def since(connection: Connection) -> date | None:
    """The first day that anything was counted on."""
    day: date | None = await connection.fetchval(_SINCE)
    return day


def _month(row: asyncpg.Record, own: int = 0) -> Month:
    tariff = row["tariff"] and msgspec.json.decode(row["tariff"], type=Tariff)
    line = None
    if row["read_at"] is not None:
        line = LineQuota(row["line_limit"], row["line_used"], row["line_own"], row["read_at"])
    uncounted = msgspec.json.decode(row["uncounted"], type=dict[str, int])
    return Month(row["month"], tariff, line, row["refused_at"], uncounted, own)
