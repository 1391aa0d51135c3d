"""Service points: given by staff with a reason, within what the program allows a till."""

from datetime import timedelta
from typing import Any

from services.points.accounts import verifying
from shared import clock, ids
from tests.integration.points.shop import PLAIN, POS_KEY, Points, eventually, owner

USER = "U" + "8" * 32


def till(key: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {POS_KEY}", "Idempotency-Key": key or ids.new_id().hex}


async def give(shop: Points, headers: dict[str, str], **body: Any) -> Any:
    member = (await shop.member(USER))["id"]
    path = f"/v1/members/{member}/service-points"
    return await shop.client.post(path, json=body, headers=headers)


async def allow(points: Points, **service: Any) -> None:
    answer = await points.client.put(
        "/v1/program", json={**PLAIN, "service": service}, headers=owner()
    )
    assert answer.status_code == 200, answer.text


RAIN = {"id": "rain", "name": "雨の日", "points": 5}


async def test_a_rainy_day_is_earned_explained_told_and_counts_for_ranks(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    await allow(points, rules=[RAIN])
    answer = await give(points, till("rain-1"), rule="rain")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["points"], body["balance"]) == (5, 55)
    assert body["explanation"]["text"]["ja"] == "お店からのポイント +5ポイント\n雨の日"
    row = await points.pool.fetchrow("SELECT * FROM entries WHERE source = 'service'")
    assert (row["kind"], row["amount"], row["actor"][:9]) == ("earn", 5, "terminal:")
    account = await points.pool.fetchrow("SELECT earned, visits, purchases FROM accounts")
    assert tuple(account) == (55, 0, 0)
    told = [each for each in await points.told("points.earned.v1") if each["source"] == "service"]
    assert [(each["points"], each["reason"], each["store"]) for each in told] == [
        (5, "雨の日", "main")
    ]
    assert (await give(points, till("rain-1"), rule="rain")).json() == body
    assert await points.balance(member["id"]) == 55
    async with points.pool.acquire() as connection:
        assert [each async for page in verifying.verify(connection) for each in page.findings] == []


async def test_a_till_gives_no_more_than_the_program_allows(points: Points) -> None:
    await points.follow(USER)
    await points.member(USER)
    refused = await give(points, till(), points=1, reason="rain")
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:tamaru:problem:service-points-refused"
    await allow(points, maximum_points=10, per_day=2)
    assert (await give(points, till(), points=11, reason="rain")).status_code == 422
    assert (await give(points, till(), points=10, reason="rain")).status_code == 201
    assert (await give(points, till(), points=10, reason="rain")).status_code == 201
    assert (await give(points, till(), points=10, reason="rain")).status_code == 422
    assert (await give(points, owner("more"), points=500, reason="sorry")).status_code == 201
    assert await points.pool.fetchval("SELECT sum(amount) FROM entries") == 570


async def test_the_limit_is_of_a_day(points: Points) -> None:
    await points.follow(USER)
    await points.member(USER)
    await allow(points, maximum_points=10)
    assert (await give(points, till(), points=1, reason="rain")).status_code == 201
    assert (await give(points, till(), points=1, reason="rain")).status_code == 422
    try:
        clock.set_offset(timedelta(days=1))
        assert (await give(points, till(), points=1, reason="rain")).status_code == 201
    finally:
        clock.set_offset(timedelta(0))


async def test_they_lift_to_a_rank(points: Points) -> None:
    levels = [{"code": "star", "name": "スター", "requires": {"points_earned": 100}}]
    program = {**PLAIN, "ranks": {"levels": levels}}
    await points.client.put("/v1/program", json=program, headers=owner())
    await points.follow(USER)
    await points.member(USER)
    assert (await give(points, owner("many"), points=60, reason="thanks")).status_code == 201

    async def risen() -> Any:
        return await points.pool.fetchval("SELECT true FROM ranks WHERE code = 'star'")

    await eventually(risen, "no rank was reached")


NONSENSE: list[tuple[dict[str, Any], int]] = [
    ({}, 422),
    ({"points": 5}, 422),
    ({"points": 5, "rule": "rain", "reason": "rain"}, 422),
    ({"points": 0, "reason": "rain"}, 422),
    ({"points": -5, "reason": "rain"}, 422),
    ({"rule": "snow"}, 422),
    ({"rule": "rain", "store": "elsewhere"}, 403),
    ({"rule": "rain", "mood": "good"}, 422),
]


async def test_what_makes_no_sense_gives_nothing(points: Points) -> None:
    await points.follow(USER)
    await points.member(USER)
    await allow(points, rules=[RAIN])
    for body, status in NONSENSE:
        answer = await give(points, till(), **body)
        assert answer.status_code == status, (body, answer.text)
    assert await points.pool.fetchval("SELECT count(*) FROM entries WHERE source = 'service'") == 0


async def test_nobody_is_given_nothing(points: Points) -> None:
    path = f"/v1/members/{ids.new_id()}/service-points"
    body = {"points": 5, "reason": "rain"}
    answer = await points.client.post(path, json=body, headers=owner("nobody"))
    assert answer.status_code == 404
