"""Changes of members as their table has them: what was, what is and why are locked away together.

Who, when and of whom stay in clear. Before sealing has begun all does.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from services.points.store import sealed
from shared.bus.handling import Connection

COLUMN = "member_changes.sealed"
NOTHING = b""
"""Instead of what was changed of somebody who is erased."""

Change = tuple[UUID, Mapping[str, Any], Mapping[str, Any]]
"""A member, the parts that changed as they were, and as they are."""


class Kept(NamedTuple):
    """The columns of a change."""

    before: str
    after: str
    reason: str | None
    sealed: bytes | None


async def kept(connection: Connection, changes: Sequence[Change], reason: str | None) -> list[Kept]:
    """Changes, all for one reason, as they are to be stored."""
    if not await sealed.begun(connection):
        return [Kept(_json(old), _json(new), reason, None) for _, old, new in changes]
    values = [
        (member, {"before": old, "after": new, "reason": reason}) for member, old, new in changes
    ]
    shut = await sealed.shut(connection, COLUMN, values)
    return [Kept("{}", "{}", None, each or NOTHING) for each in shut]


async def told(connection: Connection, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of `member_changes` with `before`, `after` and `reason` as they are to be read, decoded;
    `sealed` and `member_id` must be among their columns. Empty where a key is destroyed."""
    values = [(row["member_id"], row["sealed"]) for row in rows]
    found = await sealed.opened(connection, COLUMN, values)
    return [_told(dict(row), secret) for row, secret in zip(rows, found, strict=True)]


def _told(row: dict[str, Any], secret: dict[str, Any] | None) -> dict[str, Any]:
    del row["sealed"]
    if secret is not None:
        return {**row, **secret}
    for name in ("before", "after"):
        if isinstance(row[name], str):
            row[name] = msgspec.json.decode(row[name])
    return row


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
