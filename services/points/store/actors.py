"""Who did something (`staff:<id>`, `key:<id>`, `terminal:<id>`), by the name they have now."""

from collections.abc import Iterable
from uuid import UUID

from shared.bus.handling import Connection

_NAMES = """
SELECT 'staff' AS kind, id, name FROM staff WHERE id = ANY($1)
UNION ALL SELECT 'key', id, name FROM terminals WHERE id = ANY($1)
"""


async def names(connection: Connection, actors: Iterable[str]) -> dict[str, str]:
    """Actor → name; those that nobody knows any more are left out."""
    ids = {actor: _id(actor) for actor in actors}
    found = await connection.fetch(_NAMES, [id for id in ids.values() if id])
    known = {row["id"]: row["name"] for row in found}
    return {actor: known[id] for actor, id in ids.items() if id in known}


def _id(actor: str) -> UUID | None:
    try:
        return UUID(actor.partition(":")[2])
    except ValueError:
        return None
