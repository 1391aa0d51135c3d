"""Counts and members of any definition equal what is worked out member by member from what the API
says: over points that wait, expire, slide and are owed, refunds, ranks, merged and left members."""

import asyncio
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.points.segments.definition import parse
from services.points.store import members as member_store
from services.points.store.members import NewMember
from shared import clock, ids
from shared.events import Line, MemberRef
from tests.integration.points import segment_shop
from tests.integration.points.night_shop import TOKYO, at, move_to
from tests.integration.points.ranking_shop import BRONZE, rules
from tests.integration.points.refund_desk import redeemed, refunded
from tests.integration.points.segment_people import Judge, Person, attributes, everybody
from tests.integration.points.shop import Points, owner, pos, submitted

LEVELS = (
    BRONZE,
    {"code": "silver", "name": "シルバー", "requires": {"points_earned": 60, "visits": 2}},
    {
        "code": "gold",
        "name": "ゴールド",
        "requires": {"points_earned": 150, "amount_spent": 20_000},
    },
)
MEMBERS = 24
SKUS = "ABCDEFGHIJ"
EXAMPLES = 20
MOMENTS = ("2025-02-27 20:00", "2025-03-13 20:00", "2025-03-28 00:30")


@pytest.fixture(autouse=True)
def steady_clock() -> Iterator[None]:
    yield
    clock.set_offset(timedelta())


def _program(expiry: dict[str, Any], window: dict[str, Any], pending: int) -> dict[str, Any]:
    program = rules(*LEVELS, window=window)
    return {**program, "expiry": expiry, "pending": {"days": pending}, "welcome": {"points": 0}}


FIRST = _program({"type": "fixed", "days": 60}, {"type": "lifetime"}, 0)
SECOND = _program({"type": "sliding", "months": 1}, {"type": "rolling", "months": 2}, 12)


