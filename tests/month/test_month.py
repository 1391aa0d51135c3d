"""A month in minutes: every expected message exactly once, none where it must not be, whatever the
quota, the hours, the people's wishes and LINE's losses; and a second run gives the same."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.points.programs import publishing
from shared import clock, ids
from shared.bus.handling import Batch
from shared.events import Event, LineEventReceived, MemberRef, PurchaseSubmitted
from tests.integration.points.shop import line_event, submitted
from tests.month import house as houses
from tests.month.house import House
from tests.month.line import TOKYO, Arrived, Line
from tests.month.shop import AT_ONCE, EVENING, MORNING, PROGRAM, RANKS, Month, Told

AFTER = timedelta(seconds=10)
"""Longer than notices wait for one another."""

NUMBER = re.compile(r"\d[\d,]*")


def user_of(who: int) -> str:
    return f"U{who:032x}"


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """The clock and the ids are this process's own: what comes after finds them as they were."""
    yield
    clock.set_offset(timedelta())


async def open_shop(house: House, month: Month) -> None:
    """The program is in force, and everybody is a member and has their wishes."""
    start = datetime.combine(month.first.date(), MORNING, TOKYO) - timedelta(days=1)
    await house.at(start)
    pool = house.pools["points"]
    async with pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        await publishing.publish(batch, msgspec.json.encode(PROGRAM), "test")
    await pool.execute(
        "INSERT INTO stores (id, code, name, active, revision)"
        " VALUES ($1, 'main', '本店', true, 1)",
        ids.new_id(),
    )
    await house.at(start + timedelta(minutes=1))
    for page in range(0, month.members, 500):
        people = range(page, min(page + 500, month.members))
        await house.tell([follow(who) for who in people])
    await house.settle()
    await house.pools["notify"].executemany(
        "INSERT INTO preferences (line_user_id, category, stopped, changed_at, via)"
        " VALUES ($1, 'receipt', true, $2, 'chat')",
        [(user_of(who), clock.now()) for who in sorted(month.stopped)],
    )


def follow(who: int) -> Event[LineEventReceived]:
    user = user_of(who)
    return line_event("follow", user, replyToken=f"welcome:{user}")


def purchase(month: Month, card: str, bought: Any) -> Event[PurchaseSubmitted]:
    key = f"{month.seed} {bought.who} {bought.number}"
    return submitted(MemberRef(card=card), bought.total, key, occurred_at=bought.at, lines=[])


async def live(house: House, month: Month) -> None:
    """Everything that the month brings, each thing at its time."""
    rows = await house.pools["points"].fetch("SELECT line_user_id, card FROM members")
    cards = {row["line_user_id"]: row["card"] for row in rows}
    by_step: dict[datetime, list[Any]] = {}
    for bought in sorted(month.bought):
        moment = bought.at - AT_ONCE if bought.number % 2 else bought.at
        by_step.setdefault(moment, []).append(bought)
    for moment in month.steps():
        await house.at(moment + AT_ONCE)
        events: list[Event[Any]] = [
            purchase(month, cards[user_of(each.who)], each) for each in by_step.get(moment, [])
        ]
        if moment == month.blocking:
            events += [line_event("unfollow", user_of(who)) for who in sorted(month.blocked)]
        await house.tell(events)
        await house.settle()
        await house.at(moment + AFTER)


def texts(message: dict[str, Any]) -> str:
    return str(message.get("altText") or message.get("text"))


def understood(arrived: Sequence[Arrived], month: Month) -> list[Told]:
    """What people were told of points and ranks, read off the words that reached them."""
    worth = {(each.who, each.points) for each in month.bought}
    told = []
    for each in arrived:
        who = int(each.user[1:], 16)
        for message in each.messages if each.kind == "push" else []:
            words = texts(message)
            rank = next((name for name in RANKS.values() if name in words), None)
            if rank:
                told.append(Told(who, rank))
                continue
            numbers = [int(found.replace(",", "")) for found in NUMBER.findall(words)]
            points, balance = numbers[0], numbers[1]
            assert (who, points) in worth, words
            told.append(Told(who, "earned", points, balance))
    return told


