"""LINE's own events: kept raw, follows noted, questions passed on, odd shapes survived."""

import json
from datetime import timedelta
from typing import Any

import msgspec

from shared import clock, envelope, ids
from shared.bus.topology import Names
from shared.events import LineEventReceived, new_event


def line_event(kind: str, user: str | None = None, **fields: Any):
    """An event as webhook hands it on."""
    event = {
        "type": kind,
        "mode": "active",
        "timestamp": int(clock.now().timestamp() * 1000),
        "webhookEventId": ids.new_id().hex[:26],
        "source": {"type": "user", "userId": user},
        **fields,
    }
    return raw_event(kind, json.dumps(event).encode(), user)


def raw_event(kind: str, raw: bytes, user: str | None = None):
    data = LineEventReceived(
        kind=kind, event=msgspec.Raw(raw), received_at=clock.now(), user_id=user
    )
    return new_event("/webhook", data)


async def kept(worker) -> int:
    return await worker.pool.fetchval("SELECT count(*) FROM line_events")


async def questions(worker) -> list[Any]:
    """What points is asked, read from its queue."""
    bus = worker.process.bus
    queue = await bus.publisher._channel.get_queue(
        Names(worker.process.settings.bus_namespace).queue("points.chat"), ensure=False
    )
    found = []
    while (message := await queue.get(fail=False, no_ack=True)) is not None:
        found += json.loads(message.body)
    return found


async def test_a_question_is_passed_on_once_with_its_reply_token(notify, kit):
    text = {"message": {"type": "text", "id": "1", "text": "ポイント？"}, "replyToken": "t1"}
    asked = line_event("message", kit.user, **text)
    tapped = line_event("postback", kit.user, postback={"data": "why"}, replyToken="t2")
    chat = line_event(
        "message", kit.user, message={"type": "text", "id": "2", "text": "こんにちは"}
    )
    async with notify.running() as worker:
        await worker.tell(asked, asked, tapped, chat)
        await kit.until(lambda: _count(worker, 3))
        again = envelope.encode_group([asked, line_event("message", kit.user)])
        await worker.process.bus.publisher.publish_group(asked.type, again)
        await kit.until(lambda: _count(worker, 4))  # in one batch, so the repeat was handled too
        await worker.process.relay.join()
        found = await kit.until(lambda: questions(worker))
    data = {each["data"]["topic"]: each["data"] for each in found}
    assert len(found) == 2
    assert data["balance"]["reply_token"] == "t1"
    assert data["why"]["line_user_id"] == kit.user
    until = msgspec.convert(data["balance"]["reply_until"], type(clock.now()))
    assert timedelta(seconds=45) < until - clock.now() <= timedelta(seconds=50)


async def _count(worker, count):
    return await kept(worker) == count


async def test_standby_groups_and_odd_words_are_not_answered(notify, kit):
    text = {"type": "text", "id": "1", "text": "残高"}
    quiet = [
        line_event("message", kit.user, mode="standby", message=text),
        line_event("message", kit.user, message=text, source={"type": "group", "userId": kit.user}),
        line_event("message", None, message=text),
        line_event("postback", kit.user, postback={"data": "rm -rf"}),
    ]
    async with notify.running() as worker:
        await worker.tell(*quiet)
        await kit.until(lambda: _count(worker, 4))
        await worker.process.relay.join()
        assert await questions(worker) == []


async def test_no_shape_is_too_odd_to_keep(notify, kit):
    odd = [
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"{}",
        b'{"type":7,"timestamp":"soon","source":[],"message":"x","replyToken":{}}',
        b'{"timestamp":1e400,"mode":null,"source":{"type":null}}',
        b'{"timestamp":-5,"unsend":{"messageId":{"a":1}}}',
        b'{"message":{"id":"\\u0000","type":"text","text":null}}',
        b'{"timestamp":99999999999999999999}',
        b"[" * 100 + b"]" * 100,  # webhook lets no deeper one through
    ]
    kinds = ["", "message", "unsend", "follow", "unfollow", "postback", "something.new"]
    events = [raw_event(kind, raw, kit.user) for kind in kinds for raw in odd]
    async with notify.running() as worker:
        await worker.tell(*events)
        await kit.until(lambda: _count(worker, len(events)))
        stored = await worker.pool.fetch("SELECT raw FROM line_events")
    assert {row["raw"] for row in stored} == set(odd)


async def test_follow_and_unfollow_hold_by_their_time_not_their_order(notify, kit, line):
    now = int(clock.now().timestamp() * 1000)
    async with notify.running() as worker:
        await worker.tell(line_event("unfollow", kit.user, timestamp=now))
        await kit.until(lambda: _count(worker, 1))
        await worker.tell(line_event("follow", kit.user, timestamp=now - 1000))
        await kit.until(lambda: _count(worker, 2))
        assert await worker.pool.fetchval("SELECT blocked FROM recipients")
        await worker.tell(line_event("follow", kit.user, timestamp=now + 1000))
        await kit.until(lambda: _count(worker, 3))
        assert not await worker.pool.fetchval("SELECT blocked FROM recipients")


async def test_unfollowing_gives_up_what_waits_but_not_what_may_have_gone(notify, kit, line):
    line.always = "monthly"
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        await kit.until(lambda: _status(worker, "held"))
        await worker.tell(line_event("unfollow", kit.user))
        await kit.until(lambda: _status(worker, "skipped"))


async def _status(worker, status):
    return await worker.statuses() == [status]


async def test_an_unsent_message_is_forgotten_whichever_comes_first(notify, kit):
    def said(number):
        message = {"type": "text", "id": number, "text": "秘密"}
        return line_event("message", kit.user, message=message)

    def unsent(number):
        return line_event("unsend", kit.user, unsend={"messageId": number})

    async with notify.running() as worker:
        await worker.tell(said("1"), said("3"))
        await kit.until(lambda: _count(worker, 2))
        await worker.tell(unsent("1"))
        await kit.until(lambda: _count(worker, 3))
        await worker.tell(unsent("2"))
        await kit.until(lambda: _count(worker, 4))
        await worker.tell(said("2"))
        await kit.until(lambda: _count(worker, 5))
        rows = await worker.pool.fetch("SELECT message_id FROM line_events WHERE raw IS NOT NULL "
                                       "AND kind = 'message'")  # fmt: skip
    assert [row["message_id"] for row in rows] == ["3"]
