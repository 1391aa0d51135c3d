"""Figures by the hour: derived from the rows of the ledger, and kept. `figure_days` reads them.

`hour` is always the first moment of an hour in the given zone; ranges end before `until`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from services.points.store.verification import WHOLE_SECONDS
from shared.bus.handling import Connection

SALES = """
SELECT hour, store, sum(purchases)::bigint AS purchases, sum(gross)::bigint AS gross,
    sum(visits)::bigint AS visits, sum(refunds)::bigint AS refunds,
    sum(refunded)::bigint AS refunded, sum(issued)::bigint AS issued, sum(used)::bigint AS used,
    sum(returned)::bigint AS returned, sum(taken_back)::bigint AS taken_back
FROM (
    SELECT date_trunc('hour', occurred_at, $3) AS hour, store,
        CASE WHEN total > 0 THEN 1 ELSE 0 END AS purchases, total AS gross, visits, 0 AS refunds,
        0 AS refunded, points AS issued, 0 AS used, 0 AS returned, 0 AS taken_back
    FROM purchases WHERE occurred_at >= $1 AND occurred_at < $2
    UNION ALL
    SELECT date_trunc('hour', r.refunded_at, $3), p.store, 0, 0, 0, 1, r.amount, 0, 0,
        r.points_returned, r.points_taken_back
    FROM refunds r JOIN purchases p ON (p.member_id, p.id) = (r.member_id, r.purchase_id)
    WHERE r.refunded_at >= $1 AND r.refunded_at < $2
    UNION ALL
    SELECT date_trunc('hour', recorded_at, $3), explanation ->> 'store', 0, 0, 0, 0, 0,
        CASE WHEN kind = 'earn' THEN amount ELSE 0 END,
        CASE WHEN kind = 'redeem' THEN -amount ELSE 0 END, 0, 0
    FROM entries WHERE unit = 'point' AND recorded_at >= $1 AND recorded_at < $2
        AND (kind = 'redeem' OR kind = 'earn' AND source = 'service')
        AND explanation ->> 'store' IS NOT NULL
) AS happened GROUP BY hour, store
"""
POINTS = """
SELECT date_trunc('hour', recorded_at, $3) AS hour,
    coalesce(sum(amount) FILTER (WHERE kind = 'earn'), 0)::bigint AS issued,
    coalesce(sum(amount) FILTER (
        WHERE kind = 'adjust' OR kind = 'transfer' AND source = 'import'
    ), 0)::bigint AS adjusted,
    coalesce(-sum(amount) FILTER (WHERE kind = 'redeem'), 0)::bigint AS used,
    coalesce(sum(amount) FILTER (
        WHERE kind = 'reverse' AND amount > 0 OR kind = 'transfer' AND source = 'refund'
    ), 0)::bigint AS returned,
    coalesce(-sum(amount) FILTER (WHERE kind = 'expire'), 0)::bigint AS expired,
    coalesce(-sum(amount) FILTER (WHERE kind = 'reverse' AND amount < 0), 0)::bigint AS taken_back,
    sum(amount)::bigint AS total
FROM entries WHERE unit = 'point' AND recorded_at >= $1 AND recorded_at < $2 GROUP BY 1
"""
JOINS = """
SELECT date_trunc('hour', joined_at, $3) AS hour, coalesce(route, '') AS route, count(*) AS members
FROM members WHERE joined_at >= $1 AND joined_at < $2 AND merged_into IS NULL GROUP BY 1, 2
"""

_STATE = "SELECT zone, kept_until, looked_at, after_member FROM figures_state"
_MAY_WORK = "SELECT pg_try_advisory_xact_lock($1)"
_LOCK = 0x66696775726573  # "figures"
_SET_STATE = """
INSERT INTO figures_state (single, zone, kept_until, looked_at, after_member)
VALUES (true, $1, $2, $3, $4)
ON CONFLICT (single) DO UPDATE SET zone = $1, kept_until = $2, looked_at = $3, after_member = $4
"""
_FIRST = """
SELECT least(
    (SELECT min(recorded_at) FROM entries), (SELECT min(occurred_at) FROM purchases),
    (SELECT min(refunded_at) FROM refunds), (SELECT min(joined_at) FROM members))
"""
_HOUR_OF = "SELECT date_trunc('hour', $1::timestamptz, $2)"
_EMPTY = ("DELETE FROM hour_sales", "DELETE FROM hour_points", "DELETE FROM hour_joins")
_KEEP_SALES = (
    "DELETE FROM hour_sales WHERE hour >= $1 AND hour < $2",
    f"INSERT INTO hour_sales {SALES}",
)
_KEEP_JOINS = (
    "DELETE FROM hour_joins WHERE hour >= $1 AND hour < $2",
    f"INSERT INTO hour_joins {JOINS}",
)
_KEEP_POINTS = (
    "DELETE FROM hour_points WHERE hour >= $1 AND hour < $2",
    f"""
INSERT INTO hour_points
SELECT n.*, (sum(total) OVER (ORDER BY hour) + coalesce(
    (SELECT owed FROM hour_points WHERE hour < $1 ORDER BY hour DESC LIMIT 1), 0))::bigint
