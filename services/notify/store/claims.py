"""Taking deliveries under a lease, and writing down which of them go out in one call.

Owns the SQL of that part of `deliveries`. What is taken in one transaction is grouped in it, so a
crash at any moment leaves either nothing or exactly the call that is made.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.notify.categories import CAMPAIGN
from services.notify.sending import grouping
from services.notify.sending.deliveries import Delivery
from services.notify.sending.grouping import MOST_OBJECTS, Group
from services.notify.sending.lanes import MOST_OF_ONE
from shared.bus.handling import Connection

NOTICES = tuple(range(CAMPAIGN))
"""The priorities of what is said to one person because something happened."""

OPEN_NOTICES = f"priority < {CAMPAIGN} AND status IN ('waiting', 'held')"
"""What `deliveries_in_turn` holds."""

_COLUMNS = """line_user_id, event_id, id, kind, category, priority, template_version, language,
    broadcast_id, unit, messages, tries, unknown_since, reply_token, reply_until, reply_tried_at,
    created_at, traceparents"""

# A plan that was kept from when the shop was new would read the table for each person. Here a plan
# costs less than a wrong one.
_PLANNED_NOW = "SET LOCAL plan_cache_mode = force_custom_plan"

# Whose turn it is, by the most urgent of what is due; then what waits for these people, the oldest
# first. That is looked up for each and called by its status, not by `due_at`: while little is open,
# which is nearly always, the planner believes that to read all of it is cheapest, and it still does
# when ten thousand wait (decision 34).
_DUE = f"""
WITH due AS (
    SELECT found.line_user_id FROM unnest($3::smallint[]) AS level, LATERAL (
        SELECT line_user_id FROM deliveries
        WHERE priority = level AND due_at <= $1 AND line_user_id <> ALL($4::text[])
        ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ) AS found
    LIMIT $2
)
SELECT waiting.* FROM (SELECT DISTINCT line_user_id FROM due) AS person, LATERAL (
    SELECT {_COLUMNS} FROM deliveries
    WHERE line_user_id = person.line_user_id AND {OPEN_NOTICES} AND (due_at <= $1 OR gathering)
    ORDER BY created_at, event_id LIMIT {MOST_OF_ONE} FOR UPDATE SKIP LOCKED
) AS waiting
ORDER BY created_at, event_id
"""

_GATHERING = f"""
SELECT waiting.* FROM unnest($1::text[]) AS person, LATERAL (
    SELECT {_COLUMNS} FROM deliveries
    WHERE line_user_id = person AND {OPEN_NOTICES} AND gathering
    FOR UPDATE SKIP LOCKED
) AS waiting
ORDER BY created_at, event_id
"""

_LEASE = """
UPDATE deliveries AS d
SET status = 'waiting', due_at = $2, unknown_since = coalesce(d.unknown_since, $1),
    gathering = false
FROM unnest($3::text[], $4::uuid[]) AS r (line_user_id, event_id)
WHERE d.line_user_id = r.line_user_id AND d.event_id = r.event_id
"""
_LEAD = """
UPDATE deliveries AS d SET messages = r.messages, traceparents = r.traceparents
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[])
    AS r (line_user_id, event_id, messages, traceparents)
WHERE d.line_user_id = r.line_user_id AND d.event_id = r.event_id
"""
# What went with one that goes with another from now on goes along. A call has no more than so many;
# without that bound the planner would read a table whole that is new to it.
_FOLLOW = f"""
WITH r AS (
    SELECT * FROM unnest($2::text[], $3::uuid[], $4::uuid[], $5::uuid[])
        AS r (line_user_id, event_id, id, leader)
), along AS (
    UPDATE deliveries AS d SET merged_into = r.leader
    FROM r, LATERAL (
        SELECT line_user_id, event_id FROM deliveries
        WHERE merged_into = r.id LIMIT {MOST_OBJECTS}
    ) AS led
    WHERE d.line_user_id = led.line_user_id AND d.event_id = led.event_id
)
UPDATE deliveries AS d
SET status = 'merged', due_at = NULL, gathering = false, merged_into = r.leader, reply_token = NULL,
    finished_at = $1
FROM r
WHERE d.line_user_id = r.line_user_id AND d.event_id = r.event_id
"""


async def claim(
    pool: "asyncpg.Pool[Any]",
    now: datetime,
    lease_until: datetime,
    limit: int,
    merging: Collection[str],
    priorities: Sequence[int] = NOTICES,
    *,
    but: Collection[str] = (),
) -> list[Group]:
    """Take up to `limit` notices of these priorities that are due, in their order and the oldest
    of each first, in a transaction of its own; with what else waits for the same people, up to
    `MOST_OF_ONE` of each.

    `merging` are the categories that go out with others; `but` are people for whom nothing is taken
    now. What other processes have taken is passed over until their lease ends.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_PLANNED_NOW)
        rows = await connection.fetch(_DUE, now, limit, list(priorities), list(but))
        groups = grouping.grouped(_deliveries(rows, lease_until), merging)
        await _take(connection, groups, now, lease_until)
        return groups


async def take_along(
    connection: Connection,
    going: Sequence[Delivery],
    now: datetime,
    lease_until: datetime,
    merging: Collection[str],
) -> list[Group]:
    """The calls for deliveries that were stored in this transaction and go out at once: what is
    gathering for the same people goes along, which costs nothing more."""
    joined = list({each.line_user_id for each in going if grouping.may_join(each, merging)})
    if not joined:
        return [Group(each, ()) for each in going]
    await connection.execute(_PLANNED_NOW)
    rows = await connection.fetch(_GATHERING, joined)
    if not rows:
        return [Group(each, ()) for each in going]
    groups = grouping.grouped([*_deliveries(rows, lease_until), *going], merging)
    await _take(connection, groups, now, lease_until)
    return groups


async def _take(
    connection: Connection, groups: Sequence[Group], now: datetime, lease_until: datetime
) -> None:
    leaders = [group.leader for group in groups]
    if leaders:
        await connection.execute(_LEASE, now, lease_until, *_keys(leaders))
    merged = [group for group in groups if group.followers]
    if merged:
        heads = [group.leader for group in merged]
        said, traced = [each.messages for each in heads], [each.traceparents for each in heads]
        await connection.execute(_LEAD, *_keys(heads), said, traced)
        pairs = [(each, group.leader.id) for group in merged for each in group.followers]
        followers = [each for each, _ in pairs]
        ids, leading = [each.id for each in followers], [leader for _, leader in pairs]
        await connection.execute(_FOLLOW, now, *_keys(followers), ids, leading)


def _keys(deliveries: Sequence[Delivery]) -> tuple[list[str], list[Any]]:
    return [each.line_user_id for each in deliveries], [each.event_id for each in deliveries]


def _deliveries(rows: Sequence[asyncpg.Record], lease_until: datetime) -> list[Delivery]:
    return [Delivery(**row, lease_until=lease_until) for row in rows]
