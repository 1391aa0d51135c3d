"""What LINE calls people, by LINE account."""

from collections.abc import Sequence
from typing import Any

import msgspec

from shared import ids
from shared.bus.handling import Connection
from shared.events import RecipientNamed

_KEEP = """
INSERT INTO line_names AS known (line_user_id, id, name, named_at)
SELECT line_user_id, id, name, named_at
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[])
    AS n (line_user_id, id, name, named_at)
ORDER BY line_user_id
ON CONFLICT (line_user_id) DO UPDATE SET name = excluded.name, named_at = excluded.named_at
WHERE known.named_at < excluded.named_at
"""
_OF = """
SELECT jsonb_build_object('line_user_id', line_user_id, 'name', name, 'named_at', named_at)
FROM line_names WHERE line_user_id = ANY($1::text[]) ORDER BY line_user_id
"""


async def keep(connection: Connection, named: Sequence[RecipientNamed]) -> None:
    """Write names, one of each account, unless a newer one is known."""
    await connection.execute(
        _KEEP,
        [each.line_user_id for each in named],
        [ids.new_id() for _ in named],
        [each.name for each in named],
        [each.named_at for each in named],
    )


async def of(connection: Connection, users: Sequence[str]) -> list[Any]:
    """What is kept of these LINE users."""
    rows = await connection.fetch(_OF, list(users))
    return [msgspec.json.decode(row[0]) for row in rows]