def at_night(arrived: Sequence[Arrived]) -> list[Arrived]:
    """News of a rank that came at an hour when nobody is to be woken up for it."""
    return [
        each
        for each in arrived
        if not MORNING <= each.at.time() < EVENING
        and any(name in texts(message) for message in each.messages for name in RANKS.values())
    ]


async def run(
    servers: Any, database: Any, namespace: str, month: Month, quota: int, patch: Any
) -> Line:
    """Live through the month and hold what LINE saw against what must be."""
    await houses.empty(database.admin_url)
    line = Line(quota)
    runner = await line.start()
    try:
        async with houses.opened(servers, database, namespace, line.url, patch) as house:
            await open_shop(house, month)
            await live(house, month)
            left = await house.pools["notify"].fetch(
                "SELECT kind, category, status, due_at, tries, reason FROM deliveries"
                " WHERE due_at IS NOT NULL"
            )
            assert [tuple(row) for row in left] == []
    finally:
        await runner.cleanup()
    judge(line, month)
    return line


def judge(line: Line, month: Month) -> None:
    told = Counter(understood(line.arrived, month))
    expected = Counter(month.expected())
    assert sorted((expected - told).elements()) == [], "missing"
    assert sorted((told - expected).elements()) == [], "doubled, or told where it must not be"
    assert at_night(line.arrived) == []
    assert line.problems == []
    pushes = [each for each in line.arrived if each.kind == "push"]
    welcomes = [each for each in line.arrived if each.kind == "reply"]
    assert sorted(each.user for each in welcomes) == sorted(map(user_of, range(month.members)))
    assert max(line.used.values()) <= line.quota
    assert len(pushes) < sum(expected.values()), "notices within a window go out as one"
    merged = sum(
        sum("ランク" not in texts(message) for message in each.messages) == 2 for each in pushes
    )
    assert merged == len(month.bursts())


def summary(line: Line) -> list[tuple[str, str]]:
    """What must be the same in every run: who was told what. The welcome is left out: it holds the
    card's number, and cards are numbered as people come."""
    pushes = [each for each in line.arrived if each.kind == "push"]
    return sorted((each.user, texts(message)) for each in pushes for message in each.messages)


def almost_used_up(line: Line, month: str) -> bool:
    """What LINE failed to take keeps its place in the budget for some seconds, so that a few may be
    left when the month turns; what was held for want of quota goes out right then."""
    turned = [each for each in line.arrived if each.at.day == 1 and each.at.hour == 0]
    few = max(10, line.quota // 20)
    return line.quota - few <= line.used[month] <= line.quota and bool(turned)


MONTH_TURN = datetime(2026, 11, 27, tzinfo=TOKYO)


@pytest.mark.timeout(170)
async def test_days_around_a_months_turn(
    servers: Any, database: Any, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short form of the run below: the quota runs out before the month turns."""
    month = Month(150, MONTH_TURN, 6, 1)
    line = await run(servers, database, namespace, month, 50, monkeypatch)
    assert line.refused["500 before"] and line.refused["500 after"]
    assert almost_used_up(line, "2026-11")


@pytest.mark.faults
@pytest.mark.timeout(3000)
async def test_a_month_of_ten_thousand_members_twice(
    servers: Any, database: Any, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for number in range(2):
        month = Month(10_000, datetime(2026, 11, 10, tzinfo=TOKYO), 30, 2)
        with monkeypatch.context() as patch:
            within = f"{namespace}-{number}"
            runs.append(await run(servers, database, within, month, 17_000, patch))
    assert almost_used_up(runs[0], "2026-11")
    assert summary(runs[0]) == summary(runs[1])
