"""LINE losing answers, refusing, being away; processes dying in between. No message twice, none
lost, and what cannot be known is said so."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta

from pydantic import SecretStr

from services.notify.sending import sender
from shared import clock

LATER = timedelta(minutes=2)


async def test_lost_answers_and_failures_deliver_each_once(notify, line, kit):
    line.script = ["lost", "500", "rate", "lost", "500", "500", "lost", "rate"]
    events = [kit.earned(f"U{number:032x}", number + 1) for number in range(10)]
    async with notify.running() as worker:
        await worker.tell(*events)
        rows = await worker.settled(10)
    assert {row["status"] for row in rows} == {"delivered"}
    assert len(line.delivered) == 10
    assert len({key for _, key in line.calls}) == 10, "each is tried again under its own key"


async def test_a_time_out_is_tried_again_under_the_same_key(notify, line, kit):
    line.script = ["hang"]
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        rows = await worker.settled(1)
    assert (rows[0]["status"], rows[0]["tries"]) == ("delivered", 2)
    assert len(line.delivered) == 1
    assert len(set(line.calls)) == 1


async def test_a_crash_between_sending_and_writing_it_down_sends_no_second(notify, line, kit):
    line.script = ["hang"]
    event = kit.earned()
    async with notify.running() as worker:
        await worker.tell(event)
        await kit.until(lambda: line.waiting)
        await worker.crash()
    line.released.set()
    async with notify.running() as worker:
        assert await worker.statuses() == ["waiting"]
        await worker.tell(event)
        clock.set_offset(LATER)
        rows = await worker.settled(1)
    assert rows[0]["status"] == "delivered"
    assert len(line.delivered) == 1
    assert line.calls == [line.calls[0]] * 2, "the same key, answered by 409"


async def test_a_killed_process_leaves_nothing_unsaid_and_nothing_twice(
    notify, line, kit, servers, namespace
):
    events = [kit.earned(f"U{number:032x}", number + 1) for number in range(300)]
    line.script = ["ok"] * 50
    line.always = "hang"
    async with notify.publishing() as publisher:
        await asyncio.gather(*(publisher.publish(event) for event in events))
    process = subprocess.Popen(  # noqa: ASYNC220 - starts at once
        [sys.executable, "-m", "services.notify", "worker"], env=notify.environment()
    )
    try:
        await kit.until(lambda: line.waiting > 10)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    line.always = None
    line.released.set()
    clock.set_offset(LATER)
    async with notify.running() as worker:
        rows = await worker.settled(300)
    assert {row["status"] for row in rows} == {"delivered"}
    assert len(line.delivered) == 300
    assert len(line.calls) > 300, "some were in flight when it was killed"


async def test_rate_limited_calls_wait_and_go(notify, line, kit):
    line.script = ["rate", "rate"]
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        rows = await worker.settled(1)
    assert (rows[0]["status"], rows[0]["tries"], rows[0]["unknown_since"]) == ("delivered", 3, None)


async def test_the_monthly_limit_holds_pushes_until_the_month_turns(notify, line, kit):
    line.always = "monthly"
    line.good_tokens["t1"] = kit.other
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        held = await kit.until(lambda: _held(worker))
        assert held["unknown_since"] is None, "LINE said that it did not take it"
        line.always = None
        await worker.tell(kit.joined(kit.other, reply_token="t1"))
        await kit.until(lambda: line.texts(kit.other))
        assert line.texts() == [], "replies still go, pushes do not"
        clock.set_offset(held["due_at"] - clock.now() + timedelta(seconds=1))
        await worker.settled(2)
    assert len(line.texts()) == 1


async def _held(worker):
    return await worker.pool.fetchrow("SELECT * FROM deliveries WHERE status = 'held'")


async def test_a_wrong_token_stops_everything_and_loses_nothing(notify, line, kit):
    line.script = ["401"]
    async with notify.running(line_concurrency=1) as worker:
        await worker.tell(kit.earned())
        await kit.until(lambda: _waiting(worker))
        await worker.tell(kit.earned(kit.other))
        await kit.until(lambda: _waiting(worker, 2))
        assert len(line.calls) == 1, "nobody else tries meanwhile"
        clock.set_offset(timedelta(minutes=5))
        await worker.settled(2)
    assert len(line.delivered) == 2


async def _waiting(worker, count=1):
    found = await worker.pool.fetchval(
        "SELECT count(*) FROM deliveries WHERE status = 'waiting' AND due_at > $1",
        clock.now() + sender.LEASE + timedelta(seconds=5),
    )
    return found == count


async def test_what_line_refuses_fails_with_its_words(notify, line, kit):
    line.script = ["400"]
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        rows = await worker.settled(1)
    assert rows[0]["status"] == "failed"
    assert rows[0]["reason"] == "400 The request body has 1 error(s)"
    assert len(line.calls) == 1


async def test_a_reply_whose_answer_was_lost_is_not_pushed(notify, line, kit):
    line.good_tokens["t1"] = kit.user
    line.script = ["lost"]
    async with notify.running() as worker:
        await worker.tell(kit.joined(reply_token="t1"))
        rows = await worker.settled(1)
    assert rows[0]["status"] == "delivered"
    assert line.calls == [("reply", "t1")] * 2
    assert len(line.delivered) == 1


async def test_a_failed_reply_is_repeated_with_its_own_token(notify, line, kit):
    line.good_tokens["t1"] = kit.user
    line.script = ["500", "rate"]
    async with notify.running() as worker:
        await worker.tell(kit.joined(reply_token="t1"))
        await worker.settled(1)
    assert [each["kind"] for each in line.delivered] == ["reply"]


async def test_a_reply_of_unknown_outcome_past_its_life_is_unknown_and_never_pushed(
    notify, line, kit
):
    line.good_tokens["t1"] = kit.user
    line.always = "500"
    async with notify.running() as worker:
        await worker.tell(kit.joined(reply_token="t1"))
        await kit.until(lambda: len(line.calls) > 1)
        clock.set_offset(LATER)
        rows = await worker.settled(1)
    assert rows[0]["status"] == "unknown"
    assert {call for call, _ in line.calls} == {"reply"}


async def test_a_crash_after_a_reply_that_may_have_gone_never_pushes(notify, line, kit):
    line.good_tokens["t1"] = kit.user
    line.script = ["hang"]
    async with notify.running() as worker:
        await worker.tell(kit.joined(reply_token="t1"))
        await kit.until(lambda: line.waiting)
        await worker.crash()
    line.released.set()
    clock.set_offset(LATER)
    async with notify.running() as worker:
        rows = await worker.settled(1)
    assert rows[0]["status"] == "unknown"
    assert [each["kind"] for each in line.delivered] == ["reply"]


async def test_a_push_of_unknown_outcome_is_given_up_when_its_key_expires(notify, line, kit):
    line.always = "500"
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        await kit.until(lambda: line.calls)
        await kit.until(lambda: _unknown_noted(worker))
        line.always = None
        clock.set_offset(timedelta(hours=24))
        rows = await worker.settled(1)
    assert rows[0]["status"] == "unknown"
    assert line.delivered == []


async def _unknown_noted(worker):
    return await worker.pool.fetchval(
        "SELECT count(*) FROM deliveries WHERE tries > 0 AND unknown_since IS NOT NULL"
    )


async def test_line_away_for_a_while_delays_messages_and_loses_none(notify, line, kit):
    events = [kit.earned(f"U{number:032x}", number + 1) for number in range(50)]
    line.always = "500"
    async with notify.running() as worker:
        await worker.tell(*events)
        await kit.until(lambda: len(line.calls) > 100)
        assert len(await worker.rows()) == 50, "every event is taken over while LINE is away"
        line.always = None
        rows = await worker.settled(50)
    assert {row["status"] for row in rows} == {"delivered"}
    assert len(line.delivered) == 50


async def test_a_line_that_cannot_be_reached_leaves_no_doubt(notify, line, kit):
    async with notify.running(line_api_base="http://127.0.0.1:1") as worker:
        await worker.tell(kit.earned())

        async def tried():
            return [row for row in await worker.rows() if row["tries"] > 1]

        row = (await kit.until(tried))[0]
        await worker.crash()
    assert row["reason"].startswith("not connected")


async def test_more_than_memory_takes_waits_in_the_database(notify, line, kit, monkeypatch):
    monkeypatch.setattr(sender, "MOST_HELD", 20)
    events = [kit.earned(f"U{number:032x}", number + 1) for number in range(200)]
    async with notify.running() as worker:
        await worker.tell(*events)
        await worker.settled(200)
    # A machine that stood still may have asked about a key again; each was taken once.
    assert len(line.delivered) == len(set(line.calls)) == 200


async def test_redis_away_slows_but_does_not_stop(notify, line, kit):
    async with notify.running(redis_url=SecretStr("redis://127.0.0.1:1/0")) as worker:
        await worker.tell(kit.earned(), kit.earned(kit.other))
        await worker.settled(2)
