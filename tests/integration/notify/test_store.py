"""Deliveries in PostgreSQL: leases and records."""

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from services.notify.preferences.rules import MessageRules
from services.notify.program_zone import ProgramZone
from services.notify.sending import progress
from services.notify.sending.deliveries import Delivery
from services.notify.sending.lanes import MOST_OF_ONE, Lanes
from services.notify.sending.poller import take_due
from services.notify.store import claims
from services.notify.store import deliveries as store
from shared import clock
from shared.db import open_pool

LEASE = timedelta(seconds=30)


@pytest.fixture
async def pool(notify):
    pool = await open_pool(notify.settings.database_url.get_secret_value(), schema="notify")
    yield pool
    await pool.close()


def delivery(number, now):
    return Delivery(f"U{number}", UUID(int=number), UUID(int=1000 + number), "k", "[]", now + LEASE)


async def claim(pool, now, lease_until, limit, *priorities):
    groups = await claims.claim(pool, now, lease_until, limit, ("receipt",), *priorities)
    return [group.leader for group in groups]


async def insert(pool, count, now, *, taken=False):
    deliveries = [delivery(number, now) for number in range(count)]
    due_at = now + LEASE if taken else now
    skipped = [None] * count
    return await store.insert(pool, deliveries, skipped, now=now, due_at=due_at, taken=taken)


async def test_what_one_has_taken_no_other_gets_before_the_lease_ends(pool):
    now = clock.now()
    await insert(pool, 100, now)
    claims = await asyncio.gather(*(claim(pool, now, now + LEASE, 30) for _ in range(6)))
    taken = [each.id for claim in claims for each in claim]
    assert len(taken) == len(set(taken)) == 100
    assert await claim(pool, now + LEASE / 2, now + 2 * LEASE, 100) == []
    assert len(await claim(pool, now + LEASE, now + 2 * LEASE, 100)) == 100


async def test_a_claim_passes_over_what_another_transaction_holds(pool):
    now = clock.now()
    await insert(pool, 2, now)
    async with pool.acquire() as other, other.transaction():
        await other.execute("SELECT 1 FROM deliveries WHERE line_user_id = 'U0' FOR UPDATE")
        claimed = await asyncio.wait_for(claim(pool, now, now + LEASE, 10), 5)
    assert [each.line_user_id for each in claimed] == ["U1"]


def of_one(count, now):
    """One person's, which go out alone, each after the one before."""
    return [
        Delivery("U1", UUID(int=n), UUID(int=n), "k", "[]", now, category="campaign", priority=1)
        for n in range(count)
    ]


async def test_of_one_person_some_are_taken_at_a_time_in_their_order(pool):
    now = clock.now()
    many = of_one(2 * MOST_OF_ONE + 1, now)
    await store.insert(pool, many, [None] * len(many), now=now, due_at=now, taken=False)
    taken = []
    while claimed := await claim(pool, now, now + LEASE, len(many)):
        assert len(claimed) <= MOST_OF_ONE
        taken += [each.id for each in claimed]
    assert taken == [each.id for each in many]


class Sink:
    """Takes what a sender would, and sends nothing."""

    rules = MessageRules(ProgramZone())

    def __init__(self):
        self.lanes = Lanes(1)

    def room(self, priority=0):
        return 10_000 - self.lanes.backlog

    def crowded(self):
        return self.lanes.crowded()

    def submit(self, deliveries):
        self.lanes.add(deliveries)


async def test_what_waits_for_one_person_keeps_nobody_else_waiting(pool):
    now, sink = clock.now() - LEASE, Sink()
    many = of_one(600, now)
    await store.insert(pool, many, [None] * len(many), now=now, due_at=now, taken=False)
    later = now + timedelta(seconds=1)
    others = [delivery(number, later) for number in range(1000, 1100)]
    for each in others:
        each.priority = many[0].priority
    await store.insert(pool, others, [None] * len(others), now=later, due_at=later, taken=False)
    while await take_due(pool, sink):
        pass
    assert sink.lanes.backlog == MOST_OF_ONE + len(others)


async def test_a_claim_tells_since_when_it_may_have_been_sent(pool):
    now = clock.now()
    await insert(pool, 1, now)
    first = await claim(pool, now, now + LEASE, 1)
    second = await claim(pool, now + LEASE, now + 2 * LEASE, 1)
    third = await claim(pool, now + 2 * LEASE, now + 3 * LEASE, 1)
    assert [each[0].unknown_since for each in (first, second, third)] == [None, now, now]


async def test_what_its_maker_sends_itself_may_have_been_sent_from_the_start(pool):
    now = clock.now()
    await insert(pool, 1, now, taken=True)
    assert await claim(pool, now, now + LEASE, 1) == []
    claimed = await claim(pool, now + LEASE, now + 2 * LEASE, 1)
    assert claimed[0].unknown_since == now


async def test_whoever_claims_a_message_learns_what_traces_lead_to_it(pool):
    now = clock.now()
    made = [
        Delivery("U1", UUID(int=n), UUID(int=n), "k", "[]", now, category="receipt", **traced)
        for n, traced in enumerate(({"traceparents": "a"}, {}, {"traceparents": "b"}))
    ]
    skipped = Delivery("U2", UUID(int=9), UUID(int=9), "k", "[]", now, traceparents="c")
    await store.insert(
        pool, [*made, skipped], [None] * 3 + ["blocked"], now=now, due_at=now, taken=False
    )
    assert [each.traceparents for each in await claim(pool, now, now + LEASE, 9)] == ["a b"]
    again = await claim(pool, now + LEASE, now + 2 * LEASE, 9)
    assert [each.traceparents for each in again] == ["a b"]
    kept = await pool.fetch("SELECT traceparents FROM deliveries ORDER BY event_id")
    assert [row[0] for row in kept] == ["a b", None, "b", None], "what is not sent leads nowhere"


async def test_what_is_over_stays_over(pool):
    now = clock.now()
    await insert(pool, 1, now, taken=True)
    done = progress.given_up(delivery(0, now), now, "why")
    await store.record(pool, [done])
    await store.record(pool, [progress.put_back(delivery(0, now), now)])
    told = await store.deliveries_of_event(pool, UUID(int=0))
    assert [(row["status"], row["reason"]) for row in told] == [("unknown", "why")]


async def test_a_changed_plan_releases_what_is_held(pool):
    now = clock.now()
    await insert(pool, 2, now, taken=True)
    held = progress.put_back(delivery(0, now), now + timedelta(days=9), "held")
    await store.record(pool, [held])
    assert await store.release_held(pool, now) == 1
    assert [each.line_user_id for each in await claim(pool, now, now + LEASE, 9)] == ["U0"]


async def test_the_urgent_are_claimed_first_and_campaigns_never(pool):
    now = clock.now()
    made = [msgspec.structs.replace(delivery(n, now), priority=3 - n) for n in range(4)]
    for age, each in enumerate(made):
        due = now - timedelta(seconds=10 - age)
        await store.insert(pool, [each], [None], now=now, due_at=due, taken=False)
    claimed = [await claim(pool, now, now + LEASE, 1) for _ in range(4)]
    assert [[each.priority for each in page] for page in claimed] == [[0], [1], [2], []]
    assert await claim(pool, now, now + LEASE, 9, [3]) == []
