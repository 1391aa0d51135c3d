"""Which kinds of notices people have stopped. Nothing here commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.notify.store.deliveries import OPEN
from shared.bus.handling import Connection


class Choice(NamedTuple):
    """Somebody's word on one category, at the time it was given; `via` is chat or card."""

    line_user_id: str
    category: str
    stopped: bool
    at: datetime
    via: str


_CHOOSE = """
INSERT INTO preferences AS known (line_user_id, category, stopped, changed_at, via)
SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::timestamptz[], $5::text[])
    AS c (line_user_id, category, stopped, at, via)
ORDER BY line_user_id, category
ON CONFLICT (line_user_id, category) DO UPDATE
SET stopped = excluded.stopped, changed_at = excluded.changed_at, via = excluded.via
WHERE known.changed_at <= excluded.changed_at
"""
_STOPPED = """
SELECT line_user_id, category FROM preferences WHERE line_user_id = ANY($1::text[]) AND stopped
"""
# What certainly was not sent yet; what may have been is left to its call.
_SKIP = f"""
UPDATE deliveries AS d
SET status = 'skipped', due_at = NULL, reason = 'opted_out', finished_at = $2
FROM preferences p
WHERE d.line_user_id = ANY($1::text[]) AND {OPEN}
    AND d.unknown_since IS NULL AND d.reply_tried_at IS NULL
    AND p.line_user_id = d.line_user_id AND p.category = d.category AND p.stopped
"""
_IS_RECIPIENT = "SELECT EXISTS (SELECT FROM recipients WHERE line_user_id = $1)"


async def choose(connection: Connection, choices: Sequence[Choice], now: datetime) -> None:
    """Take these words; an older one than is known changes nothing. What was stopped and waits to
    be said is given up."""
    newest = {(each.line_user_id, each.category): each for each in sorted(choices, key=_at)}
    columns = [list(column) for column in zip(*newest.values(), strict=True)]
    await connection.execute(_CHOOSE, *columns)
    stopping = sorted({each.line_user_id for each in newest.values() if each.stopped})
    if stopping:
        await connection.execute(_SKIP, stopping, now)


async def stopped(connection: Connection, line_user_ids: Sequence[str]) -> dict[str, set[str]]:
    """The categories that each of these users has stopped."""
    found: dict[str, set[str]] = {user: set() for user in line_user_ids}
    for user, category in await connection.fetch(_STOPPED, list(found)):
        found[user].add(category)
    return found


async def is_recipient(connection: Connection, line_user_id: str) -> bool:
    """Whether notify has ever heard of this LINE user: of others nothing is kept."""
    found: bool = await connection.fetchval(_IS_RECIPIENT, line_user_id)
    return found


def _at(choice: Choice) -> datetime:
    return choice.at
