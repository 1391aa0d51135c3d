"""Two cards of one person become one, and can be told apart again; the ledger adds up all along."""

from typing import Any

import httpx
import pytest

from shared import ids
from shared.events import MemberRef
from tests.integration.points.shop import Points, eventually, owner, pos, submitted, verified

USER = "U" + "6" * 32


@pytest.fixture
async def pair(points: Points) -> tuple[Any, Any]:
    """A LINE member with 50 points, and a card from the till with a phone and a purchase of 10."""
    await points.follow(USER)
    member = await points.member(USER)

    async def welcomed() -> bool:
        return await points.balance(member["id"]) == 50

    await eventually(welcomed, "no welcome points")
    made = await points.client.post(
        "/v1/members", json={"phone": "09012345678"}, headers=owner("m")
    )
    card = made.json()
    await buy(points, MemberRef(card=card["card"]))
    assert await points.balance(card["id"]) == 10
    return member, card


async def buy(points: Points, member: MemberRef, total: int = 1000) -> Any:
    event = submitted(member, total)
    await points.publish(event)
    await points.status(event.id, "awarded")
    return event.id


async def merge(points: Points, kept: Any, absorb: dict[str, str]) -> httpx.Response:
    return await points.client.post(
        f"/v1/members/{kept}/merge",
        json={"absorb": absorb, "reason": "同じお客様"},
        headers=owner(ids.new_id().hex),
    )


async def undo(points: Points, id: str) -> httpx.Response:
    return await points.client.post(f"/v1/merges/{id}/undo", headers=owner(ids.new_id().hex))


async def seen(points: Points, member: Any) -> dict[str, Any]:
    found = (await points.client.get(f"/v1/members/{member}", headers=owner())).json()
    return {
        "balance": found["points"]["balance"],
        "status": found["status"],
        "earned": found["lifetime"]["earned"],
        "visits": found["lifetime"]["visits"],
    }


async def test_all_of_one_becomes_the_others(points: Points, pair: Any) -> None:
    member, card = pair
    answer = await merge(points, member["id"], {"card": card["card"]})
    assert answer.status_code == 201, answer.text
    assert answer.json()["merge"]["names"] == {"phone": "09012345678"}
    assert await seen(points, member["id"]) == {
        "balance": 60,
        "status": "active",
        "earned": 60,
        "visits": 1,
    }
    assert await seen(points, card["id"]) == {
        "balance": 0,
        "status": "merged",
        "earned": 0,
        "visits": 0,
    }
    for query in (f"card={card['card']}", "phone=09012345678"):
        found = await points.client.get(f"/v1/members/lookup?{query}", headers=pos())
        assert found.json()["id"] == str(member["id"])
    await verified(points)


async def test_the_old_card_still_earns(points: Points, pair: Any) -> None:
    member, card = pair
    await merge(points, member["id"], {"phone": "09012345678"})
    await buy(points, MemberRef(card=card["card"]))
    assert (await seen(points, member["id"]))["balance"] == 70
    told = await points.told("member.merged.v1")
    assert [(each["member_id"], each["absorbed_id"]) for each in told] == [
        (str(member["id"]), card["id"])
    ]
    await verified(points)


async def test_told_apart_again(points: Points, pair: Any) -> None:
    member, card = pair
    made = (await merge(points, member["id"], {"card": card["card"]})).json()["merge"]
    await buy(points, MemberRef(card=card["card"]), 2000)
    body = {"member": {"id": str(member["id"])}, "store": "main", "points": 55, "capture": True}
    spent = await points.client.post("/v1/redemptions", json=body, headers=pos("spend"))
    assert spent.status_code == 201, spent.text
    undone = await undo(points, made["id"])
    assert undone.status_code == 200, undone.text
    ours, theirs = await seen(points, member["id"]), await seen(points, card["id"])
    assert (ours["balance"], theirs["balance"]) == (20, 5)  # the oldest lots were spent first
    assert (ours["earned"], theirs["earned"], theirs["status"]) == (70, 10, "active")
    found = await points.client.get("/v1/members/lookup?phone=09012345678", headers=pos())
    assert found.json()["id"] == card["id"]
    assert (await undo(points, made["id"])).status_code == 409
    await verified(points)


async def test_a_debt_comes_along(points: Points, pair: Any) -> None:
    member, card = pair
    purchase = await buy(points, MemberRef(card=card["card"]), 3000)
    body = {"member": {"card": card["card"]}, "store": "main", "points": 40, "capture": True}
    assert (await points.client.post("/v1/redemptions", json=body, headers=pos("s"))).is_success
    refund = f"/v1/purchases/{purchase}/refunds"
    assert (await points.client.post(refund, json={}, headers=pos("r"))).is_success
    assert (await seen(points, card["id"]))["balance"] == -30
    assert (await merge(points, member["id"], {"card": card["card"]})).status_code == 201
    assert (await seen(points, member["id"]))["balance"] == 20
    assert (await seen(points, card["id"]))["balance"] == 0
    await verified(points)


async def test_a_purchase_of_the_old_card_is_refunded_to_the_new(points: Points, pair: Any) -> None:
    member, card = pair
    purchase = await buy(points, MemberRef(card=card["card"]), 3000)
    await merge(points, member["id"], {"card": card["card"]})
    refund = f"/v1/purchases/{purchase}/refunds"
    answer = await points.client.post(refund, json={}, headers=pos("r"))
    assert answer.status_code in (200, 201), answer.text
    assert answer.json()["points_taken_back"] == 30
    assert await seen(points, member["id"]) == {
        "balance": 60,
        "status": "active",
        "earned": 60,
        "visits": 1,
    }
    await verified(points)


async def test_what_cannot_be_merged(points: Points, pair: Any) -> None:
    member, card = pair
    for absorb, status in (
        ({"id": str(member["id"])}, 409),
        ({"card": "2900000000000"}, 404),
    ):
        assert (await merge(points, member["id"], absorb)).status_code == status
    body = {"member": {"card": card["card"]}, "store": "main", "points": 5}
    held = (await points.client.post("/v1/redemptions", json=body, headers=pos("h"))).json()
    refused = await merge(points, member["id"], {"card": card["card"]})
    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "urn:tamaru:problem:points-held",
    )
    await points.client.post(f"/v1/redemptions/{held['id']}/void", headers=pos("v"))
    assert (await merge(points, member["id"], {"card": card["card"]})).status_code == 201
    again = await merge(points, card["id"], {"id": str(member["id"])})
    assert again.status_code == 409
    await verified(points)
