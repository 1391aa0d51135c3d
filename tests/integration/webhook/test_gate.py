"""The gate in Redis: a rate for each key; open when Redis is away."""

import asyncio
from typing import Any

import pytest

from services.webhook.brake import LEAST_SECONDS
from shared import ratelimit


@pytest.fixture
def rate_limit() -> int:
    return 5


async def test_a_key_that_sends_too_fast_is_told_when_to_come_again(edge, told) -> None:
    answers = await asyncio.gather(*(edge.post(edge.purchase()) for _ in range(20)))
    limited = [answer for answer in answers if answer.status == 429]
    assert 0 < len(limited) <= 15
    assert all(1 <= int(answer.headers["retry-after"]) <= 3 for answer in limited)
    assert "too fast" in limited[0].json["detail"]
    assert (await edge.post(edge.purchase(), secret="owner")).status == 202

    async def passes() -> bool:
        return (await edge.post(edge.purchase())).status == 202

    await told.until(passes)


async def test_who_was_told_to_stay_away_is_refused_without_asking_redis(edge, told) -> None:
    batch = [{**edge.purchase(), "idempotency_key": str(n)} for n in range(20)]
    await edge.post(batch, path="/v1/purchases/batch")
    first = await edge.post(edge.purchase())
    edge.redis.hang()
    second = await edge.post(edge.purchase())
    assert (first.status, second.status) == (429, 429)
    assert int(second.headers["retry-after"]) >= 1
    assert (await edge.post(edge.purchase(), secret="owner")).status == 202, "nobody else is"
    edge.redis.mend()

    async def passes() -> bool:
        return (await edge.post(edge.purchase())).status == 202

    await told.until(passes)


async def test_who_runs_on_is_answered_late_and_nobody_else(edge) -> None:
    batch = [{**edge.purchase(), "idempotency_key": str(n)} for n in range(50)]
    await edge.post(batch, path="/v1/purchases/batch")
    await edge.post(edge.purchase())
    answers = await asyncio.gather(*(edge.post(edge.purchase()) for _ in range(150)))
    assert {answer.status for answer in answers} == {429}
    last = await edge.post(edge.purchase())
    assert last.status == 429
    assert last.seconds > LEAST_SECONDS
    assert (await edge.post(edge.purchase(), secret="owner")).status == 202
    ingress = edge.process.app.state.ingress
    counted = {*ingress.brake._before, *ingress.brake._now}
    assert counted == {ingress.keyring.known(b"till").terminal_id}


async def test_the_room_knows_who_waits_for_the_gate(edge, told, monkeypatch) -> None:
    monkeypatch.setattr(ratelimit, "ANSWER_SECONDS", 20.0)
    room, gate = edge.process.app.state.ingress.room, edge.process.app.state.ingress.gate
    assert room._waited() == 0
    opens, ask = asyncio.Event(), gate._script

    async def later(*question: Any) -> Any:
        await opens.wait()
        return await ask(*question)

    monkeypatch.setattr(gate, "_script", later)
    posting = asyncio.create_task(edge.post(edge.purchase(), secret="main-till"))
    try:
        await told.until(lambda: room._waited() > 0.1)
    finally:
        opens.set()
    assert (await posting).status == 202
    await told.until(lambda: room._waited() == 0)


async def test_what_was_refused_for_its_rate_is_not_remembered(edge) -> None:
    batch = [{**edge.purchase(), "idempotency_key": str(n)} for n in range(100)]
    await edge.post(batch, path="/v1/purchases/batch")
    assert (await edge.post(edge.purchase(total=1, tax=0), key="late")).status == 429
    assert (await edge.post(edge.purchase(total=2, tax=0), key="late")).status == 429
    gate = edge.process.app.state.ingress.gate
    gate._away.clear()
    redis = gate._script.registered_client
    await redis.delete(*[name async for name in redis.scan_iter("*:webhook}:rate:*")])
    assert (await edge.post(edge.purchase(total=2, tax=0), key="late")).status == 202
    assert (await edge.post(edge.purchase(total=1, tax=0), key="late")).status == 409


async def test_a_batch_passes_whole_and_the_next_one_waits_for_it(edge) -> None:
    batch = [{**edge.purchase(), "idempotency_key": str(n)} for n in range(50)]
    first = await edge.post(batch, path="/v1/purchases/batch")
    assert first.status == 200
    second = await edge.post(batch, path="/v1/purchases/batch")
    assert second.status == 429
    assert 8 <= int(second.headers["retry-after"]) <= 15


@pytest.mark.parametrize("fault", ["cut", "hang"])
async def test_with_redis_away_the_gate_is_open_and_comes_back(edge, told, fault: str) -> None:
    getattr(edge.redis, fault)()
    answers = await asyncio.gather(*(edge.post(edge.purchase(), key="r") for _ in range(20)))
    assert {answer.status for answer in answers} == {202}
    assert max(answer.seconds for answer in answers) < 2
    assert (await edge.post(edge.purchase(total=5, tax=0), key="r")).status == 202
    edge.redis.mend()

    async def limited() -> bool:
        answers = await asyncio.gather(*(edge.post(edge.purchase()) for _ in range(20)))
        return 429 in {answer.status for answer in answers}

    await told.until(limited)
