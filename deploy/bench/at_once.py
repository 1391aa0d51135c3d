"""Notices as benchmarks and fault runs want them: each at once and alone, to be counted."""

import asyncpg

from services.notify.preferences.settings import AT_ONCE
from services.notify.store import message_settings as store
from services.notify.store.message_settings import Revision
from shared import clock


async def nothing_waits(database_url: str) -> None:
    """Set it, as an owner would. Processes that run already see it within five seconds."""
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "notify"})
    async with connection.transaction():
        before = await store.latest_locked(connection)
        revision = before.revision + 1 if before else 1
        document = AT_ONCE.model_dump_json(by_alias=True)
        await store.put(connection, Revision(revision, document, clock.now()), "bench")
    await connection.close()
