"""A commit that takes long may be left alone, and is never called off.

A PostgreSQL that waits for its standby would let a commit that is called off stand without it.
Here commits wait for a lock that somebody holds; `tests/faults/test_pair.py` has a standby.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from shared import db, ids

NOTES = """
CREATE SCHEMA {name};
CREATE TABLE {name}.notes (id integer PRIMARY KEY);
CREATE FUNCTION {name}.wait() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('{name}')); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON {name}.notes DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION {name}.wait();
"""
NOTE = "INSERT INTO notes VALUES ($1) ON CONFLICT DO NOTHING"
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1
AND datname = current_database()
"""


class Notes:
    """A table whose commits wait while `holder` holds the lock."""

    def __init__(self, pool: Any, holder: Any) -> None:
        self.pool = pool
        self._holder = holder

    async def take(self, number: int) -> str:
        """In a transaction; what PostgreSQL says of the statement."""
        async with self.pool.acquire() as connection, connection.transaction():
            told: str = await connection.execute(NOTE, number)
        return told

    async def waits(self, words: str) -> None:
        """Until a statement that begins so waits for a lock."""
        deadline = time.monotonic() + 20
        while not await self._holder.fetchval(WAITING, f"{words}%"):
            assert time.monotonic() < deadline, f"nobody waits in {words}"
            await asyncio.sleep(0.02)

    async def let_go(self) -> None:
        """Commits wait no more."""
        await self._holder.execute("SELECT pg_advisory_unlock_all()")

    async def kept(self, number: int) -> None:
        """Until everybody sees it."""
        deadline = time.monotonic() + 20
        while not await self.pool.fetchval("SELECT count(*) FROM notes WHERE id = $1", number):
            assert time.monotonic() < deadline, f"{number} was not kept"
            await asyncio.sleep(0.02)


@pytest.fixture
async def notes(servers: Any) -> AsyncIterator[Notes]:
    name = f"commits_{ids.new_id().hex[:16]}"
    holder = await asyncpg.connect(servers.database_url)
    await holder.execute(NOTES.format(name=name))
    await holder.execute(f"SELECT pg_advisory_lock(hashtext('{name}'))")
    pool = await db.open_pool(servers.database_url, schema=name)
    yield Notes(pool, holder)
    await holder.execute("SELECT pg_advisory_unlock_all()")
    await pool.close()
    await holder.execute(f"DROP SCHEMA {name} CASCADE")
    await holder.close()


async def test_who_is_cancelled_leaves_the_commit_to_itself(notes: Notes) -> None:
    task = asyncio.create_task(notes.take(1))
    await notes.waits("COMMIT")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await notes.let_go()
    await notes.kept(1)


async def test_after_a_time_out_a_repeat_waits_with_the_commit(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "COMMIT_SECONDS", 0.1)
    with pytest.raises(TimeoutError):
        await notes.take(1)
    repeat = asyncio.create_task(notes.take(1))
    await notes.waits("INSERT")
    await notes.let_go()
    assert await repeat == "INSERT 0 0"
    await notes.kept(1)
