"""Changes of people: their role, stores, name, whether they work here, their password and PIN.

What changes what somebody may do ends their sessions at once. There is always an owner: whoever
would take the last one away is refused, and two who try at the same moment wait for each other.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.points.errors import LastOwner, UnknownStore
from services.points.staff import sessions
from services.points.store import staff as store
from services.points.store import terminals
from services.points.store.staff import Person
from shared import clock
from shared.bus.handling import Batch, Connection

MOST_STORES = 50
"""Of somebody who is limited to some: their token lists them."""


async def change(
    batch: Batch, id: UUID, columns: Mapping[str, Any]
) -> tuple[Person, Person] | None:
    """Change what `columns` names: name, role, stores, active. Before and after; None for nobody.

    Raises LastOwner, UnknownStore. A new role, other stores or the end of work end all sessions.
    """
    owners = await store.lock_owners(batch.connection)  # first, or two who try wait for ever
    person = await store.by_id(batch.connection, id, lock=True)
    if person is None:
        return None
    changed = msgspec.structs.replace(person, **columns, changed_at=clock.now())
    if changed.role == "owner":
        changed = msgspec.structs.replace(changed, stores=None)
    await require_stores(batch.connection, changed.stores)
    if owners == [id] and not (changed.role == "owner" and changed.active):
        raise LastOwner("somebody has to be the owner: make another one first")
    await store.put(batch.connection, changed)
    if (changed.role, changed.stores, changed.active) != (
        person.role,
        person.stores,
        person.active,
    ):
        await sessions.end_all_of(batch, person.id)
    return person, changed


async def require_stores(connection: Connection, stores: Sequence[str] | None) -> None:
    """Raises UnknownStore for a code that is no store's."""
    known = {each.code for each in await terminals.every_store(connection)} if stores else set()
    for code in stores or ():
        if code not in known:
            raise UnknownStore(f"there is no store {code!r}")


async def put_password(batch: Batch, id: UUID, hashed: str, *, kept: UUID | None = None) -> None:
    """Another password; all sessions end, but the one (`kept`) in which it was changed."""
    await store.put_password(batch.connection, id, hashed, clock.now())
    await sessions.end_all_of(batch, id, but=kept)
