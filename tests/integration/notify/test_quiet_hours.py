"""Nobody is woken up for what can wait, whatever it had to wait for before."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared import clock
from shared.events import ExpiringPoints, PointsExpiring, RankChanged, new_event

TOKYO = ZoneInfo("Asia/Tokyo")
AT_NIGHT = {"window_seconds": 0, "quiet": {"from": "21:00", "to": "09:00"}}
NOW = {"window_seconds": 0, "quiet": None}


def at(hour: int, days: int = 0, **parts: int) -> datetime:
    """So many days from a day that is not the last of its month, at this hour in Tokyo."""
    day = datetime.now(TOKYO).replace(day=10, hour=hour, minute=0, second=0, microsecond=0)
    return (day + timedelta(days=days)).replace(**parts)


def move_to(moment: datetime) -> None:
    clock.set_offset(timedelta())
    clock.set_offset(moment - clock.now())


@pytest.fixture
async def sleepers(notify):
    await notify.put(2, receipt=NOW, rank=AT_NIGHT, expiry=AT_NIGHT)
    return notify


def rank(kit):
    data = RankChanged(kit.member, "up", to_rank="s", to_name="S", line_user_id=kit.user)
    return new_event("/points", data)


def expiry(kit):
    soon = ExpiringPoints(5, at(0, 30), 30)
    data = PointsExpiring(kit.member, 5, soon.expires_at, 30, 100, line_user_id=kit.user)
    return new_event("/points", data)


async def test_what_can_wait_is_one_message_in_the_morning(sleepers, line, kit):
    merged = {**AT_NIGHT, "window_seconds": 3}
    await sleepers.put(3, receipt=NOW, rank=merged, expiry=merged)
    move_to(at(23))
    async with sleepers.running() as worker:
        await worker.tell(rank(kit), expiry(kit), kit.earned(points=3))
        await kit.until(line.said)
        assert [len(call) for call in line.said()] == [1], "the receipt, which somebody waits for"
        assert "3 ポイント" in line.texts()[0]

        async def put_off() -> bool:
            return [row["due_at"] for row in await worker.rows() if row["due_at"]] == [at(9, 1)] * 2

        await kit.until(put_off)
        move_to(at(9, 1, second=1))
        await worker.settled(3)
    assert [len(call) for call in line.said()] == [1, 2]


async def test_what_line_kept_waiting_until_night_waits_for_the_morning(sleepers, line, kit):
    move_to(at(20, minute=59))
    line.always = "rate"
    async with sleepers.running() as worker:
        await worker.tell(rank(kit))
        await kit.until(lambda: line.calls)
        move_to(at(22))
        line.always = None

        async def put_off() -> bool:
            return [row["due_at"] for row in await worker.rows()] == [at(9, 1)]

        await kit.until(put_off)
        assert line.said() == []
        move_to(at(9, 1))
        await worker.settled(1)
    assert len(line.said()) == 1


async def test_the_months_turn_at_midnight_wakes_nobody(sleepers, line, kit):
    move_to(at(12))
    line.always = "monthly"
    async with sleepers.running() as worker:
        await worker.tell(rank(kit))

        async def held() -> bool:
            return await worker.statuses() == ["held"]

        await kit.until(held)
        turn = (await worker.rows())[0]["due_at"]
        line.always = None
        move_to(turn + timedelta(seconds=1))

        async def put_off() -> bool:
            return [row["due_at"] for row in await worker.rows()] == [turn + timedelta(hours=9)]

        await kit.until(put_off)
    assert line.said() == []


async def test_what_the_shop_does_not_say_is_on_record(notify, line, kit):
    await notify.put(2, receipt={"send": False})
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        (row,) = await worker.settled(1)
    assert (row["status"], row["reason"]) == ("skipped", "switched_off")
    assert line.calls == []
