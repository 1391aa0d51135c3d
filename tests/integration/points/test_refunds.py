"""Refunds over HTTP: what comes back, whenever they arrive; the ledger adds up after each."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from shared import ids
from shared.events import Line, MemberRef, Payment
from shared.purchase_id import purchase_id
from tests.integration.points.refund_desk import (
    bought,
    lifetime,
    publish,
    redeemed,
    refund,
    refunded,
    state,
    sweep,
)
from tests.integration.points.shop import (
    PLAIN,
    PURCHASE_KEY,
    TERMINAL,
    Points,
    eventually,
    owner,
    pos,
    submitted,
    verified,
)
from tests.staff import signed_in

USER = "U" + "7" * 32
WELCOME = 50
LINES = [Line(1000, "COFFEE", "food", quantity=3), Line(500, "CUP", "goods")]


@pytest.fixture
async def member(points: Points) -> AsyncIterator[Any]:
    """A member with 50 points. Whatever the test does, the ledger adds up after it."""
    await points.follow(USER)
    member = await points.member(USER)

    async def welcomed() -> bool:
        return await points.balance(member["id"]) == WELCOME

    await eventually(welcomed, "no welcome points")
    yield member
    await verified(points)


async def test_an_amount_then_a_line_then_the_rest(points: Points, member: Any) -> None:
    purchase = await bought(points, member, 1500, lines=LINES)
    first = await refunded(points, purchase, {"amount": 750})
    assert first == {
        "id": first["id"],
        "status": "done",
        "points_taken_back": 8,
        "points_returned": 0,
        "balance": WELCOME + 7,
        "refunded": 750,
        "remaining": 750,
    }
    second = await refunded(points, purchase, {"lines": [{"sku": "CUP", "quantity": 1}]})
    assert (second["points_taken_back"], second["remaining"]) == (2, 500)
    assert (await lifetime(points, member))["visits"] == 1
    third = await refunded(points, purchase)
    assert (third["points_taken_back"], third["balance"], third["remaining"]) == (5, WELCOME, 0)
    assert await lifetime(points, member) == {"earned": WELCOME, "spent": 0, "visits": 0}

    found = await state(points, purchase)
    assert (found["refunded"], found["remaining"]) == (1500, 0)
    assert (found["points"]["earned"], found["points"]["taken_back"]) == (15, 15)
    assert [(each["amount"], each["points_taken_back"]) for each in found["refunds"]] == [
        (750, 8),
        (250, 2),
        (500, 5),
    ]
    assert found["refunds"][1]["lines"] == [{"sku": "CUP", "quantity": 1}]
    told = await points.told("points.reversed.v1")
    assert sorted(each["points_taken_back"] for each in told) == [2, 5, 8]

    answer = await points.client.get(f"/v1/members/{member['id']}/entries", headers=owner())
    last = answer.json()["items"][0]
    assert (last["kind"], last["amount"], last["balance_after"]) == ("reverse", -5, WELCOME)
    facts = last["explanation"]
    assert (facts["purchase"], facts["refunded"], facts["remaining"]) == (purchase, 500, 0)
    assert (facts["points_before"], facts["points_now"]) == (5, 0)
    assert "5" in facts["text"]["ja"]


async def test_a_repeat_says_the_same_and_changes_nothing(points: Points, member: Any) -> None:
    purchase = await bought(points, member)
    first = await refund(points, purchase, {"amount": 300}, "same")
    await refunded(points, purchase, {"amount": 200})
    again = await refund(points, purchase, {"amount": 300}, "same")
    assert again.status_code == 201
    assert again.json() == {
        **first.json(),
        "balance": WELCOME + 5,
        "refunded": 500,
        "remaining": 500,
    }
    other = await refund(points, purchase, {"amount": 301}, "same")
    assert other.status_code == 409


async def test_what_cannot_be_refunded_is_refused_with_what_is_left(
    points: Points, member: Any
) -> None:
    purchase = await bought(points, member, 1500, lines=LINES)
    await refunded(points, purchase, {"lines": [{"sku": "COFFEE", "quantity": 2}]})
    left = {
        "remaining": 834,
        "lines": [{"sku": "COFFEE", "quantity": 1}, {"sku": "CUP", "quantity": 1}],
    }
    for body in (
        {"amount": 835},
        {"lines": [{"sku": "COFFEE", "quantity": 2}]},
        {"lines": [{"sku": "COFFEE", "quantity": 1}, {"sku": "COFFEE", "quantity": 1}]},
        {"lines": [{"sku": "TEA", "quantity": 1}]},
    ):
        answer = await refund(points, purchase, body)
        assert answer.status_code == 422, body
        assert {name: answer.json()[name] for name in left} == left
    for body in (
        {"amount": 0},
        {"amount": -5},
        {"amount": "5"},
        {"lines": []},
        {"amount": 5, "lines": [{"sku": "CUP", "quantity": 1}]},
        {"money": 5},
    ):
        assert (await refund(points, purchase, body)).status_code == 422, body
    for unknown in (str(ids.new_id()), "nonsense"):
        assert (await refund(points, unknown)).status_code == 404
    await refunded(points, purchase)
    answer = await refund(points, purchase)
    assert (answer.status_code, answer.json()["remaining"]) == (422, 0)


async def test_a_refund_that_comes_before_its_purchase_waits_for_it(
    points: Points, member: Any
) -> None:
    event = submitted(MemberRef(card=member["card"]), total=1000)
    first = await refund(points, str(event.id), {"amount": 300}, "early")
    assert (first.status_code, first.json()["status"]) == (202, "accepted")
    await refund(points, str(event.id), {"amount": 800}, "too much")
    found = await state(points, str(event.id))
    assert [each["status"] for each in found["refunds"]] == ["accepted", "accepted"]

    await points.publish(event)
    await points.status(event.id, "awarded")
    # One that comes after the award is done after those that came before it.
    last = await refunded(points, str(event.id), {"amount": 700})
    assert (last["points_taken_back"], last["remaining"], last["balance"]) == (7, 0, WELCOME)
    repeat = await refund(points, str(event.id), {"amount": 300}, "early")
    assert (repeat.status_code, repeat.json()["points_taken_back"]) == (201, 3)
    rejected = await refund(points, str(event.id), {"amount": 800}, "too much")
    assert (rejected.status_code, "700" in rejected.json()["detail"]) == (422, True)


async def test_what_waits_is_done_by_the_sweep(points: Points, member: Any) -> None:
    event = submitted(MemberRef(card=member["card"]), total=1000)
    await refund(points, str(event.id), {"amount": 300}, "early")
    await sweep(points)
    assert (await refund(points, str(event.id), {"amount": 300}, "early")).status_code == 202
    await points.publish(event)
    await points.status(event.id, "awarded")
    await asyncio.gather(sweep(points), sweep(points))
    repeat = await refund(points, str(event.id), {"amount": 300}, "early")
    assert (repeat.status_code, repeat.json()["points_taken_back"]) == (201, 3)
    assert await points.balance(member["id"]) == WELCOME + 7


async def test_a_refund_waits_for_the_member_too_and_goes_with_a_rejected_purchase(
    points: Points, member: Any
) -> None:
    nobody = submitted(MemberRef(external_id="later"), total=1000)
    bad = submitted(MemberRef(id="nonsense"), total=1000)
    await points.publish(nobody, bad)
    await points.status(nobody.id, "waiting_for_member")
    await points.status(bad.id, "rejected")
    assert (await refund(points, str(nobody.id), {}, "wait")).status_code == 202
    assert (await refund(points, str(bad.id))).status_code == 422

    await sweep(points)
    assert (await refund(points, str(nobody.id), {}, "wait")).status_code == 202

    unseen = submitted(MemberRef(id="nonsense"), total=500)
    assert (await refund(points, str(unseen.id), {}, "bad")).status_code == 202
    await points.publish(unseen)
    await points.status(unseen.id, "rejected")
    made = await points.client.post(
        "/v1/members", json={"external_id": "later"}, headers=owner("make")
    )
    await sweep(points)
    assert (await refund(points, str(unseen.id), {}, "bad")).status_code == 422
    done = await refund(points, str(nobody.id), {}, "wait")
    assert (done.status_code, done.json()["points_taken_back"]) == (201, 10)
    assert await points.balance(UUID(made.json()["id"])) == 0


@pytest.mark.parametrize(
    ("policy", "taken", "balance"), [("allow_negative", 10, -10), ("clamp_to_zero", 0, 0)]
)
async def test_points_that_were_spent_meanwhile(
    points: Points, member: Any, policy: str, taken: int, balance: int
) -> None:
    await publish(points, refunds={"overspent": policy})
    purchase = await bought(points, member)
    await redeemed(points, member, WELCOME + 10)
    done = await refunded(points, purchase, {"amount": 500})
    assert (done["points_taken_back"], done["balance"]) == (taken // 2, balance // 2)
    # Later earnings fill what is owed; what was forgiven stays forgiven.
    other = await bought(points, member, 600)
    done = await refunded(points, purchase)
    assert (done["points_taken_back"], done["balance"]) == (5, 6 - 5 - taken // 2)
    assert (await refunded(points, other))["balance"] == balance


async def test_the_rules_the_rank_and_the_first_purchase_are_those_of_then(
    points: Points, member: Any
) -> None:
    bonus = {"id": "first", "factor": "2", "when": {"first_purchase": True}}
    levels = [{"code": "vip", "name": "VIP", "requires": {"visits": 1}, "multiplier": "3"}]
    accrual = {**PLAIN["accrual"], "multipliers": [bonus]}
    await publish(points, accrual=accrual, ranks={"levels": levels})
    first = await bought(points, member, 1000)

    async def ranked() -> Any:
        return await points.pool.fetchval(
            "SELECT true FROM ranks WHERE member_id = $1 AND code = 'vip'", member["id"]
        )

    await eventually(ranked, "no rank was reached")
    second = await bought(points, member, 1000)
    await publish(points, accrual={"rules": [{"id": "f", "type": "fixed", "points": 7}]})
    assert (await refunded(points, first, {"amount": 500}))["points_taken_back"] == 10
    assert (await refunded(points, second, {"amount": 500}))["points_taken_back"] == 15
    versions = await points.pool.fetch(
        "SELECT kind, program_version FROM entries WHERE source IN ('purchase', 'refund')"
    )
    assert len({row["program_version"] for row in versions}) == 1


async def test_ranks_follow_a_refund(points: Points, member: Any) -> None:
    """Silver takes 100 points earned and 2 visits; 50 came with the welcome."""
    purchase = await bought(points, member, 4000)

    async def missing(wanted: dict[str, int]) -> None:
        async def found() -> bool:
            answer = await points.client.get(f"/v1/members/{member['id']}", headers=owner())
            return bool((answer.json()["next_rank"] or {}).get("missing") == wanted)

        await eventually(found, f"never was {wanted} missing")

    await missing({"points_earned": 10, "visits": 1})
    await refunded(points, purchase, {"amount": 1000})
    await missing({"points_earned": 20, "visits": 1})


async def test_points_that_expired_are_not_taken_a_second_time(points: Points, member: Any) -> None:
    purchase = await bought(points, member, 1000)
    await points.pool.execute(
        """UPDATE lots SET expires_at = opened_at FROM purchases p
        WHERE p.entry_id = lots.entry_id AND p.id = $1""",
        UUID(purchase),
    )
    await redeemed(points, member, WELCOME)
    assert await points.balance(member["id"]) == 0
    first = await refunded(points, purchase, {"amount": 400})
    assert (first["points_taken_back"], first["balance"]) == (4, 0)
    last = await refunded(points, purchase)
    assert (last["points_taken_back"], last["balance"]) == (6, 0)
    assert (await lifetime(points, member))["earned"] == WELCOME
    kinds = await points.pool.fetch(
        "SELECT kind, sum(amount) AS points FROM entries WHERE member_id = $1 GROUP BY kind",
        member["id"],
    )
    assert {row["kind"]: row["points"] for row in kinds} == {
        "earn": WELCOME + 10,
        "redeem": -WELCOME,
        "expire": 0,
        "reverse": -10,
    }


async def test_points_spent_on_it_come_back_with_the_money(points: Points, member: Any) -> None:
    redemption = await redeemed(points, member, 40)
    paid = [
        Payment("points", 40, redemption),
        Payment("points", 0, redemption),
        Payment("cash", 1460),
    ]
    purchase = await bought(points, member, 1500, lines=LINES, payments=paid)
    first = await refunded(points, purchase, {"lines": [{"sku": "CUP", "quantity": 1}]})
    # A third of the bill: 13 of the 40 points come back, 5 of 15 are taken.
    assert (first["points_returned"], first["points_taken_back"]) == (13, 5)
    assert first["balance"] == WELCOME - 40 + 15 + 13 - 5
    last = await refunded(points, purchase)
    assert (last["points_returned"], last["points_taken_back"]) == (27, 10)
    assert last["balance"] == WELCOME
    assert await lifetime(points, member) == {"earned": WELCOME, "spent": 0, "visits": 0}
    answer = await points.client.get(f"/v1/redemptions/{redemption}", headers=pos())
    assert answer.json()["returned"] == 40
    assert await points.pool.fetchval("SELECT sum(remaining) FROM lots WHERE held = 0") == WELCOME


async def test_points_come_back_before_points_are_taken(points: Points, member: Any) -> None:
    await publish(points, refunds={"overspent": "clamp_to_zero"})
    redemption = await redeemed(points, member, WELCOME)
    purchase = await bought(points, member, payments=[Payment("points", 50, redemption)])
    await redeemed(points, member, 10)
    done = await refunded(points, purchase)
    assert (done["points_returned"], done["points_taken_back"]) == (50, 10)
    assert done["balance"] == WELCOME - 10


async def test_points_that_come_back_too_late_expire_with_their_lot(
    points: Points, member: Any
) -> None:
    redemption = await redeemed(points, member, WELCOME)
    purchase = await bought(points, member, payments=[Payment("points", 50, redemption)])
    await points.pool.execute("UPDATE lots SET expires_at = opened_at WHERE remaining = 0")
    done = await refunded(points, purchase)
    assert (done["points_returned"], done["points_taken_back"], done["balance"]) == (50, 10, 0)


async def test_a_redemption_that_spent_nothing_is_noted(points: Points, member: Any) -> None:
    body = {"member": {"card": member["card"]}, "store": "main", "points": 10}
    held = await points.client.post("/v1/redemptions", json=body, headers=pos("hold"))
    names = [held.json()["id"], str(ids.new_id()), "nonsense"]
    purchase = await bought(
        points, member, payments=[Payment("points", 10, each) for each in names]
    )
    done = await refunded(points, purchase)
    assert [note["redemption"] for note in done["notes"]] == names
    assert all(set(note["text"]) == {"ja", "en"} for note in done["notes"])
    assert (done["points_returned"], done["points_taken_back"]) == (0, 10)


async def test_an_exchange_leaves_what_the_new_purchase_earns(points: Points, member: Any) -> None:
    first = {"id": "first", "type": "fixed", "points": 100, "when": {"first_purchase": True}}
    day = {"per": "day", "points": 120}
    come = {"id": "come", "type": "visit", "points": 2, "limit": {"per": "day", "count": 1}}
    rules = [*PLAIN["accrual"]["rules"], first, come]
    await publish(points, accrual={"rules": rules, "caps": [day]})
    wrong = await bought(points, member, 1000)
    assert await points.balance(member["id"]) == WELCOME + 112
    assert (await refunded(points, wrong))["balance"] == WELCOME
    await bought(points, member, 1500)
    assert await points.balance(member["id"]) == WELCOME + 117
    assert (await lifetime(points, member))["visits"] == 1


async def test_what_is_taken_back_is_in_the_campaigns_budget_again(
    points: Points, member: Any
) -> None:
    cap = {"per": "campaign", "id": "opening", "points": 12}
    await publish(points, accrual={**PLAIN["accrual"], "caps": [cap]})
    purchase = await bought(points, member, 1000)
    await refunded(points, purchase, {"amount": 400})
    assert await points.pool.fetchval("SELECT given FROM budgets WHERE name = 'opening'") == 6
    await bought(points, member, 1000)
    assert await points.balance(member["id"]) == WELCOME + 12


async def test_pending_points_are_cancelled(points: Points, member: Any) -> None:
    await publish(points, pending={"days": 14})
    purchase = await bought(points, member, 1000)
    await refunded(points, purchase, {"amount": 400})
    found = (await points.client.get(f"/v1/members/{member['id']}", headers=owner())).json()
    assert (found["points"]["balance"], found["points"]["pending"]) == (WELCOME, 6)


async def test_a_carried_fraction_goes_with_its_purchase(points: Points, member: Any) -> None:
    await publish(points, accrual={**PLAIN["accrual"], "carry_remainder": True})
    purchase = await bought(points, member, 199)
    await bought(points, member, 1)
    await refunded(points, purchase)
    # ¥1 is left and a point was given for it: only with ¥100 more than that comes another.
    assert await points.balance(member["id"]) == WELCOME + 1
    await bought(points, member, 99)
    await bought(points, member, 99)
    assert await points.balance(member["id"]) == WELCOME + 1
    await bought(points, member, 1)
    assert await points.balance(member["id"]) == WELCOME + 2


async def test_tills_that_refund_the_same_purchase_at_once_share_what_there_is(
    points: Points, member: Any
) -> None:
    purchase = await bought(points, member, 1000)
    answers = await asyncio.gather(*(refund(points, purchase, {"amount": 300}) for _ in range(6)))
    assert sorted(each.status_code for each in answers) == [201] * 3 + [422] * 3
    assert {each.json()["remaining"] for each in answers if each.status_code == 422} == {100}
    assert await points.balance(member["id"]) == WELCOME + 1
    answers = await asyncio.gather(*(refund(points, purchase) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201] + [422] * 3
    assert await points.balance(member["id"]) == WELCOME


async def test_only_who_may_write_may_refund(points: Points, member: Any) -> None:
    genuine = purchase_id(PURCHASE_KEY, TERMINAL, "any")
    answer = await points.client.post(f"/v1/purchases/{genuine}/refunds", json={})
    assert answer.status_code == 401
    answer = await points.client.post(
        f"/v1/purchases/{genuine}/refunds",
        json={},
        headers={"Authorization": owner()["Authorization"]},
    )
    assert answer.status_code == 400


async def test_points_that_the_old_card_spent_come_back_to_the_new_one(
    points: Points, member: Any
) -> None:
    """The card spent 8 of its 10 points on a purchase of ¥500, then was merged."""
    made = await points.client.post(
        "/v1/members", json={"phone": "09012345678"}, headers=owner("make")
    )
    card = made.json()
    await bought(points, card)
    redemption = await redeemed(points, card, 8)
    purchase = await bought(points, card, 500, payments=[Payment("points", 8, redemption)])
    answer = await points.client.post(
        f"/v1/members/{member['id']}/merge",
        json={"absorb": {"card": card["card"]}, "reason": "同じお客様"},
        headers=owner("merge"),
    )
    assert answer.status_code == 201, answer.text
    first = await refunded(points, purchase, {"amount": 250})
    assert (first["points_returned"], first["points_taken_back"]) == (4, 3)
    last = await refunded(points, purchase)
    assert (last["points_returned"], last["points_taken_back"]) == (4, 2)
    assert last["balance"] == WELCOME + 10


async def test_verify_sees_a_refund_that_the_ledger_does_not_have(
    points: Points, member: Any
) -> None:
    purchase = await bought(points, member)
    await refunded(points, purchase, {"amount": 500})
    for change, back in (
        ("UPDATE refunds SET amount = amount + 1", "UPDATE refunds SET amount = amount - 1"),
        (
            "UPDATE refunds SET points_taken_back = 4; UPDATE purchases SET points_back = 4",
            "UPDATE refunds SET points_taken_back = 5; UPDATE purchases SET points_back = 5",
        ),
        (
            "UPDATE refunds SET points_returned = 1; UPDATE purchases SET points_returned = 1",
            "UPDATE refunds SET points_returned = 0; UPDATE purchases SET points_returned = 0",
        ),
    ):
        await points.pool.execute(change)
        with pytest.raises(AssertionError, match="refunds that purchases"):
            await verified(points)
        await points.pool.execute(back)


async def test_who_is_signed_in_refunds_what_was_bought_at_their_store(
    points: Points, member: Any
) -> None:
    purchase = await bought(points, member, 1000)
    path = f"/v1/purchases/{purchase}/refunds"
    for role, stores in (("staff", None), ("manager", ["second"])):
        elsewhere = signed_in(role, stores, "second", key=role)
        answer = await points.client.post(path, json={}, **elsewhere)
        assert answer.json()["type"] == "urn:tamaru:problem:other-store", role
        on_its_way = purchase_id(PURCHASE_KEY, TERMINAL, "a store that is not known yet")
        early = signed_in(role, stores, "second", key=f"{role} early")
        answer = await points.client.post(f"/v1/purchases/{on_its_way}/refunds", json={}, **early)
        assert answer.json()["type"] == "urn:tamaru:problem:not-yet", role
    answer = await points.client.post(path, json={}, **signed_in("staff", key="here"))
    assert answer.status_code == 201, answer.text
