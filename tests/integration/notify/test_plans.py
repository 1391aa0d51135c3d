"""What waits, for a broadcast or for its turn, is not looked through for each message that goes
out: statements stay cheap however many wait, also when none did when the planner last looked."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from services.notify.sending.lanes import MOST_OF_ONE
from services.notify.sending.sender import LEASE
from services.notify.store import campaigns, claims, deliveries
from shared import clock
from shared.db import open_pool
from tests.integration.notify.broadcast_house import sale_to, user, wait_for_turn
from tests.integration.plans import work

CROWD = 20_000
MOST = CROWD // 4
DUE = "timestamptz, integer, smallint[], text[]"


@pytest.fixture
async def pool(notify: Any) -> AsyncIterator[Any]:
    pool = await open_pool(notify.settings.database_url.get_secret_value(), schema="notify")
    yield pool
    await pool.close()


async def test_who_else_waits_for_a_broadcast_is_not_looked_through_for_each(
    pool: Any,
) -> None:
    sale = await sale_to(pool, CROWD)
    now, few = clock.now() + timedelta(seconds=1), 100
    claim = await work(
        pool,
        campaigns._CLAIM,
        "timestamptz, timestamptz, integer, uuid",
        now,
        now + LEASE,
        few,
        sale,
    )
    assert claim < MOST
    cancel = "uuid, timestamptz, integer"
    assert await work(pool, campaigns._CANCEL, cancel, sale, now, few) < MOST
    assert await recorded(pool, [sale] * few) < MOST
    assert await work(pool, deliveries._SKIP_BLOCKED, "text[], timestamptz", named(few), now) < MOST


async def test_nor_is_what_waits_for_its_turn(pool: Any) -> None:
    events = await wait_for_turn(pool, CROWD)
    now, few = clock.now() + timedelta(seconds=1), 100
    claim = await work(pool, claims._DUE, DUE, now, few, "{0,1,2}", "{}")
    assert few < claim < MOST
    assert await work(pool, claims._GATHERING, "text[]", named(few)) < MOST
    assert few < await recorded(pool, events[:few]) < MOST


async def test_nor_is_all_that_waits_for_one_person(pool: Any) -> None:
    await wait_for_turn(pool, CROWD)
    await pool.execute("UPDATE deliveries SET line_user_id = $1 WHERE status = 'waiting'", user(0))
    now, few = clock.now() + timedelta(seconds=1), 100
    claim = await work(pool, claims._DUE, DUE, now, few, "{0,1,2}", "{}")
    assert MOST_OF_ONE < claim < MOST


async def recorded(pool: Any, events: Sequence[Any]) -> int:
    """The work of writing down that the first people have got theirs, one of each event."""
    done = [
        {
            "line_user_id": user(number),
            "event_id": str(event),
            "status": "delivered",
            "tries": 1,
            "finished_at": str(clock.now()),
            "via": "push",
            "due_at": None,
        }
        for number, event in enumerate(events)
    ]
    return await work(pool, deliveries._RECORD, "json", json.dumps(done))


def named(count: int) -> str:
    """The first people, as PostgreSQL writes an array."""
    return "{" + ",".join(user(number) for number in range(count)) + "}"
