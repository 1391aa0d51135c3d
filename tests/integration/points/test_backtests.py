"""Backtests over HTTP and over stored purchases: the same rules, the kept context, one snapshot."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.points.programs import backtesting
from services.points.store import backtests as store
from shared import clock, ids
from shared.events import MemberRef
from tests.integration.points.shop import PLAIN, POS_KEY, Points, eventually, owner, submitted

RULE = PLAIN["accrual"]["rules"][0]
DOUBLE = {**PLAIN, "accrual": {"rules": [{**RULE, "points": 2}]}}
PATH = "/v1/program/backtests"
LONG_AGO = clock.now() - timedelta(days=400)


@pytest.fixture
async def worker(points: Points, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """What the `ranks` process runs."""
    monkeypatch.setattr(backtesting, "POLL_SECONDS", 0.02)
    working = asyncio.create_task(backtesting.work(points.pool))
    yield
    working.cancel()


async def bought(points: Points, users: int, totals: list[int], at: datetime | None = None) -> None:
    """Purchases of some members, awarded."""
    at = at or clock.now()
    for number in range(users):
        await points.follow(f"U{number}")
        member = await points.member(f"U{number}")
        for index, total in enumerate(totals):
            moment = at + timedelta(seconds=index)
            event = submitted(MemberRef(id=str(member["id"])), total, occurred_at=moment)
            await points.publish(event)
            await points.status(event.id, "awarded")


async def ask(points: Points, program: Any, key: str = "ask", **period: str) -> Any:
    body = {"program": program, **period}
    return await points.client.post(PATH, json=body, headers=owner(key))


async def finished(points: Points, id: str) -> Any:
    async def over() -> Any:
        run = (await points.client.get(f"{PATH}/{id}", headers=owner())).json()
        return run if run["finished_at"] else None

    return await eventually(over, "the backtest did not end")


async def test_a_draft_over_what_was_bought(points: Points, worker: None) -> None:
    await bought(points, 3, [1000, 250])
    answer = await ask(points, DOUBLE)
    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")
    run = await finished(points, answer.json()["id"])
    assert run["status"] == "done"
    assert run["progress"] == {"members": 3, "of_members": 3, "purchases": 6}
    result = run["result"]
    assert (result["members"], result["purchases"], result["amount"]) == (3, 6, 3750)
    assert result["given"] == {"points": 36, "cost": 36}
    assert result["draft"] == {"points": 72, "cost": 72}
    assert (result["winners"], result["losers"]) == (3, 0)
    liability, held = result["liability"], 3 * 50 + 36  # with the welcome
    assert (liability["points"], liability["points_with_draft"]) == (held, held + 36)
    assert {each["store"] for each in result["by_store"]} == {"main"}
    assert [each["difference"]["points"] for each in result["by_store"]] == [36]


async def test_the_program_in_force_gives_what_was_given(points: Points, worker: None) -> None:
    caps = [{"per": "day", "points": 15}, {"per": "campaign", "points": 40}]
    when = {"first_purchase": True}
    program = {
        **PLAIN,
        "accrual": {
            "rules": [RULE, {"id": "come", "type": "visit", "points": 2, "limit": {"per": "day"}}],
            "multipliers": [{"id": "first", "factor": "2", "when": when}],
            "caps": caps,
            "carry_remainder": True,
        },
    }
    await points.client.put("/v1/program", json=program, headers=owner())
    await bought(points, 3, [370, 150, 480])
    run = await finished(points, (await ask(points, program)).json()["id"])
    assert run["result"]["given"]["points"] == 40
    assert run["result"]["difference"] == {"points": 0, "cost": 0}
    # Within the hour in which the budget runs out, members take the place of time.
    assert run["result"]["purchases"] == 9


async def test_only_the_period_is_looked_at(points: Points, worker: None) -> None:
    await bought(points, 1, [1000], LONG_AGO)
    await bought(points, 1, [500])
    since = (clock.now() - timedelta(days=30)).date().isoformat()
    recent = await finished(points, (await ask(points, DOUBLE, **{"from": since})).json()["id"])
    assert (recent["result"]["purchases"], recent["result"]["given"]["points"]) == (1, 5)
    past = await finished(points, (await ask(points, DOUBLE, "2", until=since)).json()["id"])
    assert past["result"]["given"]["points"] == 10


async def test_a_run_is_asked_for_once_and_only_by_the_owner(points: Points) -> None:
    first = await ask(points, DOUBLE)
    assert (await ask(points, DOUBLE)).json() == first.json()
    assert (await ask(points, PLAIN)).status_code == 409
    listed = (await points.client.get(PATH, headers=owner())).json()["items"]
    assert [each["id"] for each in listed] == [first.json()["id"]]
    pos = {"Authorization": f"Bearer {POS_KEY}", "Idempotency-Key": "p"}
    assert (await points.client.post(PATH, json={"program": {}}, headers=pos)).status_code == 403
    assert (await points.client.get(f"{PATH}/{ids.new_id()}", headers=owner())).status_code == 404
    assert (await points.client.get(f"{PATH}/none", headers=owner())).status_code == 404


async def test_what_is_wrong_with_draft_or_period_is_named(points: Points) -> None:
    async def paths(program: Any, **period: str) -> list[str]:
        answer = await ask(points, program, **period)
        assert answer.status_code == 422
        return [error["path"] for error in answer.json()["errors"]]

    assert await paths({"time_zone": "Mars"}) == ["time_zone"]
    assert await paths(DOUBLE, **{"from": "soon", "until": "later"}) == ["from", "until"]
    assert await paths(DOUBLE, **{"from": "2026-05-02", "until": "2026-05-01"}) == ["until"]
    half_a_letter = '{"program": {"welcome": {"\\ud800": 1}}}'
    headers = {**owner("half"), "Content-Type": "application/json"}
    broken = await points.client.post(PATH, content=half_a_letter, headers=headers)
    assert broken.status_code == 400
    long = await ask(points, {"currency": "x" * 1_000_000})
    assert long.status_code == 413


async def test_a_cancelled_run_stops_and_stays_cancelled(points: Points) -> None:
    await bought(points, 2, [100])
    id = (await ask(points, DOUBLE)).json()["id"]
    async with points.pool.acquire() as connection:
        await store.begin(connection, UUID(id), 2)
        gone = await points.client.delete(f"{PATH}/{id}", headers=owner())
        assert gone.json()["status"] == "cancelled"
        assert not await store.advance(connection, UUID(id), 1, 1)
    assert not await backtesting.work_one(points.pool)
    again = await points.client.delete(f"{PATH}/{id}", headers=owner())
    assert again.json() == gone.json()


async def test_a_run_whose_worker_died_is_begun_again(points: Points) -> None:
    await bought(points, 2, [100])
    id = UUID((await ask(points, DOUBLE)).json()["id"])
    await points.pool.execute(
        "UPDATE backtests SET status = 'running', attempts = 1, members_done = 1 WHERE id = $1", id
    )
    assert await backtesting.work_one(points.pool)
    async with points.pool.acquire() as connection:
        run = await store.one(connection, id)
    assert run is not None
    assert (run.status, run.attempts, run.members_done) == ("done", 2, 2)


async def test_a_run_that_keeps_failing_is_given_up(points: Points) -> None:
    id = (await ask(points, DOUBLE)).json()["id"]
    await points.pool.execute("UPDATE backtests SET attempts = 3")
    assert await backtesting.work_one(points.pool)
    run = await finished(points, id)
    assert (run["status"], run["result"]) == ("failed", None)
    assert "given up after 3 attempts" in run["problem"]


async def test_two_workers_do_a_run_once(points: Points) -> None:
    await bought(points, 1, [100])
    await ask(points, DOUBLE)
    done = await asyncio.gather(*(backtesting.work_one(points.pool) for _ in range(3)))
    assert sorted(done) == [False, False, True]
    assert await points.pool.fetchval("SELECT attempts FROM backtests") == 1


async def test_pages_and_pieces_do_not_change_the_result(
    points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtesting, "PAGE", 2)
    monkeypatch.setattr(backtesting, "CHUNK", 2)
    await bought(points, 5, [100, 200, 300])
    id = (await ask(points, DOUBLE)).json()["id"]
    assert await backtesting.work_one(points.pool)
    run = await finished(points, id)
    assert run["progress"] == {"members": 5, "of_members": 5, "purchases": 15}
    assert run["result"]["draft"]["points"] == 60
