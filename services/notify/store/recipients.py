"""Recipients in PostgreSQL: whom notify can talk to, in which language, and who has blocked us."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.notify.templates.wording import DEFAULT_LANGUAGE
from shared.bus.handling import Connection


class Recipient(NamedTuple):
    """What writing to somebody takes to know."""

    language: str
    blocked: bool


class Link(NamedTuple):
    """A member's LINE user, known to be a friend at `at`."""

    line_user_id: str
    member_id: UUID
    at: datetime


class Standing(NamedTuple):
    """A follow or an unfollow, at LINE's time of it."""

    line_user_id: str
    blocked: bool
    at: datetime


STRANGER = Recipient(DEFAULT_LANGUAGE, blocked=False)
"""Somebody whose follow has not been seen yet: events may come in any order."""

_OF = "SELECT line_user_id, language, blocked FROM recipients WHERE line_user_id = ANY($1::text[])"

_LINK = """
INSERT INTO recipients AS known (line_user_id, member_id, language, blocked, changed_at)
SELECT line_user_id, member_id, $4, false, at
FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) AS r (line_user_id, member_id, at)
ORDER BY line_user_id
ON CONFLICT (line_user_id) DO UPDATE SET
    member_id = excluded.member_id,
    blocked = known.blocked AND known.changed_at > excluded.changed_at,
    changed_at = greatest(known.changed_at, excluded.changed_at)
"""

_STAND = """
INSERT INTO recipients AS known (line_user_id, language, blocked, changed_at)
SELECT line_user_id, $4, blocked, at
FROM unnest($1::text[], $2::boolean[], $3::timestamptz[]) AS r (line_user_id, blocked, at)
ORDER BY line_user_id
ON CONFLICT (line_user_id) DO UPDATE SET
    blocked = excluded.blocked, changed_at = excluded.changed_at
WHERE known.changed_at < excluded.changed_at
"""


async def known(connection: Connection, line_user_ids: Iterable[str]) -> dict[str, Recipient]:
    """Those of these users that are known."""
    rows = await connection.fetch(_OF, list(set(line_user_ids)))
    return {row[0]: Recipient(row[1], row[2]) for row in rows}


async def link(connection: Connection, links: Sequence[Link]) -> None:
    """Note which member a LINE user is; whoever joins or returns is a friend at that moment."""
    latest = {each.line_user_id: each for each in sorted(links, key=lambda each: each.at)}
    await connection.execute(
        _LINK,
        list(latest),
        [each.member_id for each in latest.values()],
        [each.at for each in latest.values()],
        DEFAULT_LANGUAGE,
    )


async def stand(connection: Connection, standings: Sequence[Standing]) -> None:
    """Note who follows and who has blocked; what is older than what is known changes nothing."""
    latest = {each.line_user_id: each for each in sorted(standings, key=lambda each: each.at)}
    await connection.execute(
        _STAND,
        list(latest),
        [each.blocked for each in latest.values()],
        [each.at for each in latest.values()],
        DEFAULT_LANGUAGE,
    )
