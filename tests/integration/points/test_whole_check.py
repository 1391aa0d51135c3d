"""The whole ledger is checked after each night: once, whoever is killed, and it finds what nobody
moved."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from prometheus_client import REGISTRY

from deploy.doctor import waiting_checks
from deploy.doctor.findings import Finding
from services.points.accounts import verifying
from services.points.accounts.ledger_watch import LedgerWatch
from services.points.nights import checking, work_watch
from services.points.store import ledger_checks
from services.points.store.ledger_checks import Check
from shared import clock, ids
from tests.integration.points.night_shop import MEMBERS, Shop, at, move_to, opened


@pytest.fixture
async def shop(database: Any) -> AsyncIterator[Shop]:
    """Members who got points, and a night later; since, nothing has moved."""
    async with opened(database) as members:
        await members.publish()
        await members.give(100)
        move_to(at("2025-01-02 03:30"))
        await members.night()
        yield members


async def checked(shop: Shop, members: int = 10) -> Any:
    """Do all that there is to check; the last check as it is then."""
    while await checking.page(shop.pool, members):
        pass
    return await row(shop)


async def row(shop: Shop) -> Any:
    return await shop.pool.fetchrow("SELECT * FROM ledger_checks ORDER BY asked_at DESC LIMIT 1")


async def seen(shop: Shop) -> float:
    """What the metric says after a look."""
    await LedgerWatch(shop.pool).look()
    return REGISTRY.get_sample_value("tamaru_points_ledger_differences") or 0.0


async def doctor(shop: Shop) -> Finding:
    return await waiting_checks._ledger(shop.pool, clock.now())


async def test_what_nobody_moved_is_found_by_the_night_and_seen_until_it_is_right(
    shop: Shop,
) -> None:
    assert (await checked(shop))["differences"] == 0
    victim = shop.members[17]
    spoil = "UPDATE lots SET remaining = remaining + $2 WHERE member_id = $1"
    await shop.pool.execute(spoil, victim, -5)
    move_to(at("2025-01-03 03:30"))
    assert await seen(shop) == 0, "points of nobody moved"
    assert (await doctor(shop)).state == "good"
    night = await shop.night()
    found = await checked(shop)
    assert (found["id"], found["members"]) == (night, MEMBERS)
    assert found["differences"] > 0
    assert str(victim) in found["findings"]
    assert await seen(shop) > 0
    assert (await doctor(shop)).state == "bad"
    await shop.pool.execute(spoil, victim, 5)
    assert await seen(shop) == 0
    move_to(at("2025-01-04 03:30"))
    await shop.night()
    assert (await checked(shop))["differences"] == 0
    assert (await doctor(shop)).state == "good"


async def test_what_no_members_books_show_counts_until_the_next_check(shop: Shop) -> None:
    """An operator's own check is one, too."""
    await shop.pool.execute(
        "INSERT INTO requests (id, terminal_id, key, body_hash, kind, status, created_at)"
        " VALUES ($1, $1, 'k', 'h', 'purchase', 'awarded', $2)",
        ids.new_id(),
        clock.now(),
    )
    assert (await checked(shop))["differences"] == 1
    assert await seen(shop) == 1
    await shop.pool.execute("DELETE FROM requests")
    assert await seen(shop) == 1
    async with shop.pool.acquire() as connection:
        now = clock.now() + timedelta(minutes=1)
        await ledger_checks.note(connection, Check(ids.new_id(), 4), now, now)
    assert await seen(shop) == 0


async def test_processes_share_a_check_and_a_killed_one_costs_a_page(shop: Shop) -> None:
    random = Random(7)
    while (await row(shop))["finished_at"] is None:
        pages = [asyncio.create_task(checking.page(shop.pool, 3)) for _ in range(3)]
        await asyncio.sleep(random.random() / 100)
        pages[0].cancel()
        await asyncio.gather(*pages, return_exceptions=True)
    found = await row(shop)
    assert (found["members"], found["entries"], found["differences"]) == (MEMBERS, MEMBERS, 0)
    assert await shop.pool.fetchval("SELECT count(*) FROM ledger_checks") == 1
    assert not await checking.page(shop.pool)


async def test_a_page_holds_no_more_entries_than_memory_should(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        await shop.give(1)
    monkeypatch.setattr(verifying, "MOST_ENTRIES", 7)  # three each: two members
    read, pages = verifying.store.entries, []

    async def counted(connection: Any, members: Any) -> Any:
        rows = await read(connection, members)
        pages.append(len(rows))
        return rows

    monkeypatch.setattr(verifying.store, "entries", counted)
    found = await checked(shop)
    assert (found["members"], found["entries"], found["differences"]) == (MEMBERS, 3 * MEMBERS, 0)
    victim = shop.members[-1]
    await shop.pool.execute("UPDATE lots SET remaining = 0 WHERE member_id = $1", victim)
    move_to(at("2025-01-02 03:32"))
    assert await seen(shop) > 0, "all whose points moved are looked at"
    assert set(pages) == {3, 6}
    assert sum(pages) == 2 * 3 * MEMBERS
    monkeypatch.setattr(verifying, "MOST_ENTRIES", 2)
    assert await seen(shop) > 0, "one member's are never parted"


async def test_a_check_that_does_not_end_is_seen(shop: Shop) -> None:
    def age() -> float:
        return REGISTRY.get_sample_value("tamaru_points_ledger_unchecked_seconds") or 0.0

    move_to(at("2025-01-05 03:30"))
    await shop.night()
    assert await shop.pool.fetchval("SELECT count(*) FROM ledger_checks") == 1, "it goes on"
    await work_watch.look(shop.pool)
    assert age() >= timedelta(days=3).total_seconds() - 60
    assert (await doctor(shop)).state == "bad"
    await checked(shop)
    await work_watch.look(shop.pool)
    assert age() < 60
    assert (await doctor(shop)).state == "good"
