"""Whom the names of rows lead to, all of a page at once."""

from collections.abc import Iterable
from uuid import UUID

from services.points.members import references
from services.points.rules.importing.fates import Known, Shop
from services.points.rules.importing.rows import Wanted
from services.points.store import import_effects, phones
from shared.bus.handling import Connection


async def shop(connection: Connection, rows: Iterable[Wanted]) -> Shop:
    """Who is there of those whom the rows name."""
    names = {name for wanted in rows for name in wanted.names}
    if not names:
        return Shop()
    found = await references.resolve(connection, names)
    lost = await references.of_lost_cards(connection, names - found.keys())
    members: set[UUID] = {member.id for member in found.values()}
    brought = await import_effects.brought(connection, list(members)) if members else {}
    numbers = await phones.of(connection, members) if members else {}
    return Shop(
        {
            name: Known(
                member.id,
                member.status,
                member.external_id,
                numbers.get(member.id),
                brought.get(member.id),
            )
            for name, member in found.items()
        },
        frozenset(value for _, value in lost),
    )
