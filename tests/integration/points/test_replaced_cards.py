"""A lost card: a new number at once, and what was bought before still earns."""

from datetime import timedelta
from typing import Any

import pytest

from shared import clock, ids
from shared.events import MemberRef
from tests.integration.points.shop import Points, owner, pos, submitted, verified


@pytest.fixture
async def card(points: Points) -> Any:
    """A member without LINE, with a card."""
    answer = await points.client.post(
        "/v1/members", json={"external_id": "e-1"}, headers=owner("make")
    )
    return answer.json()


async def replace(points: Points, card: Any, key: str = "r") -> Any:
    url = f"/v1/members/{card['id']}/card"
    answer = await points.client.post(url, json={"reason": "紛失"}, headers=pos(key))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def bought(points: Points, card: str, when: Any, status: str) -> Any:
    event = submitted(MemberRef(card=card), occurred_at=when)
    await points.publish(event)
    await points.status(event.id, status)
    return event.id


async def test_the_new_card_counts_and_the_old_one_is_refused(points: Points, card: Any) -> None:
    new = await replace(points, card)
    assert new["id"] == card["id"]
    assert new["card"] != card["card"]
    assert await replace(points, card) == new  # the same act again
    now = clock.now()
    assert await points.balance(card["id"]) == 0
    await bought(points, new["card"], now, "awarded")
    assert await points.balance(card["id"]) == 10
    refused = await bought(points, card["card"], now, "rejected")
    answer = await points.client.get(f"/v1/purchases/{refused}", headers=pos())
    assert "再発行" in answer.json()["detail"]
    lookup = await points.client.get(f"/v1/members/lookup?card={card['card']}", headers=pos())
    assert lookup.status_code == 422
    assert lookup.json()["type"].endswith(":card-replaced")
    spend = {"member": {"card": card["card"]}, "store": "main", "points": 1}
    redeemed = await points.client.post("/v1/redemptions", json=spend, headers=pos("s"))
    assert redeemed.json()["type"].endswith(":card-replaced")
    assert await points.balance(card["id"]) == 10


async def test_what_was_bought_before_still_earns_however_late(points: Points, card: Any) -> None:
    before = clock.now() - timedelta(hours=2)
    new = await replace(points, card)
    await replace(points, card, "again")
    await bought(points, card["card"], before, "awarded")
    await bought(points, new["card"], before, "awarded")
    assert await points.balance(card["id"]) == 20
    await verified(points)


async def test_a_replaced_card_leads_to_who_took_the_member_over(points: Points, card: Any) -> None:
    before = clock.now() - timedelta(hours=2)
    await replace(points, card)
    made = await points.client.post(
        "/v1/members", json={"external_id": "e-2"}, headers=owner("other")
    )
    kept = made.json()["id"]
    merge = {"absorb": {"id": card["id"]}, "reason": "同じお客様"}
    url = f"/v1/members/{kept}/merge"
    assert (await points.client.post(url, json=merge, headers=owner("m"))).status_code == 201
    await bought(points, card["card"], before, "awarded")
    assert await points.balance(kept) == 10
    answer = await points.client.get(f"/v1/members?q={card['card']}", headers=owner())
    assert [each["id"] for each in answer.json()["items"]] == [card["id"]]


async def test_the_change_is_kept_and_told_without_numbers(points: Points, card: Any) -> None:
    new = await replace(points, card)
    answer = await points.client.get(f"/v1/members/{card['id']}/changes", headers=owner())
    change = answer.json()["items"][0]
    assert (change["before"], change["after"]) == ({"card": card["card"]}, {"card": new["card"]})
    assert change["reason"] == "紛失"
    told = await points.told("member.updated.v1")
    assert told == [{"member_id": card["id"], "fields": ["card"]}]
    url = f"/v1/members/{ids.new_id()}/card"
    nobody = await points.client.post(url, json={"reason": "紛失"}, headers=pos("n"))
    assert nobody.status_code == 404