FROM ({POINTS}) AS n
""",
)
_TOUCHED = """
SELECT DISTINCT date_trunc('hour', at, $3) AS hour FROM (
    SELECT occurred_at AS at FROM entries
    WHERE recorded_at >= $1 AND recorded_at < $5 AND occurred_at < $2 AND source = 'purchase'
    UNION ALL
    SELECT p.occurred_at FROM refunds r
    JOIN purchases p ON (p.member_id, p.id) = (r.member_id, r.purchase_id)
    WHERE r.refunded_at >= $1 AND r.refunded_at < $5
    UNION ALL
    SELECT m.joined_at FROM (
        SELECT kept, absorbed FROM merges WHERE merged_at >= $1 AND merged_at < $5
        UNION ALL SELECT kept, absorbed FROM merges WHERE undone_at >= $1 AND undone_at < $5
    ) AS moved CROSS JOIN LATERAL unnest(ARRAY[kept, absorbed]) AS who
    JOIN members m ON m.id = who
    UNION ALL
    SELECT joined_at FROM members
    WHERE id > $4 AND id < 'ffffffff-ffff-ffff-ffff-ffffffffffff' AND joined_at < $2
) AS late WHERE at < $2 ORDER BY 1
"""
"""Both ends of each range are named: of one with an open end the planner expects a third of all
rows, and would read the whole table."""

_IMPORTED = "SELECT EXISTS (SELECT FROM imports WHERE changed_at >= $1 AND changed_at < $2)"
_DIFFERENT_SALES = """
SELECT count(*) FROM (SELECT * FROM {table} WHERE hour < $2) AS kept
FULL JOIN ({derived}) AS derived USING (hour, {key})
WHERE kept IS DISTINCT FROM derived AND hour <> ALL($4::timestamptz[])
"""
_DIFFERENT_JOINS = _DIFFERENT_SALES.format(table="hour_joins", derived=JOINS, key="route")
_DIFFERENT_SALES = _DIFFERENT_SALES.format(table="hour_sales", derived=SALES, key="store")
_DIFFERENT_POINTS = f"""
SELECT count(*) FROM (SELECT * FROM hour_points WHERE hour < $2) AS kept
FULL JOIN (
    SELECT n.*, (sum(total) OVER (ORDER BY hour))::bigint AS owed FROM ({POINTS}) AS n
) AS derived USING (hour)
WHERE kept IS DISTINCT FROM derived
"""
BEGINNING = datetime(1, 1, 2, tzinfo=UTC)


class State(NamedTuple):
    """How far the figures are kept, and up to where was looked for what came late."""

    zone: str
    kept_until: datetime
    looked_at: datetime
    after_member: UUID


async def state(connection: Connection) -> State | None:
    """How far the figures are; None before they were ever kept."""
    row = await connection.fetchrow(_STATE)
    return State(*row) if row else None


async def may_work(connection: Connection) -> bool:
    """Whether nobody else works on the figures; then nobody does until the transaction ends."""
    may: bool = await connection.fetchval(_MAY_WORK, _LOCK)
    return may


async def set_state(connection: Connection, state: State) -> None:
    """Note how far the figures are."""
    await connection.execute(_SET_STATE, *state)


async def begin(connection: Connection, state: State) -> None:
    """Forget all that is kept, and note where to begin."""
    for statement in _EMPTY:
        await connection.execute(statement)
    await set_state(connection, state)


async def first_moment(connection: Connection) -> datetime | None:
    """When the first thing happened that figures count; reads whole tables."""
    found: datetime | None = await connection.fetchval(_FIRST)
    return found


async def hour_of(connection: Connection, moment: datetime, zone: str) -> datetime:
    """The hour in which a moment lies."""
    hour: datetime = await connection.fetchval(_HOUR_OF, moment, zone)
    return hour


async def keep_sales(connection: Connection, since: datetime, until: datetime, zone: str) -> None:
    """Keep what happened at the tills in the hours of a range, as the rows are now."""
    forget, derive = _KEEP_SALES
    await connection.execute(forget, since, until)
    await connection.execute(derive, since, until, zone)


async def keep_joins(connection: Connection, since: datetime, until: datetime, zone: str) -> None:
    """Keep who joined in the hours of a range, as the rows are now."""
    forget, derive = _KEEP_JOINS
    await connection.execute(forget, since, until)
    await connection.execute(derive, since, until, zone)


async def imported(connection: Connection, since: datetime, until: datetime) -> bool:
    """Whether an import did anything in a range: it may say that members joined earlier."""
    found: bool = await connection.fetchval(_IMPORTED, since, until)
    return found


async def keep_points(connection: Connection, since: datetime, until: datetime, zone: str) -> None:
    """Keep what the ledger booked in the hours of a range, the last ones that are kept."""
    forget, derive = _KEEP_POINTS
    await connection.execute(forget, since, until)
    await connection.execute(derive, since, until, zone)


async def touched(
    connection: Connection, state: State, since: datetime, until: datetime
) -> list[datetime]:
    """The kept hours that something booked in a range concerns, or a member added since."""
    rows = await connection.fetch(
        _TOUCHED, since, state.kept_until, state.zone, state.after_member, until
    )
    return [row["hour"] for row in rows]


async def differences(
    connection: Connection, state: State, late: Sequence[datetime], *, joins: bool
) -> int:
    """Kept hours that the rows do not say so, other than those known to be `late`; those of who
    joined only if `joins`."""
    spans = (BEGINNING, state.kept_until, state.zone)
    found: int = await connection.fetchval(_DIFFERENT_POINTS, *spans, timeout=WHOLE_SECONDS)
    for statement in (_DIFFERENT_SALES, _DIFFERENT_JOINS) if joins else (_DIFFERENT_SALES,):
        found += await connection.fetchval(statement, *spans, list(late), timeout=WHOLE_SECONDS)
    return found
