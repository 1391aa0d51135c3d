"""Quotes: what a purchase would earn and what could be spent on it, without changing anything."""

from datetime import timedelta
from typing import Any

from services.points.rules import qr
from shared import clock, ids
from shared.events import MemberRef
from tests.integration.points.shop import (
    PLAIN,
    POS_KEY,
    QR_KEY,
    TERMINAL,
    Points,
    owner,
    submitted,
)

USER = "U" + "7" * 32
POS = {"Authorization": f"Bearer {POS_KEY}"}
TABLES = ("entries", "lots", "purchases", "requests", "budgets", "accounts")


async def quoted(points: Points, headers: dict[str, str] = POS, **body: Any) -> Any:
    return await points.client.post(
        "/v1/quotes", json={"store": "main", "total": 1_000, "tax": 0, **body}, headers=headers
    )


async def content(points: Points) -> list[Any]:
    """All that stands in the ledger's tables, row by row with its last change."""
    return [
        await points.pool.fetch(f"SELECT xmin, t.* FROM {table} t ORDER BY t::text")
        for table in TABLES
    ]


async def test_what_is_quoted_is_earned_and_quoting_changes_nothing(points: Points) -> None:
    rules = [
        {"id": "base", "type": "spend", "per": 100, "points": 1},
        {"id": "come", "type": "visit", "points": 5, "limit": {"per": "day", "count": 1}},
    ]
    accrual = {
        "rules": rules,
        "multipliers": [{"id": "first", "factor": "3", "when": {"first_purchase": True}}],
        "excluded_categories": ["tobacco"],
        "caps": [{"per": "day", "points": 60}, {"per": "campaign", "points": 70}],
    }
    await points.client.put("/v1/program", json={**PLAIN, "accrual": accrual}, headers=owner())
    await points.follow(USER)
    card = (await points.member(USER))["card"]
    for earned, balance in ((35, 85), (10, 95), (10, 105), (5, 110), (0, 110)):
        before = await content(points)
        body = (await quoted(points, member={"card": card})).json()
        assert await content(points) == before
        assert body["points"] == {
            "earned": earned,
            "balance_after": balance,
            "pending_after": 0,
        }
        event = submitted(MemberRef(card=card), total=1_000)
        await points.publish(event)
        await points.status(event.id, "awarded")
        answer = await points.client.get(f"/v1/purchases/{event.id}", headers=owner())
        result = answer.json()
        assert (result["points"]["earned"], result["points"]["balance"]) == (earned, balance)
        assert result["explanation"] == body["explanation"]


async def test_what_can_be_spent_follows_the_program(points: Points) -> None:
    redemption = {
        "value": {"points": 10, "amount": 1},
        "minimum": 20,
        "unit": 10,
        "maximum_percent": 50,
    }
    await points.client.put(
        "/v1/program", json={**PLAIN, "redemption": redemption}, headers=owner()
    )
    await points.follow(USER)
    member = await points.member(USER)
    body = (await quoted(points, total=6, member={"id": str(member["id"])})).json()
    assert body["redemption"] == {
        "spendable": 50,
        "maximum": 30,
        "minimum": 20,
        "unit": 10,
        "value": {"points": 10, "amount": 1},
        "maximum_value": 3,
    }
    paid = [{"method": "gift-card", "amount": 4}]
    body = (await quoted(points, total=6, payments=paid, member={"id": str(member["id"])})).json()
    assert (body["redemption"]["maximum"], body["redemption"]["maximum_value"]) == (20, 2)


async def test_without_a_member_it_is_for_somebody_new(points: Points) -> None:
    accrual = {
        **PLAIN["accrual"],
        "multipliers": [{"id": "first", "factor": "2", "when": {"first_purchase": True}}],
    }
    await points.client.put("/v1/program", json={**PLAIN, "accrual": accrual}, headers=owner())
    body = (await quoted(points)).json()
    assert body["points"] == {"earned": 20, "balance_after": 20, "pending_after": 0}
    assert (body["visits"], body["rank"], body["redemption"]["maximum"]) == (1, None, 0)


async def test_pending_points_and_debt_are_reckoned_with(points: Points) -> None:
    await points.client.put("/v1/program", json={**PLAIN, "pending": {"days": 3}}, headers=owner())
    await points.follow(USER)
    member = await points.member(USER)
    body = (await quoted(points, member={"card": member["card"]})).json()
    before = body["points"]["balance_after"] + body["points"]["pending_after"] - 10
    assert before == 50
    assert body["points"]["pending_after"] >= 10
    long_ago = (clock.now() - timedelta(days=4)).isoformat()
    body = (await quoted(points, occurred_at=long_ago, member={"card": member["card"]})).json()
    assert body["points"]["earned"] == 10


async def test_a_code_that_was_quoted_belongs_to_the_till_that_asked(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    token = qr.make(QR_KEY, member["id"], clock.now())
    assert (await quoted(points, member={"qr": token})).status_code == 200
    assert (await quoted(points, member={"qr": token})).status_code == 200
    elsewhere = submitted(MemberRef(qr=token))
    assert elsewhere.data.terminal_id == TERMINAL
    await points.publish(elsewhere)
    await points.status(elsewhere.id, "rejected")
    refused = await quoted(points, owner(), member={"qr": token})
    assert refused.status_code == 422


WRONG: list[tuple[dict[str, Any], int, str | None]] = [
    ({"store": "nowhere"}, 403, None),
    ({"member": {"card": "2900000000000"}}, 404, None),
    ({"member": {}}, 422, None),
    ({"member": {"card": "1", "phone": "2"}}, 422, None),
    ({"member": {"line_user_id": USER}}, 403, None),
    ({"total": -1}, 422, "total"),
    ({"total": "1000"}, 422, "total"),
    ({"tax": 1_001}, 422, "tax"),
    ({"lines": [{"amount": 900}]}, 422, "lines"),
    ({"payments": [{"method": "cash", "amount": 1_001}]}, 422, "payments"),
    ({"discounts": [{"amount": 100, "lines": [0]}]}, 422, "discounts[0].lines[0]"),
    ({"occurred_at": "2999-01-01T00:00:00+09:00"}, 422, "occurred_at"),
    ({"occurred_at": "2026-01-01T00:00:00"}, 422, "occurred_at"),
]


async def test_what_cannot_be_quoted(points: Points) -> None:
    for body, status, path in WRONG:
        answer = await quoted(points, **body)
        assert answer.status_code == status, (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        if path:
            assert path in [each["path"] for each in answer.json()["errors"]]


async def test_an_unknown_store_is_named(points: Points) -> None:
    answer = await quoted(points, owner(ids.new_id().hex), store="nowhere")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:tamaru:problem:unknown-store")
