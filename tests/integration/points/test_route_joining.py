"""By which route somebody joined: the first before the follow, and nothing that comes later."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.points.routes import attribution
from services.points.store import leaving, routes
from shared import clock, outbox
from shared.bus.handling import Batch
from shared.events import MemberRef
from tests.integration.points.shop import Points, line_event, owner, submitted

USER, OTHER, THIRD = ("U" + digit * 32 for digit in "789")


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """A test may move the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


@pytest.fixture
async def shop(points: Points) -> Points:
    """With two routes in use and one out of use."""
    for code, active in (("poster", True), ("tram", True), ("old", False)):
        async with points.pool.acquire() as connection:
            await routes.put(
                connection,
                code,
                name=code,
                kind="poster",
                store=None,
                active=active,
                now=clock.now(),
            )
    return points


async def visit(shop: Points, route: str, user: str = USER) -> None:
    async with shop.pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        await attribution.visit(batch, route, user)
        await outbox.write(connection, batch.emitted)


async def route_of(shop: Points, member: UUID) -> Any:
    answer = await shop.client.get(f"/v1/members/{member}", headers=owner())
    return answer.json()["route"]


async def visits(shop: Points, route: str) -> int:
    counted = "SELECT coalesce(sum(visits), 0) FROM route_counts WHERE route = $1"
    return int(await shop.pool.fetchval(counted, route))


async def report(shop: Points, route: str) -> tuple[int, int, int, int]:
    """Visits, joins, first purchases and their amount, over all days."""
    async with shop.pool.acquire() as connection:
        days = await routes.report(connection, route, "Asia/Tokyo")
    sums = [sum(column) for column in list(zip(*days, strict=True))[1:]] if days else [0] * 4
    return tuple(sums)  # type: ignore[return-value]


async def buy(shop: Points, member: UUID, total: int, **more: Any) -> UUID:
    event = submitted(MemberRef(id=str(member)), total, **more)
    await shop.publish(event)
    await shop.status(event.id, "awarded")
    return event.id


async def test_the_first_route_before_the_follow_counts_for_a_week(shop: Points) -> None:
    for route in ("old", "unknown", "poster", "poster", "tram"):
        await visit(shop, route)
    await shop.follow(USER)
    member = await shop.member(USER)
    assert await route_of(shop, member["id"]) == "poster"
    (told,) = await shop.told("member.joined.v1")
    assert told["route"] == "poster"
    assert (await visits(shop, "poster"), await visits(shop, "tram")) == (1, 0)
    assert await shop.pool.fetchval("SELECT count(*) FROM route_visits") == 0
    await visit(shop, "poster", OTHER)
    await visit(shop, "poster", THIRD)
    clock.set_offset(timedelta(days=7, minutes=1))
    await visit(shop, "tram", OTHER)
    for user in (OTHER, THIRD):
        await shop.follow(user)
    assert (await shop.member(OTHER))["route"] == "tram"
    assert (await shop.member(THIRD))["route"] is None


async def test_a_visit_of_a_member_changes_nothing(shop: Points) -> None:
    await shop.follow(USER)
    member = await shop.member(USER)
    clock.set_offset(timedelta(minutes=11))
    await visit(shop, "poster")
    assert await route_of(shop, member["id"]) is None
    assert await report(shop, "poster") == (0, 0, 0, 0)
    assert await shop.pool.fetchval("SELECT count(*) FROM route_visits") == 0


async def test_a_follow_on_lines_own_screen_just_before_our_page_counts(shop: Points) -> None:
    await shop.follow(USER)
    member = await shop.member(USER)
    await visit(shop, "poster")
    await visit(shop, "tram")
    assert await route_of(shop, member["id"]) == "poster"
    assert [each["fields"] for each in await shop.told("member.updated.v1")] == [["route"]]
    for number in range(5):  # the page and the enrolment wait for each other, whichever is first
        user = f"U{number:032d}"
        await shop.publish(line_event("follow", user, replyToken="f" * 32))
        await visit(shop, "poster", user)
        assert (await shop.member(user))["route"] in ("poster", None)
    assert await report(shop, "poster") == (6, 6, 0, 0)
    assert await report(shop, "tram") == (0, 0, 0, 0)


