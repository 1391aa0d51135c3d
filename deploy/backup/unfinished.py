"""A restore that did not come to its end: told by a mark in the database, and taken back.

The mark is made in the transaction that sets aside what was there, and goes once the backup is the
database again. As long as it stands, the four schemas are a part of a backup: nothing starts on
them, no backup is made of them, and the next `tamaru restore` deletes them and puts back what was
there before.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from deploy.backup import store

TOLD = (
    "a restore is under way, or was broken off: what is in the database is a part of a backup. Run "
    "`tamaru restore` again: it first puts back what was there before (docs/backup.md)"
)


async def is_marked(connection: asyncpg.Connection) -> bool:
    """Whether a restore is under way or was broken off; asked by any role."""
    return await store.restoring(connection) is not None


async def look(database_url: str) -> bool:
    """The same by a connection of its own. Raises what says that the database is away."""
    connection = await asyncpg.connect(database_url)
    try:
        return await is_marked(connection)
    finally:
        await connection.close()


async def begin(connection: asyncpg.Connection, aside: Mapping[str, str]) -> None:
    """Give these schemas their other names, and make the mark."""
    async with connection.transaction():
        await store.rename(connection, aside)
        await store.mark_restoring(connection, aside)


async def put_back(connection: asyncpg.Connection, schemas: Sequence[str]) -> dict[str, str]:
    """Delete what stands there in part, and give back their names to those that were set aside;
    returns these by their names."""
    async with connection.transaction():
        aside = await store.set_aside(connection)
        await store.drop(connection, schemas)
        await store.rename(connection, {other: name for name, other in aside.items()})
        await end(connection)
    return aside


async def end(connection: asyncpg.Connection) -> None:
    """Take the mark away."""
    await store.drop(connection, [store.RESTORING])
