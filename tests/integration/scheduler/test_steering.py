"""The API over a real database: what is due, what ran, pausing, running now, holding items."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from services.scheduler import __main__ as scheduler
from services.scheduler.settings import SchedulerWebSettings
from services.scheduler.store import items as store
from services.scheduler.store.items import Item
from services.scheduler.ticking import Ticker
from shared import api_keys, ids
from shared.events import ScheduleCancelled, TerminalChanged
from shared.process import Process
from tests.staff import SESSION_KEY, signed_in

EVENING = datetime(2026, 5, 10, 12, tzinfo=UTC)
NIGHT = datetime(2026, 5, 10, 18, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
OWNER, READER = "tmr_own_x", "tmr_read_x"


class Unsent:
    """A relay that sends nothing: what was emitted stays in the outbox."""

    async def hand_over(self, rows) -> None:
        pass


async def fired(pool) -> list[str]:
    """Names of ticks and keys of items in the outbox."""
    rows = await pool.fetch("SELECT body FROM outbox ORDER BY id")
    events = [event for row in rows for event in msgspec.json.decode(row["body"])]
    fired = [event["data"] for event in events if event["type"] != "key.acted.v1"]
    return [each.get("name") or each["key"] for each in fired]


def item(key: str, due_at: datetime, subject: str | None = None) -> Item:
    data = msgspec.json.encode(ScheduleCancelled(key=key))
    return Item(key, due_at, "schedule.cancelled.v1", data, ids.new_id(), subject, None, None)


async def told(pool) -> list[tuple[str, Any, Any]]:
    """What the audit log is told: target, before and after."""
    rows = await pool.fetch("SELECT body FROM outbox WHERE type = 'key.acted.v1' ORDER BY id")
    acts = [event["data"] for row in rows for event in msgspec.json.decode(row["body"])]
    return [(act["target"], act["before"], act["after"]) for act in acts]


async def put(pool, *items: Item) -> None:
    async with pool.acquire() as connection:
        await store.put_items(connection, items)


@pytest.fixture
async def api(
    servers, scheduler_database, pool, bus, set_clock
) -> AsyncIterator[httpx.AsyncClient]:
    """The API as its process builds it, called by an owner, at the evening."""
    set_clock(EVENING)
    for number, (key, kind) in enumerate(((OWNER, "owner"), (READER, "read"))):
        key_hash = hashlib.sha256(key.encode()).hexdigest()
        known = TerminalChanged(UUID(int=number), key, kind, key_hash, True, 1)
        await api_keys.keep(pool, [known])  # a pool executes as a connection does
    settings = SchedulerWebSettings(
        session_key=SESSION_KEY,
        database_url=scheduler_database,
        amqp_url=servers.amqp_url,
        redis_url=servers.redis_url,
        rate_limit_per_second=10_000,
    )
    process = Process("scheduler-web", settings, bus, pool, Unsent())
    await scheduler.web(process)
    for work in process._tasks:
        work.close()
    await Ticker(pool, Unsent()).round()
    transport = httpx.ASGITransport(process.app)
    headers = {"authorization": f"Bearer {OWNER}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as http:
        yield http
    bus._consumers.clear()
    for act in process.on_stop:
        await act()


def keyed(key: str = "a") -> dict[str, str]:
    return {"idempotency-key": key}


async def test_what_is_due_and_what_ran(api, pool, set_clock):
    await put(pool, item("late", EVENING - HOUR), item("later", NIGHT), item("last", NIGHT + HOUR))
    view = (await api.get("/v1/schedules")).json()
    (nightly,) = view["items"]
    assert (nightly["status"], nightly["last"]) == ("active", None)
    assert datetime.fromisoformat(nightly["next_at"]) == NIGHT
    assert 3600 <= view["lag_seconds"] < 3660
    assert view["time_zone"] == "Asia/Tokyo"
    (count,) = view["waiting"]
    assert (count["waiting"], count["due"], count["held"]) == (3, 1, 0)
    set_clock(NIGHT + timedelta(seconds=90))
    await Ticker(pool, Unsent()).round()
    view = (await api.get("/v1/schedules")).json()
    (nightly,) = view["items"]
    assert 90 <= nightly["last"]["lag_seconds"] < 100
    assert datetime.fromisoformat(nightly["next_at"]) == NIGHT + 24 * HOUR
    (over,) = view["handed_over"]
    assert over["items"] == 2
    assert 7.5 * 3600 <= over["worst_lag_seconds"] < 7.6 * 3600
    runs = (await api.get("/v1/schedules/nightly/runs")).json()
    assert [datetime.fromisoformat(run["due_at"]) for run in runs["items"]] == [NIGHT]


async def test_a_paused_schedule_fires_nothing_and_makes_up_for_nothing(api, pool, set_clock):
    paused = await api.post("/v1/schedules/nightly/pause", headers=keyed())
    assert (paused.json()["status"], paused.json()["next_at"]) == ("paused", None)
    set_clock(NIGHT + HOUR)
    await Ticker(pool, Unsent()).round()
    resumed = await api.post("/v1/schedules/nightly/resume", headers=keyed("b"))
    assert resumed.json()["status"] == "active"
    await Ticker(pool, Unsent()).round()
    assert await fired(pool) == []
    set_clock(NIGHT + 24 * HOUR)
    await Ticker(pool, Unsent()).round()
    assert await fired(pool) == ["nightly"]
    done = (await api.get("/v1/schedules/acts")).json()["items"]
    assert [(act["act"], act["target"]) for act in done] == [
        ("resume", "schedule:nightly"),
        ("pause", "schedule:nightly"),
    ]


async def test_a_pause_asked_for_twice_is_one_and_does_not_undo_a_resume(api, pool):
    await api.post("/v1/schedules/nightly/pause", headers=keyed("same"))
    await api.post("/v1/schedules/nightly/resume", headers=keyed("other"))
    repeated = await api.post("/v1/schedules/nightly/pause", headers=keyed("same"))
    assert repeated.json()["status"] == "active"
    assert await told(pool) == [
        ("schedule:nightly", {"status": "active"}, {"status": "paused"}),
        ("schedule:nightly", {"status": "paused"}, {"status": "active"}),
    ]
    conflict = await api.post("/v1/schedules/nightly/run", headers=keyed("same"))
    assert conflict.status_code == 409


async def test_run_now_is_once_for_each_key_and_leaves_the_next_run(api, pool, set_clock):
    for _ in range(2):
        ran = await api.post("/v1/schedules/nightly/run", headers=keyed("once"))
    assert ran.json()["last"]["asked_by"] == f"key:{UUID(int=0)}"
    assert datetime.fromisoformat(ran.json()["next_at"]) == NIGHT
    assert await fired(pool) == ["nightly"]
    set_clock(NIGHT)
    await Ticker(pool, Unsent()).round()
    assert await fired(pool) == ["nightly", "nightly"]


async def test_other_times_count_from_now_on(api, pool, set_clock):
    set_clock(NIGHT + timedelta(minutes=10))
    changed = await api.put(
        "/v1/schedules/nightly", json={"cron": "0 1 * * *", "time_zone": "UTC", "catch_up": 2}
    )
    assert await fired(pool) == ["nightly"], "what came due the old way is not lost"
    assert changed.json()["own_time_zone"] == "UTC"
    assert datetime.fromisoformat(changed.json()["next_at"]).hour == 1
    await Ticker(pool, Unsent()).round()
    assert await fired(pool) == ["nightly"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "* * * *"}, "cron"),
        ({"cron": "0 3 * * *", "time_zone": "Asia/Nowhere"}, "time_zone"),
        ({"cron": "0 3 * * *", "time_zone": "../etc/passwd"}, "time_zone"),
        ({"cron": "0 3 * * *", "catch_up": 0}, "catch_up"),
    ],
)
async def test_times_that_cannot_be_are_refused_with_their_place(api, body, path):
    refused = await api.put("/v1/schedules/nightly", json=body)
    assert refused.status_code == 422
    assert [error["path"] for error in refused.json()["errors"]] == [path]


async def test_items_are_held_let_go_run_and_cancelled(api, pool, set_clock):
    await put(pool, *(item(key, NIGHT, "m1") for key in ("a", "b c/d?", "c")))
    await api.post("/v1/schedules/items/pause", params={"item": "a"}, headers=keyed("1"))
    await api.delete("/v1/schedules/items", params={"item": "c"})
    ran = await api.post("/v1/schedules/items/run", params={"item": "b c/d?"}, headers=keyed("2"))
    assert ran.json()["status"] == "due"
    await Ticker(pool, Unsent()).round()
    assert await fired(pool) == ["b c/d?"]
    await pool.execute("UPDATE schedules SET paused_at = $1", EVENING)
    set_clock(NIGHT + HOUR)
    await Ticker(pool, Unsent()).round()
    assert await fired(pool) == ["b c/d?"]
    (left,) = (await api.get("/v1/schedules/items")).json()["items"]
    assert (left["key"], left["status"], left["lag_seconds"]) == ("a", "held", 0)
    held, *_ = await told(pool)
    assert (held[0], held[1]["status"], held[2]["status"]) == ("item:a", "waiting", "held")
    await api.post("/v1/schedules/items/resume", params={"item": "a"}, headers=keyed("3"))
    await Ticker(pool, Unsent()).round()
    assert await fired(pool) == ["b c/d?", "a"]
    gone = await api.post("/v1/schedules/items/run", params={"item": "a"}, headers=keyed("4"))
    assert gone.status_code == 404


async def test_items_page_by_page_and_of_one_member(api, pool):
    await put(pool, *(item(f"i{n}", NIGHT, f"m{n % 2}") for n in range(5)))
    seen: list[str] = []
    after = None
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        page = (await api.get("/v1/schedules/items", params=query)).json()
        seen += [each["key"] for each in page["items"]]
        if (after := page["next"]) is None:
            break
    assert seen == [f"i{n}" for n in range(5)]
    own = (await api.get("/v1/schedules/items", params={"subject": "m1"})).json()["items"]
    assert [each["key"] for each in own] == ["i1", "i3"]
    odd = await api.get("/v1/schedules/items", params={"after": "yesterday x"})
    assert odd.status_code == 422


async def test_reading_keys_read_and_no_key_sees_nothing(api):
    reader = {"authorization": f"Bearer {READER}"}
    assert (await api.get("/v1/schedules", headers=reader)).status_code == 200
    refused = await api.post("/v1/schedules/nightly/run", headers=reader | keyed())
    assert refused.status_code == 403
    nobody = await api.get("/v1/schedules", headers={"authorization": "Bearer x"})
    assert nobody.status_code == 401
    assert (await api.get("/v1/schedules/none")).status_code == 404


async def test_the_page_is_for_who_reads_the_console(api):
    page = await api.get("/console/schedules", **signed_in("viewer"))
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert 'data-may=""' in page.text
    assert 'data-may="1"' in (await api.get("/console/schedules", **signed_in("manager"))).text
    assert (await api.get("/console/schedules", **signed_in("staff"))).status_code == 403
    nobody = await api.get("/console/schedules", headers={"authorization": ""})
    assert nobody.status_code == 303
    assert (await api.get("/schedules")).headers["location"] == "/console/schedules"
    script = await api.get("/static/scheduler/schedules.js")
    assert script.status_code == 200
    assert "innerHTML" not in script.text