async def test_the_first_purchase_that_remains_is_reported(shop: Points) -> None:
    await visit(shop, "poster")
    await shop.follow(USER)
    member = (await shop.member(USER))["id"]
    assert await report(shop, "poster") == (1, 1, 0, 0)
    first = await buy(shop, member, 3000)
    await buy(shop, member, 500, occurred_at=clock.now() + timedelta(seconds=5))
    assert await report(shop, "poster") == (1, 1, 1, 3000)
    path = f"/v1/purchases/{first}/refunds"
    await shop.client.post(path, json={"amount": 1000}, headers=owner("part"))
    assert await report(shop, "poster") == (1, 1, 1, 2000)
    await shop.client.post(path, json={}, headers=owner("rest"))
    assert await report(shop, "poster") == (1, 1, 1, 500)


async def test_a_card_from_before_takes_the_route_over_but_is_no_new_customer(
    shop: Points,
) -> None:
    made = await shop.client.post("/v1/members", json={"external_id": "c-1"}, headers=owner("c"))
    card = UUID(made.json()["id"])
    await buy(shop, card, 800)
    for user, route in ((USER, "poster"), (OTHER, "tram")):
        await visit(shop, route, user)
        await shop.follow(user)
    member, other = (await shop.member(USER))["id"], (await shop.member(OTHER))["id"]
    await buy(shop, member, 900)
    assert await report(shop, "poster") == (1, 1, 1, 900)
    merge = await merged(shop, card, member)
    assert await route_of(shop, card) == "poster"
    assert await report(shop, "poster") == (1, 1, 0, 0)
    undone = await shop.client.post(f"/v1/merges/{merge}/undo", json={}, headers=owner("u"))
    assert undone.is_success, undone.text
    assert (await route_of(shop, card), await route_of(shop, member)) == (None, "poster")
    assert await report(shop, "poster") == (1, 1, 1, 900)
    await merged(shop, member, other)
    assert await route_of(shop, member) == "poster"
    assert (await report(shop, "tram"))[1] == 0


async def test_leaving_coming_back_and_erasure(shop: Points) -> None:
    await visit(shop, "poster")
    await shop.follow(USER)
    first = (await shop.member(USER))["id"]
    await leave(shop, first)
    await visit(shop, "tram")
    noted = await shop.pool.fetchval("SELECT user_hash FROM route_visits")
    assert noted == leaving.hash_of(USER)
    await shop.follow(USER)
    second = await shop.member(USER)
    assert (second["route"], await route_of(shop, first)) == ("tram", "poster")
    await leave(shop, second["id"])
    await visit(shop, "poster")
    body, path = {"confirm": second["card"]}, f"/v1/members/{second['id']}/erasure"
    erased = await shop.client.post(path, json=body, headers=owner("e"))
    assert erased.is_success, erased.text
    assert await shop.pool.fetchval("SELECT count(*) FROM route_visits") == 0
    assert (await report(shop, "tram"))[1] == 1


async def merged(shop: Points, kept: UUID, absorbed: UUID) -> str:
    """Merge, and the merge's id."""
    merge = {"absorb": {"id": str(absorbed)}, "reason": "one person"}
    path = f"/v1/members/{kept}/merge"
    done = await shop.client.post(path, json=merge, headers=owner(f"m-{absorbed}"))
    assert done.is_success, done.text
    return str(done.json()["merge"]["id"])


async def leave(shop: Points, member: UUID) -> None:
    path = f"/v1/members/{member}/leave"
    left = await shop.client.post(path, json={}, headers=owner(f"l-{member}"))
    assert left.is_success, left.text
