"""What waits for a broadcast is not looked through for each message of it that goes out, nor for a
receipt: statements stay cheap however many wait."""

import itertools
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from services.notify.sending.sender import LEASE
from services.notify.store import campaigns, deliveries
from shared import clock
from shared.db import open_pool
from tests.integration.notify.broadcast_house import sale_to, user

CROWD = 4000


@pytest.fixture
async def pool(notify: Any) -> AsyncIterator[Any]:
    pool = await open_pool(notify.settings.database_url.get_secret_value(), schema="notify")
    yield pool
    await pool.close()


async def pages(pool: Any, statement: str, types: str, *values: Any) -> int:
    """How many pages of the database a statement touches, planned as the services plan."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"PREPARE looked_at ({types}) AS {statement}")
        given = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE looked_at ({given})"
        (found,) = json.loads(await connection.fetchval(explain))
        await connection.execute("DEALLOCATE looked_at")
        touched: int = found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]
        return touched


async def test_who_else_waits_for_a_broadcast_is_not_looked_through_for_each(
    pool: Any,
) -> None:
    sale = await sale_to(pool, CROWD)
    now, few = clock.now() + timedelta(seconds=1), 100
    claim = await pages(
        pool,
        campaigns._CLAIM,
        "timestamptz, timestamptz, integer, uuid",
        now,
        now + LEASE,
        few,
        sale,
    )
    assert claim < CROWD
    cancel = "uuid, timestamptz, integer"
    assert await pages(pool, campaigns._CANCEL, cancel, sale, now, few) < CROWD
    users = list(itertools.islice(map(user, itertools.count()), few))
    done = [
        {
            "line_user_id": each,
            "event_id": str(sale),
            "status": "delivered",
            "tries": 1,
            "finished_at": str(now),
            "via": "push",
            "due_at": None,
        }
        for each in users
    ]
    named = "{" + ",".join(users) + "}"
    record = (json.dumps(done), named)
    assert await pages(pool, deliveries._CAMPAIGNS, "json, text[]", *record) < CROWD
    assert await pages(pool, deliveries._NOTICES, "json, text[]", *record) < few
