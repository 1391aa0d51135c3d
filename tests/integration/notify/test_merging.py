"""Notices to one person within a window are one message: once, whatever breaks in between."""

import asyncio
from datetime import timedelta

import pytest

from services.notify.quota.admission import UNKNOWN
from services.notify.store import delivery_log
from shared import clock
from shared.events import ChatDataProvided, RankChanged, new_event

A_MINUTE = {"window_seconds": 60, "quiet": None}
"""Long enough that a test moves the clock to its end."""

PAST_IT = timedelta(seconds=61)
LATER = timedelta(minutes=4)


@pytest.fixture
async def gathering(notify):
    await notify.put(2, receipt=A_MINUTE, rank=A_MINUTE)
    return notify


def points(number: int) -> str:
    return f"{number} ポイントが付きました（残高 {100 + number} ポイント）"


def ranked(kit, user=None):
    data = RankChanged(kit.member, "up", to_rank="s", to_name="S", line_user_id=user or kit.user)
    return new_event("/points", data)


RANKED = "おめでとうございます！ランクが「S」になりました"
NOTHING_YET = "ポイントの記録はまだありません。お買い物でポイントが付くと、ここでお答えします。"


async def gathered(worker, kit, count: int) -> None:
    """Wait until so many wait in their window."""

    async def there() -> bool:
        found = await worker.pool.fetchval("SELECT count(*) FROM deliveries WHERE gathering")
        return found == count

    await kit.until(there)


async def held_for_the_month(worker, count: int) -> bool:
    """Whether so many wait for the month, not for a moment: a clock that jumps outruns the leave
    that was taken of the quota."""
    held = await worker.pool.fetch("SELECT reason FROM deliveries WHERE status = 'held'")
    return len(held) == count and all(row["reason"] != UNKNOWN for row in held)


async def tell_in_order(worker, kit, *events) -> None:
    for number, event in enumerate(events, 1):
        await worker.tell(event)
        await gathered(worker, kit, number)


async def test_what_comes_within_the_window_is_one_push(gathering, line, kit):
    async with gathering.running() as worker:
        first = kit.earned(points=1)
        await tell_in_order(worker, kit, first, kit.earned(points=2), ranked(kit))
        assert line.calls == []
        clock.set_offset(PAST_IT)
        rows = {row["kind"]: row for row in await worker.settled(3)}
        (leader,) = await worker.pool.fetch(
            "SELECT * FROM deliveries WHERE event_id = $1", first.id
        )
    assert line.said() == [[points(1), points(2), RANKED]]
    assert line.calls == [("push", str(leader["id"]))]
    assert (leader["status"], leader["via"]) == ("delivered", "push")
    assert (rows["rank_reached"]["status"], rows["rank_reached"]["merged_into"]) == (
        "merged",
        leader["id"],
    )


async def test_a_window_ends_by_itself_and_not_before(notify, line, kit):
    await notify.put(2, receipt={"window_seconds": 1})
    async with notify.running() as worker:
        await worker.tell(kit.earned(points=1), kit.earned(points=2))
        rows = await worker.settled(2)
    assert sorted(line.said()[0]) == [points(1), points(2)]
    for row in rows:
        assert row["finished_at"] >= min(each["created_at"] for each in rows) + timedelta(seconds=1)


async def test_more_than_five_are_two_calls(gathering, line, kit):
    async with gathering.running() as worker:
        await tell_in_order(worker, kit, *(kit.earned(points=n) for n in range(1, 8)))
        clock.set_offset(PAST_IT)
        await worker.settled(7)
    assert line.said() == [[points(n) for n in range(1, 6)], [points(6), points(7)]]


async def test_people_are_not_mixed_up(gathering, line, kit):
    async with gathering.running() as worker:
        events = [kit.earned(user, points=n) for n in (1, 2) for user in (kit.user, kit.other)]
        await tell_in_order(worker, kit, *events)
        clock.set_offset(PAST_IT)
        await worker.settled(4)
    assert line.said() == line.said(kit.other) == [[points(1), points(2)]]


async def test_an_answer_takes_along_what_waits_and_is_free(gathering, line, kit):
    line.good_tokens["t1"] = kit.user
    answer = ChatDataProvided(
        line_user_id=kit.user,
        topic="why",
        member_id=kit.member,
        card="2900000000016",
        balance=1,
        reply_token="t1",
        reply_until=clock.now() + timedelta(seconds=50),
    )
    async with gathering.running() as worker:
        await tell_in_order(worker, kit, kit.earned(points=1), kit.earned(points=2))
        await worker.tell(new_event("/points", answer))
        await worker.settled(3)
    assert line.said() == [[points(1), points(2), NOTHING_YET]]
    assert line.calls == [("reply", "t1")]


async def test_a_crash_while_they_gather_loses_and_splits_nothing(gathering, line, kit):
    async with gathering.running() as worker:
        await tell_in_order(worker, kit, kit.earned(points=1), kit.earned(points=2))
        await worker.crash()
    clock.set_offset(PAST_IT)
    async with gathering.running() as worker:
        await worker.settled(2)
    assert line.said() == [[points(1), points(2)]]


