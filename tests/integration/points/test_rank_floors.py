"""Ranks given by hand: at once, for as long as they hold, with who decided and why."""

from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from tests.integration.points.ranking_shop import (
    BRONZE,
    GOLD,
    SILVER,
    becomes,
    buy,
    join,
    look,
    night,
    publish,
    rules,
    years_pass,
)
from tests.integration.points.shop import POS_KEY, Points, owner


async def put(points: Points, member: Any, **body: Any) -> Any:
    path = f"/v1/members/{member['id']}/rank-floor"
    return await points.client.put(path, json={"reason": "常連様", **body}, headers=owner())


async def lift(points: Points, member: Any, reason: str = "") -> Any:
    path = f"/v1/members/{member['id']}/rank-floor?reason={reason}"
    return await points.client.delete(path, headers=owner())


async def test_a_floor_lifts_at_once_and_holds_until_it_is_lifted(points: Points) -> None:
    await publish(points, rules(BRONZE, SILVER, GOLD))
    member = await join(points)
    answer = await put(points, member, code="silver")
    assert answer.status_code == 200, answer.text
    assert answer.json()["rank"] == "silver"
    assert (await look(points, member))["rank"]["code"] == "silver"
    await night(points)
    assert (await look(points, member))["rank"]["code"] == "silver"
    lifted = await lift(points, member, "a mistake")
    assert lifted.status_code == 200, lifted.text
    assert (lifted.json()["floor"], lifted.json()["rank"]) == (None, "silver")
    await night(points)
    assert (await look(points, member))["rank"] is None
    told = await points.told("rank.changed.v1")
    assert [each["direction"] for each in told] == ["up", "down"]


async def test_what_was_earned_under_a_floor_stays_when_it_ends(points: Points) -> None:
    await publish(points, rules(BRONZE, SILVER, GOLD))
    member = await join(points)
    until = clock.now() + timedelta(days=1)
    await put(points, member, code="gold", until=until.isoformat())
    await buy(points, member)
    await points.pool.execute(
        "UPDATE ranks SET floor_until = floor_until - '2 days'::interval WHERE floor = 'gold'"
    )
    assert (await look(points, member))["rank"]["code"] == "gold"
    await night(points)
    await becomes(points, member, "bronze")
    await years_pass(points)
    await night(points)
    await becomes(points, member, None)


async def test_who_decided_what_and_why_is_kept(points: Points) -> None:
    await publish(points, rules(BRONZE, SILVER))
    member = await join(points)
    await put(points, member, code="bronze")
    await put(points, member, code="bronze")
    await put(points, member, code="silver", reason="誕生日")
    await lift(points, member, "over")
    await lift(points, member, "over again")
    path = f"/v1/members/{member['id']}/rank-floor"
    seen = (await points.client.get(path, headers=owner())).json()
    decided = [(each["code"], each["reason"]) for each in seen["history"]]
    assert decided == [(None, "over"), ("silver", "誕生日"), ("bronze", "常連様")]
    actors = {each["actor"] for each in seen["history"]}
    key = await points.pool.fetchval("SELECT id FROM terminals WHERE kind = 'owner'")
    assert actors == {f"key:{key}"}


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"code": "platinum"}, 422, "unknown-rank"),
        ({"code": "bronze", "until": "2020-01-01T00:00:00Z"}, 422, "floor-over"),
        ({"code": "bronze", "until": "2030-01-01T00:00:00"}, 422, None),
        ({"code": "bronze", "reason": ""}, 422, None),
        ({}, 422, None),
    ],
)
async def test_what_makes_no_sense_is_refused(
    points: Points, body: dict[str, Any], status: int, kind: str | None
) -> None:
    await publish(points, rules(BRONZE, SILVER))
    member = await join(points)
    answer = await put(points, member, **body)
    assert answer.status_code == status
    assert kind is None or answer.json()["type"].endswith(kind)
    assert await points.pool.fetchval("SELECT count(*) FROM rank_floors") == 0


async def test_floors_are_the_owners(points: Points) -> None:
    member = await join(points)
    path = f"/v1/members/{member['id']}/rank-floor"
    till = {"Authorization": f"Bearer {POS_KEY}"}
    body = {"code": "bronze", "reason": "x"}
    assert (await points.client.put(path, json=body, headers=till)).status_code == 403
    assert (await points.client.delete(path, headers=till)).status_code == 403
    for nobody in ("nobody", "00000000-0000-7000-8000-000000000000"):
        path = f"/v1/members/{nobody}/rank-floor"
        assert (await points.client.put(path, json=body, headers=owner())).status_code == 404
        assert (await points.client.get(path, headers=owner())).status_code == 404


async def test_a_floor_that_the_program_no_longer_knows_holds_nobody(points: Points) -> None:
    await publish(points, rules(BRONZE, SILVER))
    member = await join(points)
    await put(points, member, code="silver")
    await publish(points, rules(BRONZE))
    await night(points)
    assert (await look(points, member))["rank"] is None


async def test_how_many_members_have_each_rank(points: Points) -> None:
    await publish(points, rules(BRONZE, SILVER))
    members = [await join(points) for _ in range(4)]
    for member, code in zip(members, ("bronze", "silver", "silver", None), strict=True):
        if code:
            await put(points, member, code=code)
    answer = await points.client.get("/v1/ranks", headers=owner())
    assert answer.json() == {
        "items": [
            {"code": None, "name": None, "members": 1},
            {"code": "bronze", "name": "ブロンズ", "members": 1},
            {"code": "silver", "name": "シルバー", "members": 2},
        ],
        "next": None,
    }
    till = {"Authorization": f"Bearer {POS_KEY}"}
    assert (await points.client.get("/v1/ranks", headers=till)).status_code == 403
