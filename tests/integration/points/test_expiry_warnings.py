"""Warnings ahead of expiry: once for each member, date and warning, whatever happens in between."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.points.nights import warning
from tests.integration.points.night_shop import MEMBERS, Shop, at, move_to, opened, stop
from tests.integration.points.shop import eventually

FIXED = {"type": "fixed", "days": 60}


@pytest.fixture
async def shop(database: Any) -> AsyncIterator[Shop]:
    """Members without points on 1 January 2025, in Tokyo."""
    async with opened(database) as members:
        yield members


async def warned(shop: Shop, *days: str) -> list[list[tuple[int, str, int]]]:
    """Let nights pass; what the first member was told in each of them, in dates of Tokyo."""
    said, seen = [], len(await shop.told("points.expiring.v1"))
    for day in days:
        move_to(at(f"{day} 03:30"))
        await shop.night()
        told = await shop.told("points.expiring.v1")
        first = [each for each in told[seen:] if each.member_id == shop.members[0]]
        said.append(
            [
                (
                    part.points,
                    f"{part.expires_at.astimezone(at(day + ' 00:00').tzinfo):%m-%d}",
                    part.days,
                )
                for each in first
                for part in (each, *each.later)
            ]
        )
        seen = len(told)
    return said


async def test_members_are_warned_once_for_each_date_and_each_warning(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)  # through 2 March
    move_to(at("2025-01-02 12:00"))
    await shop.give(10)
    await shop.give(5)
    assert await warned(
        shop,
        *("2025-01-31", "2025-02-01", "2025-02-01", "2025-02-02", "2025-02-23", "2025-02-24"),
        *("2025-02-25", "2025-03-03", "2025-03-04"),
    ) == [
        [],
        [(100, "03-03", 30)],
        [],
        [(15, "03-04", 30)],
        [],
        [(100, "03-03", 7)],
        [(15, "03-04", 7)],
        [],
        [],
    ]
    told = await shop.told("points.expiring.v1")
    assert Counter(each.member_id for each in told) == Counter(dict.fromkeys(shop.members, 4))
    assert {each.balance for each in told} == {115}
    assert {each.line_user_id for each in told if each.member_id == shop.members[7]} == {"U7"}


async def test_a_missed_warning_is_given_late_and_the_dates_of_a_night_together(
    shop: Shop,
) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    move_to(at("2025-01-15 12:00"))
    await shop.give(10)
    assert await warned(shop, "2025-02-28", "2025-03-01") == [
        [(100, "03-03", 3), (10, "03-17", 17)],
        [],
    ]


@pytest.mark.parametrize(
    ("warn_days", "said"), [([], [[], [], []]), ([10], [[], [(100, "03-03", 10)], []])]
)
async def test_the_program_says_when_members_are_warned(
    shop: Shop, warn_days: list[int], said: list[Any]
) -> None:
    await shop.publish(expiry={**FIXED, "warn_days": warn_days})
    await shop.give(100)
    assert await warned(shop, "2025-02-20", "2025-02-21", "2025-02-22") == said


async def test_sliding_points_are_warned_of_anew_after_each_visit(shop: Shop) -> None:
    await shop.publish(expiry={"type": "sliding", "months": 2, "warn_days": [7]})
    await shop.give(100)  # through 1 March
    before = await warned(shop, "2025-02-22", "2025-02-23", "2025-02-24")
    assert before == [[], [(100, "03-02", 7)], []]
    await shop.active(*shop.members)  # on 24 February: through 24 April
    assert await warned(shop, "2025-03-03", "2025-04-18") == [[], [(100, "04-25", 7)]]
    assert await shop.told("points.expired.v1") == []


async def test_what_waits_or_is_held_is_not_warned_of(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    await shop.give(5, days_pending=55)
    await shop.pool.execute("UPDATE lots SET held = 40 WHERE remaining = 100")
    await shop.pool.execute("UPDATE accounts SET held = 40")
    assert await warned(shop, "2025-02-01", "2025-02-24", "2025-02-26") == [
        [(60, "03-03", 30)],
        [(60, "03-03", 7)],
        [],
    ]


async def test_who_is_not_active_is_not_urged(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    await shop.pool.execute(
        "UPDATE members SET status = 'suspended' WHERE id = $1", shop.members[0]
    )
    assert await warned(shop, "2025-02-20", "2025-02-25") == [[], []]
    assert len(await shop.told("points.expiring.v1")) == 2 * (MEMBERS - 1)


async def test_a_kill_while_warnings_are_told_repeats_and_loses_none(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.points.nights.night.LOOK_PAGE", 10)
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    move_to(at("2025-02-01 03:30"))
    night = await shop.tick()
    processes = shop.process()

    async def telling() -> Any:
        return (await shop.row(night))["step"] == "tell"

    original = warning.tell
    asked = 0

    async def killed(*args: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise asyncio.CancelledError
        return await original(*args)

    monkeypatch.setattr(warning, "tell", killed)
    await eventually(telling, "nothing was told")
    processes2 = shop.process()
    await shop.over(night)
    await stop(processes + processes2)
    told = await shop.told("points.expiring.v1")
    assert Counter(each.member_id for each in told) == Counter(shop.members)
