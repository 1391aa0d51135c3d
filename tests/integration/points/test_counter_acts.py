"""Acts at the counter: done once, listed for the store, for the member and the points they say."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, ids
from tests.integration.points.desk import (
    allow,
    another_till,
    bought,
    joined,
    keyed,
    kind,
    post,
)
from tests.integration.points.shop import Points, eventually, owner, pos, verified


@pytest.fixture
async def member(points: Points) -> Any:
    """A member with 50 points."""
    return await joined(points)


async def acts(points: Points, headers: dict[str, str] | None = None, query: str = "") -> Any:
    answer = await points.client.get(f"/v1/counter/acts{query}", headers=headers or pos())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_purchase_earns_what_was_quoted_and_is_listed(points: Points, member: Any) -> None:
    quoted = await points.client.post(
        "/v1/quotes",
        json={"store": "main", "member": {"card": member["card"]}, "total": 1234},
        headers=pos(),
    )
    made = await bought(points, member, 1234, receipt="R-1")
    assert made["points"] == quoted.json()["points"]["earned"] == 12
    assert (made["status"], made["balance"], made["visits"]) == ("done", 62, 1)
    assert made["explanation"]["text"]["ja"].startswith("1,234円のお買い上げ")
    assert made["undo_until"] is not None
    (listed,) = (await acts(points))["items"]
    assert listed == {name: made[name] for name in listed}
    assert (listed["kind"], listed["mine"], listed["receipt"]) == ("purchase", True, "R-1")
    assert listed["member"] == {
        "id": str(member["id"]),
        "name": None,
        "card_end": member["card"][-4:],
    }
    actor = await points.pool.fetchval("SELECT actor FROM entries WHERE source = 'purchase'")
    assert actor.startswith("terminal:")
    await verified(points)


async def test_the_same_key_is_the_same_act(points: Points, member: Any) -> None:
    who = {"member": {"card": member["card"]}, "total": 1000}
    answers = await asyncio.gather(*(post(points, "purchases", key="k", **who) for _ in range(5)))
    assert {each.json()["id"] for each in answers} == {answers[0].json()["id"]}
    assert {each.status_code for each in answers} <= {201, 202}

    async def awarded() -> bool:
        return (await post(points, "purchases", key="k", **who)).status_code == 201

    await eventually(awarded, "the purchase was never awarded")
    assert len((await acts(points))["items"]) == 1
    other = await post(points, "purchases", key="k", **{**who, "total": 1001})
    assert (other.status_code, kind(other)) == (409, "idempotency-conflict")
    assert await points.balance(member["id"]) == 60


async def test_points_are_used_on_the_purchase_itself(points: Points, member: Any) -> None:
    made = await bought(points, member, 1000, use_points=30)
    assert (made["points"], made["used"], made["balance"]) == (10, 30, 30)
    redemption = await points.client.get(f"/v1/redemptions/{made['redemption']}", headers=pos())
    assert redemption.json()["status"] == "captured"
    purchase = (await points.client.get(f"/v1/purchases/{made['purchase']}", headers=pos())).json()
    assert purchase["remaining"] == 1000
    too_many = await post(
        points, "purchases", member={"card": member["card"]}, total=1000, use_points=31
    )
    assert (too_many.status_code, kind(too_many)) == (422, "not-enough-points")
    assert len((await acts(points))["items"]) == 1
    await verified(points)


async def test_points_are_given_with_a_reason_and_spent(points: Points, member: Any) -> None:
    await allow(points, service={"maximum_points": 20, "per_day": 5, "points_per_day": 25})
    who = {"member": {"card": member["card"]}}
    given = await post(points, "service-points", points=20, reason="雨の日", **who)
    assert (given.status_code, given.json()["balance"]) == (201, 70)
    assert (given.json()["reason"], given.json()["points"]) == ("雨の日", 20)
    for points_more, status in ((21, 422), (6, 422), (5, 201), (1, 422)):
        more = await post(points, "service-points", points=points_more, reason="雨の日", **who)
        assert more.status_code == status, more.text
    spent = await post(points, "redemptions", points=75, **who)
    assert (spent.json()["points"], spent.json()["balance"], spent.json()["amount"]) == (-75, 0, 75)
    assert [each["kind"] for each in (await acts(points))["items"]] == [
        "redemption",
        "service",
        "service",
    ]
    await verified(points)


async def test_a_sale_of_a_till_is_found_by_its_receipt_and_refunded(
    points: Points, member: Any
) -> None:
    made = await bought(points, member, 3000, receipt="R-7")
    await bought(points, member, 500)
    found = await points.client.get("/v1/counter/purchases?receipt=R-7", headers=pos())
    (sale,) = found.json()["items"]
    assert (sale["id"], sale["remaining"], sale["points"]) == (made["purchase"], 3000, 30)
    back = (await post(points, "refunds", purchase=sale["id"], amount=1000)).json()
    assert (back["points"], back["remaining"], back["balance"]) == (-10, 2000, 75)
    rest = (await post(points, "refunds", purchase=sale["id"])).json()
    assert (rest["points"], rest["remaining"]) == (-20, 0)
    no_more = await post(points, "refunds", purchase=sale["id"])
    assert (no_more.status_code, kind(no_more)) == (422, "nothing-left")
    today = (await points.client.get("/v1/counter/purchases", headers=pos())).json()["items"]
    assert [each["remaining"] for each in today] == [500, 0]
    await verified(points)


async def test_pages_and_mine(points: Points, member: Any) -> None:
    for total in (100, 200, 300):
        await bought(points, member, total)
    other = await another_till(points)
    await post(
        points, "purchases", headers=keyed(other), member={"card": member["card"]}, total=400
    )
    first = await acts(points, query="?limit=3")
    rest = await acts(points, query=f"?limit=3&cursor={first['next']}")
    amounts = [each["amount"] for page in (first, rest) for each in page["items"]]
    assert (amounts, rest["next"]) == ([400, 300, 200, 100], None)
    mine = await acts(points, other, "?mine=true")
    assert [each["amount"] for each in mine["items"]] == [400]
    assert [each["mine"] for each in first["items"]] == [False, True, True]
    odd = await points.client.get("/v1/counter/acts?cursor=x", headers=pos())
    assert odd.status_code == 400
    try:
        clock.set_offset(timedelta(days=1))
        assert (await acts(points))["items"] == []
    finally:
        clock.set_offset(timedelta(0))


async def test_another_store_sees_and_does_nothing_here(points: Points, member: Any) -> None:
    made = await bought(points, member)
    there = await another_till(points, "station")
    get = points.client.get
    assert (await get("/v1/counter/acts?store=main", headers=there)).status_code == 403
    assert (await get(f"/v1/counter/acts/{made['id']}", headers=there)).status_code == 404
    undone = await post(points, f"acts/{made['id']}/undo", headers=keyed(there))
    assert (undone.status_code, kind(undone)) == (404, "unknown-act")
    back = await post(points, "refunds", headers=keyed(there), purchase=made["purchase"])
    assert back.status_code == 404
    who = {"member": {"card": member["card"]}, "store": "main", "total": 100}
    assert (await post(points, "purchases", headers=keyed(there), **who)).status_code == 403
    assert (await get("/v1/counter/acts", headers=there)).json()["items"] == []
    no_store = await post(points, "purchases", headers=owner("n"), **{**who, "store": None})
    assert (no_store.status_code, kind(no_store)) == (422, "no-store")


async def test_an_act_that_waited_counts_for_when_it_was_done(points: Points, member: Any) -> None:
    at = clock.now() - timedelta(hours=5)
    made = await bought(points, member, at=at.isoformat())
    kept = await points.pool.fetchrow("SELECT occurred_at, accepted_at FROM purchases")
    assert kept["occurred_at"] == at < kept["accepted_at"]
    assert made["happened_at"] < made["acted_at"]
    for hours in (-25, 1):
        wrong = (clock.now() + timedelta(hours=hours)).isoformat()
        late = await post(points, "purchases", member={"card": member["card"]}, total=100, at=wrong)
        assert (late.status_code, kind(late)) == (422, "too-old")


async def test_who_left_is_not_served(points: Points, member: Any) -> None:
    left = await points.client.post(
        f"/v1/members/{member['id']}/leave", json={}, headers=owner("leave")
    )
    assert left.status_code in (200, 201), left.text
    await allow(points, service={"maximum_points": 20})
    who = {"member": {"id": str(member["id"])}}
    for path, body in (
        ("purchases", {"total": 100}),
        ("service-points", {"points": 1, "reason": "x"}),
        ("redemptions", {"points": 1}),
    ):
        refused = await post(points, path, **who, **body)
        assert (refused.status_code, kind(refused)) == (409, "member-gone"), path
    panel = await points.client.get(f"/v1/counter/members/{member['id']}", headers=pos())
    assert [each["kind"] for each in panel.json()["warnings"]] == ["left"]


async def test_nothing_is_done_that_makes_no_sense(points: Points, member: Any) -> None:
    who = {"member": {"card": member["card"]}}
    nonsense: list[tuple[str, dict[str, Any]]] = [
        ("purchases", {**who, "total": 0}),
        ("purchases", {**who, "total": 100, "tax": 101}),
        ("purchases", {"member": {}, "total": 100}),
        ("purchases", {"member": {"card": member["card"], "phone": "09011112222"}, "total": 1}),
        ("service-points", {**who, "points": 1}),
        ("service-points", {**who, "points": 1, "rule": "rain"}),
        ("redemptions", {**who, "points": 0}),
        ("redemptions", {**who, "points": -5}),
        ("refunds", {"purchase": str(ids.new_id())}),
        ("refunds", {"purchase": "x"}),
        ("scans", {"code": ""}),
    ]
    for path, body in nonsense:
        refused = await post(points, path, **body)
        assert refused.status_code in (404, 422), (path, body, refused.text)
    assert (await acts(points))["items"] == []
    assert await points.balance(member["id"]) == 50
