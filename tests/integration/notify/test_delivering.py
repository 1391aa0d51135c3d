"""From events to messages: each told once, by reply while that is free, else by push."""

import asyncio
from datetime import timedelta

from services.notify.store import deliveries as store
from shared import clock
from shared.events import (
    ChatDataProvided,
    MemberReturned,
    PointsAdjusted,
    RankChanged,
    new_event,
)


async def test_a_purchase_is_told_once_however_often_the_event_comes(notify, line, kit):
    event = kit.earned()
    async with notify.running() as worker:
        await worker.tell(event, event, event)
        await worker.settled(1)
        await worker.tell(event, kit.earned(kit.other))
        await worker.settled(2)
    assert line.texts() == ["10 ポイントが付きました（残高 110 ポイント）"]
    assert len(line.calls) == 2


async def test_each_kind_is_told_in_words(notify, line, kit):
    def event(data):
        return new_event("/points", data)

    common = {"member_id": kit.member, "line_user_id": kit.user}
    chat = {**common, "card": "2900000000016", "balance": 1234}
    events = [
        kit.joined(welcome_points=500, balance=500),
        event(PointsAdjusted(**common, entry_id=kit.member, points=-30, balance=70, reason='"x"')),
        event(RankChanged(**common, direction="up", to_rank="silver", to_name="シルバー")),
        event(ChatDataProvided(**chat, topic="balance", pending=5, rank="シルバー")),
        event(ChatDataProvided(**chat, topic="why")),
    ]
    async with notify.running() as worker:
        for number, each in enumerate(events, 1):
            await worker.tell(each)
            rows = await worker.settled(number)
    assert {(row["category"], row["priority"], row["language"]) for row in rows} == {
        ("account", 0, "ja"),
        ("receipt", 1, "ja"),
        ("rank", 2, "ja"),
        ("chat", 0, "ja"),
    }
    texts = line.texts()
    assert "ウェルカムポイントを 500 ポイント" in texts[0]
    assert '"x"' in [each["text"] for each in _texts(line.delivered[1])]
    assert "「シルバー」" in texts[2]
    assert texts[3] == "残高 1,234 ポイント"
    details = [each["text"] for each in _texts(line.delivered[3])]
    assert "確定待ち: 5 ポイント\nランク: シルバー" in details
    assert texts[4].startswith("ポイントの記録はまだありません。")


def _texts(value):
    """Every text within, in order."""
    if isinstance(value, list):
        return [found for each in value for found in _texts(each)]
    if not isinstance(value, dict):
        return []
    own = [value] if value.get("type") == "text" else []
    return own + [found for each in value.values() for found in _texts(each)]


async def test_what_needs_no_words_makes_no_delivery(notify, line, kit):
    common = {"member_id": kit.member, "line_user_id": kit.user}
    quiet = [
        kit.earned(points=0),
        kit.earned(source="welcome"),
        kit.earned(user=None),
        new_event("/points", RankChanged(**common, direction="down", to_rank="bronze")),
    ]
    async with notify.running() as worker:
        await worker.tell(*quiet)
        await worker.tell(kit.earned(kit.other))
        rows = await worker.settled(1)
    assert rows[0]["line_user_id"] == kit.other


async def test_a_good_reply_token_is_used_first_and_costs_no_push(notify, line, kit):
    line.good_tokens["t1"] = kit.user
    async with notify.running() as worker:
        await worker.tell(kit.joined(reply_token="t1"))
        rows = await worker.settled(1)
    assert [each["kind"] for each in line.delivered] == ["reply"]
    assert (rows[0]["status"], rows[0]["via"]) == ("delivered", "reply")


async def test_an_expired_reply_token_falls_back_to_a_push(notify, line, kit):
    async with notify.running() as worker:
        await worker.tell(kit.joined(reply_token="never-good"))
        await worker.tell(
            kit.joined(kit.other, reply_token="old", reply_until=clock.now() - timedelta(seconds=1))
        )
        await worker.settled(2)
    assert [call for call, _ in line.calls].count("reply") == 1
    assert {each["to"] for each in line.delivered} == {kit.user, kit.other}
    assert {each["kind"] for each in line.delivered} == {"push"}


async def test_points_before_the_joining_event_are_told_all_the_same(notify, line, kit):
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        await worker.settled(1)
        await worker.tell(kit.joined())
        await worker.settled(2)
        told = await store.deliveries_of_member(worker.pool, kit.member)
    assert len(line.texts()) == 2
    assert [row["kind"] for row in told] == ["joined", "earned"]


async def test_messages_to_one_user_go_in_order_and_hold_up_nobody_else(notify, line, kit):
    line.script = ["hang"]
    async with notify.running(line_concurrency=1) as worker:
        first, second = kit.earned(points=1), kit.earned(points=2)
        await worker.tell(first)
        await kit.until(lambda: line.waiting)
        await worker.tell(second, kit.earned(kit.other, points=3))
        await kit.until(lambda: line.texts(kit.other))
        assert len(line.texts()) == 1, "the second waits for the first"
        line.released.set()
        await worker.settled(3)
    assert [text.split()[0] for text in line.texts()] == ["1", "2"]


async def test_an_event_without_words_goes_to_the_dead_letters_alone(notify, line, kit):
    odd = new_event(
        "/points",
        ChatDataProvided(
            line_user_id=kit.user,
            topic="weather",
            member_id=kit.member,
            card="2900000000016",
            balance=1,
        ),
    )
    good = [kit.earned(points=number) for number in range(1, 6)]
    async with notify.running() as worker:
        await worker.tell(*good[:3], odd, *good[3:])
        rows = await worker.settled(5)
        bus = worker.process.bus

        async def dead() -> int:
            channel = bus.publisher._channel
            queue = await channel.declare_queue(bus.names.dead, passive=True)
            return queue.declaration_result.message_count

        await kit.until(dead)
    assert {row["event_id"] for row in rows} == {event.id for event in good}


async def test_somebody_who_blocked_us_is_sent_nothing_until_back(notify, line, kit):
    async with notify.running() as worker:
        await worker.pool.execute(
            "INSERT INTO recipients VALUES ($1, $2, 'ja', NULL, true, $3)",
            kit.user,
            kit.member,
            clock.now() - timedelta(hours=1),
        )
        await worker.tell(kit.earned())
        rows = await worker.settled(1)
        assert (rows[0]["status"], rows[0]["reason"]) == ("skipped", "blocked")
        data = MemberReturned(
            member_id=kit.member, card="2900000000016", balance=7, line_user_id=kit.user
        )
        await worker.tell(new_event("/points", data))
        await worker.settled(2)
        await worker.tell(kit.earned(points=9))
        await worker.settled(3)
    assert len(line.texts()) == 2
    assert "おかえりなさい" in line.texts()[0]


async def test_english_is_spoken_to_who_reads_english(notify, line, kit):
    async with notify.running() as worker:
        await worker.pool.execute(
            "INSERT INTO recipients VALUES ($1, $2, 'en', NULL, false, $3)",
            kit.user,
            kit.member,
            clock.now(),
        )
        await worker.tell(kit.earned())
        await worker.settled(1)
    assert line.texts() == ["You earned 10 points (balance 110)"]


async def test_two_workers_share_the_work_and_tell_each_once(notify, line, kit):
    events = [kit.earned(f"U{number:032x}", number + 1) for number in range(200)]
    async with notify.running() as one, notify.running() as two:
        await asyncio.gather(one.tell(*events), two.tell(*events))
        await one.settled(200)
    assert len(line.delivered) == 200
