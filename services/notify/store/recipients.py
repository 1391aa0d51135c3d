"""Recipients in PostgreSQL: whom notify can talk to, in which language, and who has blocked us.

A `language` that LINE has not told yet is the shop's own when the recipient was first heard of.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.notify.templates.wording import DEFAULT_LANGUAGE
from shared.bus.handling import Connection


class Recipient(NamedTuple):
    """What writing to somebody takes to know."""

    language: str
    blocked: bool
    stopped: frozenset[str] = frozenset()
    """The categories that they stopped."""
    name: str | None = None


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


_OF = """
SELECT asked.line_user_id, r.language, coalesce(r.blocked, false), ARRAY(
    SELECT category FROM preferences p WHERE p.line_user_id = asked.line_user_id AND stopped
), r.display_name
FROM unnest($1::text[]) AS asked (line_user_id) LEFT JOIN recipients r USING (line_user_id)
"""

_OF_MEMBER = """
SELECT line_user_id, blocked FROM recipients WHERE member_id = $1
ORDER BY changed_at DESC, line_user_id
"""

_LINK = """
INSERT INTO recipients AS known (
    line_user_id, member_id, language, blocked, changed_at, profile_due_at
)
SELECT line_user_id, member_id, $4, false, at, at
FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) AS r (line_user_id, member_id, at)
ORDER BY line_user_id
ON CONFLICT (line_user_id) DO UPDATE SET
    member_id = excluded.member_id,
    blocked = known.blocked AND known.changed_at > excluded.changed_at,
    returned_at = CASE WHEN known.blocked AND known.changed_at <= excluded.changed_at
        THEN excluded.changed_at ELSE known.returned_at END,
    changed_at = greatest(known.changed_at, excluded.changed_at),
    profile_due_at = coalesce(known.profile_due_at, excluded.profile_due_at)
"""

_STAND = """
INSERT INTO recipients AS known (
    line_user_id, language, blocked, changed_at, blocked_at, profile_due_at
)
SELECT line_user_id, $4, blocked, at, CASE WHEN blocked THEN at END, at
FROM unnest($1::text[], $2::boolean[], $3::timestamptz[]) AS r (line_user_id, blocked, at)
ORDER BY line_user_id
ON CONFLICT (line_user_id) DO UPDATE SET
    blocked = excluded.blocked, changed_at = excluded.changed_at,
    blocked_at = coalesce(excluded.blocked_at, known.blocked_at),
    returned_at = CASE WHEN known.blocked AND NOT excluded.blocked
        THEN excluded.changed_at ELSE known.returned_at END,
    profile_due_at = coalesce(known.profile_due_at, excluded.profile_due_at)
WHERE known.changed_at < excluded.changed_at
"""


async def known(
    connection: Connection, line_user_ids: Iterable[str], language: str = DEFAULT_LANGUAGE
) -> dict[str, Recipient]:
    """Each of these users; who was never heard of (events come in any order) is no stranger to
    being written to, in the shop's `language`."""
    rows = await connection.fetch(_OF, list(set(line_user_ids)))
    return {row[0]: _recipient(row, language) for row in rows}


def _recipient(row: Any, language: str) -> Recipient:
    _, spoken, blocked, stopped, name = row
    return Recipient(spoken or language, blocked, frozenset(stopped), name)


async def of_member(connection: Connection, member_id: UUID) -> list[tuple[str, bool]]:
    """A member's LINE users and whether they have blocked us; whom we last heard of first."""
    return [(row[0], row[1]) for row in await connection.fetch(_OF_MEMBER, member_id)]


async def link(
    connection: Connection, links: Sequence[Link], language: str = DEFAULT_LANGUAGE
) -> None:
    """Note which member a LINE user is; whoever joins or returns is a friend at that moment."""
    latest = {each.line_user_id: each for each in sorted(links, key=lambda each: each.at)}
    await connection.execute(
        _LINK,
        list(latest),
        [each.member_id for each in latest.values()],
        [each.at for each in latest.values()],
        language,
    )


async def stand(
    connection: Connection, standings: Sequence[Standing], language: str = DEFAULT_LANGUAGE
) -> None:
    """Note who follows and who has blocked; what is older than what is known changes nothing."""
    latest = {each.line_user_id: each for each in sorted(standings, key=lambda each: each.at)}
    await connection.execute(
        _STAND,
        list(latest),
        [each.blocked for each in latest.values()],
        [each.at for each in latest.values()],
        language,
    )
