"""Everything that is known of one entry, for `tamaru ledger explain`."""

from typing import Any
from uuid import UUID

from shared.bus.handling import Connection

_ENTRY = """
SELECT e.*, m.card, m.external_id FROM entries e LEFT JOIN members m ON m.id = e.member_id
WHERE e.id = $1 AND ($2::uuid IS NULL OR e.member_id = $2)
"""
_REQUEST = """
SELECT r.*, t.name AS terminal FROM requests r LEFT JOIN terminals t ON t.id = r.terminal_id
WHERE r.id = $1
"""
_LOT = "SELECT * FROM lots WHERE member_id = $1 AND entry_id = $2"
_PURCHASE = "SELECT * FROM purchases WHERE member_id = $1 AND id = $2"
_LOTS_MOVED = """
SELECT entry_id, opened, remaining, opened_at, expires_at FROM lots
WHERE member_id = $1 AND entry_id = ANY($2::uuid[])
"""
_VERSION = "SELECT version, effective_from, published_by FROM programs WHERE version = $1"


async def entry(connection: Connection, id: UUID, member: UUID | None) -> Any:
    """The entry with its member's card, or None. Without the member every entry is looked at."""
    return await connection.fetchrow(_ENTRY, id, member)


async def request(connection: Connection, id: UUID) -> Any:
    """The request behind a cause, with the terminal's name, or None."""
    return await connection.fetchrow(_REQUEST, id)


async def lot(connection: Connection, member: UUID, entry: UUID) -> Any:
    """The lot that an entry opened, or None."""
    return await connection.fetchrow(_LOT, member, entry)


async def purchase(connection: Connection, member: UUID, id: UUID) -> Any:
    """The purchase behind a cause, or None."""
    return await connection.fetchrow(_PURCHASE, member, id)


async def lots(connection: Connection, member: UUID, ids: list[UUID]) -> list[Any]:
    """Lots that an entry moved points of."""
    return await connection.fetch(_LOTS_MOVED, member, ids)


async def version(connection: Connection, number: int) -> Any:
    """When a version of the program began and who published it, or None."""
    return await connection.fetchrow(_VERSION, number)