class Town:
    """Members who buy, bring back, spend, merge and leave over ten weeks."""

    def __init__(self, points: Points, seed: int) -> None:
        self.points = points
        self.chance = random.Random(seed)
        self.cards: dict[UUID, str] = {}

    async def settle(self) -> None:
        """They move in."""
        people = [
            NewMember(id=ids.new_id(), card=f"29{n:011}", line_user_id=f"U{n}" if n % 3 else None)
            for n in range(MEMBERS)
        ]
        await member_store.add(self.points.pool, people, clock.now())
        self.cards = {person.id: person.card for person in people}

    async def buy(self, day: datetime, count: int) -> dict[str, str]:
        """Some of them buy around a day; the purchases' ids, with a product of each."""
        move_to(day)
        events = []
        for card in self.chance.choices(list(self.cards.values())[:-3], k=count):
            lines = [
                Line(self.chance.choice((500, 1200, 9000)), sku, self.chance.choice("xy"))
                for sku in self.chance.sample(SKUS, self.chance.randrange(1, 3))
            ]
            when = day - timedelta(hours=self.chance.randrange(60))
            total = sum(line.amount for line in lines)
            member = MemberRef(card=card)
            events.append(submitted(member, total, lines=lines, occurred_at=when))
        await self.points.publish(*events)
        for event in events:
            await self.points.status(event.id, "awarded")
        return {str(event.id): str(event.data.purchase.lines[0].sku) for event in events}

    async def bring_back(self, purchases: dict[str, str]) -> None:
        """Half of these come back: whole, by amount, or by product."""
        for purchase, sku in list(purchases.items())[::2]:
            product = {"lines": [{"sku": sku, "quantity": 1}]}
            body = self.chance.choice(({}, {"amount": 300}, product, product))
            await refunded(self.points, purchase, body)

    async def spend(self) -> None:
        """Who has points spends them all, some of them."""
        for member, card in list(self.cards.items())[::2]:
            balance = await self.points.balance(member)
            if balance > 0:
                await redeemed(self.points, {"card": card}, balance)

    async def hold(self) -> None:
        """Who is still there and has points lets some be held, until after they have expired."""
        for member, card in list(self.cards.items())[3::2]:
            if (balance := await self.points.balance(member)) > 1:
                body = {"member": {"card": card}, "store": "main", "points": balance // 2}
                key = ids.new_id().hex
                answer = await self.points.client.post(
                    "/v1/redemptions", json=body, headers=pos(key)
                )
                assert answer.status_code == 201, answer.text

    async def part(self) -> None:
        """One of the first merges into another, one leaves."""
        first, second, third, *_ = self.cards
        for path, body in (
            (f"/v1/members/{first}/merge", {"absorb": {"id": str(second)}, "reason": "test"}),
            (f"/v1/members/{third}/leave", {"reason": "test"}),
        ):
            answer = await self.points.client.post(path, json=body, headers=owner(ids.new_id().hex))
            assert answer.status_code in (200, 201, 202), answer.text


async def _publish(points: Points, program: dict[str, Any]) -> None:
    answer = await points.client.put("/v1/program", json=program, headers=owner())
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def town(points: Points) -> Town:
    """Ten weeks of them, by two programs, and no night in between."""
    town = Town(points, seed=4)
    move_to(at("2025-01-10 10:00"))
    await town.settle()
    await _publish(points, FIRST)
    first = await town.buy(at("2025-01-12 15:00"), 30)
    await town.spend()
    move_to(at("2025-02-20 10:00"))
    await _publish(points, SECOND)
    second = await town.buy(at("2025-02-24 23:30"), 40)
    move_to(at("2025-02-27 10:00"))
    await town.bring_back(first)
    await town.bring_back(second)
    await town.part()
    await town.hold()
    await attributes(points.pool, list(town.cards), town.chance)
    return town


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """At least one of the fields."""
    return st.fixed_dictionaries({}, optional=fields).filter(bool)


def _span(most: int, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    number = st.integers(0, most)
    return (
        st.fixed_dictionaries({}, optional={"min": number, "max": number, **more})
        .filter(lambda it: "min" in it or "max" in it)
        .filter(lambda it: it.get("min", 0) <= it.get("max", most))
    )


DAYS = st.integers(1, 70)
PRODUCTS = st.lists(st.sampled_from(SKUS), min_size=1, max_size=2)
CODES = st.lists(st.sampled_from(["bronze", "silver", "gold", None]), min_size=1, max_size=2)
GAPS = _some(points=st.integers(0, 150), visits=st.integers(0, 2), spent=st.integers(0, 15_000))
LEAVES = st.one_of(
    st.just({"all": True}),
    _span(200).map(lambda it: {"points": it}),
    st.integers(-90, -1).map(lambda owed: {"points": {"max": owed}}),
    CODES.map(lambda it: {"rank": {"in": it}}),
    _some(within=GAPS, progress=st.integers(1, 100)).map(lambda it: {"next_rank": it}),
    _some(before_days=DAYS, within_days=DAYS, never=st.just(True)).map(
        lambda it: {"last_visit": it}
    ),
    _span(5, days=DAYS).map(lambda it: {"visits": it}),
    _span(30_000, days=DAYS).map(lambda it: {"spent": it}),
    _some(
        skus=PRODUCTS,
        categories=st.just(["x"]),
        stores=st.sampled_from([["main"], ["other"]]),
    ).flatmap(lambda it: st.sampled_from([it, {**it, "days": 9}]).map(lambda it: {"bought": it})),
    st.fixed_dictionaries({"days": DAYS}, optional={"min": st.integers(1, 90)}).map(
        lambda it: {"expiring": it}
    ),
    st.sampled_from(["this", "next", 2, 7]).map(lambda it: {"birthday_month": it}),
    _span(70).map(lambda it: {"age": it}),
    st.just({"gender": {"in": ["f"]}}),
    st.just({"area": {"in": ["東京", "京都"]}}),
    _some(any=st.just(["a", "b"]), all=st.just(["c"])).map(lambda it: {"tags": it}),
    _some(
        days=DAYS, before_days=DAYS, routes=st.sampled_from([["poster"], [None], ["x", None]])
    ).map(lambda it: {"joined": it}),
    st.sampled_from(["linked", "reachable", "blocked", "none"]).map(lambda it: {"line": it}),
)
DEFINITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda of: {"all": of}),
        st.lists(inner, min_size=1, max_size=3).map(lambda of: {"any": of}),
        inner.map(lambda of: {"not": of}),
    ),
    max_leaves=4,
)

ALWAYS: list[dict[str, Any]] = [
    *({"bought": {"skus": [sku]}} for sku in SKUS),
    *({"bought": {"skus": [sku], "days": 9}} for sku in SKUS[::2]),
    {"bought": {"stores": ["main"], "days": 4}},
    {"next_rank": {"progress": 50}},
    {"next_rank": {"within": {"points": 60, "spent": 9_000}}},
    {"points": {"max": -1}},
    *({"expiring": {"days": days}} for days in (1, 2, 12, 13, 14, 15, 26, 27, 28)),
]


async def test_any_definition_counts_whom_the_api_says(points: Points, town: Town) -> None:
    for moment in MOMENTS:
        move_to(at(moment))
        people = await everybody(points.pool, TOKYO)
        await asyncio.to_thread(_compare, points.pool, people, asyncio.get_running_loop())


def _compare(pool: Any, people: list[Person], loop: asyncio.AbstractEventLoop) -> None:
    """Any definition, asked of the database and worked out by hand."""
    judge = Judge(clock.now(), TOKYO)

    async def ask(document: Any) -> tuple[list[UUID], int]:
        told = await segment_shop.members(pool, document, page=7)
        counted = await segment_shop.count(pool, document)
        return segment_shop.of(told), counted.members

    def compare(document: Any) -> None:
        wanted = parse(document)
        meant = sorted(person.id for person in people if judge.meets(person, wanted))
        found = asyncio.run_coroutine_threadsafe(ask(document), loop).result()
        assert found == (meant, len(meant))

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(DEFINITIONS)
    def anything(document: Any) -> None:
        compare(document)

    for document in ALWAYS:
        compare(document)
    anything()