async def test_a_crash_during_the_call_repeats_the_same_call(gathering, line, kit):
    line.script = ["hang"]
    async with gathering.running() as worker:
        await tell_in_order(worker, kit, kit.earned(points=1), kit.earned(points=2))
        clock.set_offset(PAST_IT)
        await kit.until(lambda: line.waiting)
        await worker.crash()
    line.released.set()
    async with gathering.running() as worker:
        await worker.tell(kit.earned(points=3))  # must not join what may have been sent
        await gathered(worker, kit, 1)
        clock.set_offset(LATER)
        rows = await worker.settled(3)
    assert line.said() == [[points(1), points(2)], [points(3)]]
    assert len(set(line.calls)) == 2
    assert sorted(row["status"] for row in rows) == ["delivered", "delivered", "merged"]


async def test_a_crash_before_the_call_makes_exactly_the_call_that_was_written_down(
    gathering, line, kit, monkeypatch
):
    async def never(*_):
        await asyncio.Event().wait()

    async with gathering.running() as worker:
        await tell_in_order(worker, kit, kit.earned(points=1), kit.earned(points=2))
        with monkeypatch.context() as patch:
            patch.setattr("services.notify.sending.sender.Sender._send", never)
            clock.set_offset(PAST_IT)

            async def written() -> bool:
                return "merged" in await worker.statuses()

            await kit.until(written)
            await worker.crash()
    assert line.calls == []
    clock.set_offset(LATER)
    async with gathering.running() as worker:
        await worker.settled(2)
    assert line.said() == [[points(1), points(2)]]


async def test_lost_answers_and_refusals_tell_each_once(gathering, line, kit):
    line.script = ["lost", "500", "rate", "lost", "rate", "500", "lost"]
    users = [f"U{number:032x}" for number in range(6)]
    async with gathering.running() as worker:
        events = [kit.earned(user, points=n) for n in (1, 2, 3) for user in users]
        await worker.tell(*events)
        await gathered(worker, kit, 18)
        clock.set_offset(PAST_IT)
        await worker.settled(18)
    for user in users:
        said = [text for call in line.said(user) for text in call]
        assert sorted(said) == [points(1), points(2), points(3)]
    assert len(line.delivered) == 6


async def test_what_was_refused_for_the_month_goes_out_together_when_it_turns(gathering, line, kit):
    line.always = "monthly"
    async with gathering.running() as worker:
        for number in (1, 2, 3):
            await worker.tell(kit.earned(points=number))
            await gathered(worker, kit, 1)
            clock.set_offset(number * PAST_IT)
            await kit.until(lambda count=number: held_for_the_month(worker, count))
        line.always = None
        turn = await worker.pool.fetchval("SELECT max(due_at) FROM deliveries")
        clock.set_offset(timedelta())
        clock.set_offset(turn - clock.now() + timedelta(seconds=1))
        await worker.settled(3)
    assert line.said() == [[points(1), points(2), points(3)]]


async def test_what_is_merged_again_takes_along_what_was_merged_into_it(gathering, line, kit):
    """A rank's notice leads another and is held; a receipt, which is more urgent, leads them."""
    line.always = "monthly"
    async with gathering.running() as worker:
        await tell_in_order(worker, kit, ranked(kit), ranked(kit))
        clock.set_offset(PAST_IT)
        await kit.until(lambda: held_for_the_month(worker, 1))
        line.always = None
        receipt = kit.earned(points=3)
        await worker.tell(receipt)
        await gathered(worker, kit, 1)
        turn = await worker.pool.fetchval("SELECT max(due_at) FROM deliveries")
        clock.set_offset(timedelta())
        clock.set_offset(turn - clock.now() + timedelta(seconds=1))
        await worker.settled(3)
        shown = await delivery_log.page(
            worker.pool, member=None, event=None, status=None, after=None, limit=9
        )
    assert line.said() == [[RANKED, RANKED, points(3)]]
    assert {row["outcome"] for row in shown} == {"delivered"}
    (leader,) = [row["id"] for row in shown if row["event_id"] == receipt.id]
    assert [row["merged_into"] for row in shown].count(leader) == 2


async def test_without_a_window_nothing_is_merged_whatever_it_waited_for(notify, line, kit):
    line.always = "monthly"
    async with notify.running() as worker:
        await worker.tell(kit.earned(points=1), kit.earned(points=2))

        async def held() -> bool:
            return await worker.statuses() == ["held"] * 2

        await kit.until(held)
        line.always = None
        turn = await worker.pool.fetchval("SELECT max(due_at) FROM deliveries")
        clock.set_offset(turn - clock.now() + timedelta(seconds=1))
        await worker.settled(2)
    assert [len(call) for call in line.said()] == [1, 1]


async def test_two_workers_merge_what_either_has_heard(gathering, line, kit):
    users = [f"U{number:032x}" for number in range(20)]
    async with gathering.running() as one, gathering.running() as two:
        for number in (1, 2, 3):
            await one.tell(*(kit.earned(user, points=number) for user in users))
        await gathered(two, kit, 60)
        clock.set_offset(PAST_IT)
        await one.settled(60)
    for user in users:
        said = [text for call in line.said(user) for text in call]
        assert sorted(said) == [points(1), points(2), points(3)]
