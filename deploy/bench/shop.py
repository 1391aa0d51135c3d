"""A shop to measure: a fresh database with members, and purchases for them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from deploy.bench.databases import scratch
from services.points import demo
from services.points.members.enrolment import Enrolment
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.store.members import NewMember
from shared import clock, ids
from shared.bus.handling import Batch
from shared.db import Pool, open_pool
from shared.events import Event, Line, MemberRef, Purchase, PurchaseSubmitted, new_event
from shared.keys import Keys

TERMINAL = ids.new_id()


class Shop(msgspec.Struct, frozen=True):
    """A database with members; `pool` connects as the points service does."""

    pool: "Pool[Any]"
    cards: list[str]
    admin_url: str


@asynccontextmanager
async def shop(server_url: str, members: int) -> AsyncIterator[Shop]:
    """On the server that an administrator's URL leads to; dropped afterwards."""
    async with scratch(server_url, "points") as database:
        pool = await open_pool(database.url, schema="points", size=8)
        try:
            yield Shop(pool, await _open(pool, members), database.admin_url)
        finally:
            await pool.close()


async def _open(pool: "Pool[Any]", count: int) -> list[str]:
    """The demo program and `count` members; their cards."""
    people: list[NewMember] = []
    async with pool.acquire() as connection, connection.transaction():
        await demo.seed(Batch(connection), {})
        enrolment = Enrolment(Rulebook(), Awards(Rulebook(), Keys(b"bench" * 8)))
        for start in range(0, count, 5_000):
            some = [
                NewMember(id=ids.new_id(), external_id=f"bench-{number}")
                for number in range(start, min(start + 5_000, count))
            ]
            people += await enrolment.add(Batch(connection), some)
        await connection.execute("DELETE FROM outbox")
    return [each.card for each in people]


def purchases(shop: Shop, count: int) -> list[Event[PurchaseSubmitted]]:
    """`count` different purchases of one or two lines, spread over the members."""
    now = clock.now() - timedelta(minutes=1)
    return [_purchase(shop.cards[number % len(shop.cards)], number, now) for number in range(count)]


def _purchase(card: str, number: int, now: Any) -> Event[PurchaseSubmitted]:
    first, second = 800 + number % 700, 250 + number % 90
    purchase = Purchase(
        store="main",
        member=MemberRef(card=card),
        occurred_at=now,
        total=first + second,
        tax=(first + second) * 8 // 108,
        receipt=f"R-{number}",
        lines=[
            Line(first, "SKU-1001", "food", "本日のランチ", 1, first * 8 // 108),
            Line(second, "SKU-2002", "drink", "コーヒー", 1, second * 8 // 108),
        ],
    )
    key = f"bench-{ids.new_id().hex}"
    data = PurchaseSubmitted(purchase, TERMINAL, key, "0" * 64, now)
    return new_event("/bench", data)


def in_groups(events: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """The events in slices of `size`."""
    return [events[start : start + size] for start in range(0, len(events), size)]
