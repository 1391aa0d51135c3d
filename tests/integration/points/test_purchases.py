"""Purchases become points, once each, by the rules of when they happened."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import aio_pika
import msgspec
import pytest

from services.points.accounts import verifying
from services.points.rules import qr
from shared import clock, ids
from shared.events import MemberRef
from shared.purchase_id import purchase_id
from tests.integration.points.shop import (
    PLAIN,
    PURCHASE_KEY,
    QR_KEY,
    TERMINAL,
    Points,
    eventually,
    owner,
    submitted,
    until,
)

USER = "U" + "1" * 32


async def findings(points: Points) -> list[verifying.Finding]:
    """Everything that `ledger verify` finds."""
    async with points.pool.acquire() as connection:
        return [each async for page in verifying.verify(connection) for each in page.findings]


async def test_a_purchase_is_on_the_card_with_its_reason(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    event = submitted(MemberRef(card=member["card"]), total=1080)
    await points.publish(event)
    await points.status(event.id, "awarded")

    answer = await points.client.get(f"/v1/purchases/{event.id}", headers=owner())
    body = answer.json()
    assert (body["status"], body["points"]["earned"], body["points"]["balance"]) == (
        "awarded",
        10,
        60,
    )
    assert "10" in body["explanation"]["text"]["ja"]
    entries = await points.client.get(f"/v1/members/{member['id']}/entries", headers=owner())
    rows = entries.json()["items"]
    assert [(row["kind"], row["source"], row["amount"]) for row in rows] == [
        ("earn", "purchase", 10),
        ("earn", "welcome", 50),
    ]
    assert [row["balance_after"] for row in rows] == [60, 50]


async def test_repeats_in_any_order_count_once(points: Points) -> None:
    users = [f"U{number:032d}" for number in range(10)]
    for user in users:
        await points.follow(user)
    cards = [(await points.member(user))["card"] for user in users]
    events = [submitted(MemberRef(card=cards[n % 10]), total=100 * (n + 1)) for n in range(200)]
    shuffled = events * 3
    random.Random(1).shuffle(shuffled)
    await points.publish(*shuffled)
    for event in events:
        await points.status(event.id, "awarded")

    given = await points.pool.fetchval("SELECT sum(amount) FROM entries WHERE source = 'purchase'")
    assert given == sum(n + 1 for n in range(200))
    assert await points.pool.fetchval("SELECT count(*) FROM purchases") == 200
    assert (
        len(
            {
                each["purchase_id"]
                for each in await points.told("points.earned.v1")
                if "purchase_id" in each
            }
        )
        == 200
    )
    assert await findings(points) == []


async def test_the_same_key_with_another_body_is_rejected_and_changes_nothing(
    points: Points,
) -> None:
    await points.follow(USER)
    card = (await points.member(USER))["card"]
    first = submitted(MemberRef(card=card), total=1000, key="same")
    await points.publish(first)
    await points.status(first.id, "awarded")
    await points.publish(submitted(MemberRef(card=card), total=9000, key="same"))
    last = submitted(MemberRef(card=card), total=500)
    await points.publish(last)
    await points.status(last.id, "awarded")

    rejected = await eventually(lambda: points.told("purchase.rejected.v1"), "nothing rejected")
    assert [(each["purchase_id"], each["reason"]) for each in rejected] == [
        (str(first.id), "conflict")
    ]
    assert await points.pool.fetchval("SELECT sum(total) FROM purchases") == 1500


async def test_a_purchase_waits_for_its_member_and_is_earned_when_they_come(
    points: Points,
) -> None:
    event = submitted(MemberRef(external_id="shop-7"), total=2000)
    await points.publish(event)
    await points.status(event.id, "waiting_for_member")
    answer = await points.client.get(f"/v1/purchases/{event.id}", headers=owner())
    assert answer.json()["status"] == "waiting_for_member"

    made = await points.client.post(
        "/v1/members", json={"external_id": "shop-7"}, headers=owner("make-7")
    )
    assert made.status_code == 201
    assert made.json()["points"]["balance"] == 20
    await points.status(event.id, "awarded")
    assert await findings(points) == []


async def test_a_genuine_id_that_has_not_arrived_is_accepted_and_a_made_up_one_unknown(
    points: Points,
) -> None:
    genuine = purchase_id(PURCHASE_KEY, TERMINAL, "on its way")
    answer = await points.client.get(f"/v1/purchases/{genuine}", headers=owner())
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    for unknown in (str(ids.new_id()), "nonsense"):
        answer = await points.client.get(f"/v1/purchases/{unknown}", headers=owner())
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_late_report_earns_by_the_rules_of_when_it_happened(points: Points) -> None:
    await points.follow(USER)
    card = (await points.member(USER))["card"]
    await points.pool.execute(
        "UPDATE programs SET effective_from = effective_from - interval '2 d'"
    )
    double = {
        **PLAIN,
        "accrual": {"rules": [{"id": "b", "type": "spend", "per": 100, "points": 2}]},
    }
    answer = await points.client.put("/v1/program", json=double, headers=owner())
    assert answer.json()["version"] == 3
    old = submitted(MemberRef(card=card), occurred_at=clock.now() - timedelta(days=1))
    new = submitted(MemberRef(card=card), occurred_at=clock.now())
    await points.publish(old, new)
    for event in (old, new):
        await points.status(event.id, "awarded")

    async def earned(id: object) -> object:
        return (await points.client.get(f"/v1/purchases/{id}", headers=owner())).json()["points"][
            "earned"
        ]

    assert [await earned(old.id), await earned(new.id)] == [10, 20]


async def test_a_daily_cap_and_a_visit_limit_hold_within_and_across_batches(
    points: Points,
) -> None:
    rules = [
        {"id": "base", "type": "spend", "per": 100, "points": 1},
        {"id": "come", "type": "visit", "points": 5, "limit": {"per": "day", "count": 1}},
    ]
    capped = {**PLAIN, "accrual": {"rules": rules, "caps": [{"per": "day", "points": 30}]}}
    await points.client.put("/v1/program", json=capped, headers=owner())
    await points.follow(USER)
    member = await points.member(USER)
    events = [submitted(MemberRef(card=member["card"]), total=1000) for _ in range(6)]
    await points.publish(*events[:3])
    await points.publish(*events[3:])
    for event in events:
        await points.status(event.id, "awarded")
    row = await points.pool.fetchrow(
        "SELECT sum(points) AS points, sum(visits) AS visits FROM purchases"
    )
    assert (row["points"], row["visits"]) == (30, 1)


async def test_a_campaign_budget_is_never_overspent(points: Points) -> None:
    capped = {**PLAIN, "accrual": {**PLAIN["accrual"], "caps": [{"per": "campaign", "points": 55}]}}
    await points.client.put("/v1/program", json=capped, headers=owner())
    users = [f"U{number:032d}" for number in range(4)]
    for user in users:
        await points.follow(user)
    cards = [(await points.member(user))["card"] for user in users]
    events = [submitted(MemberRef(card=cards[n % 4]), total=1000) for n in range(8)]
    await asyncio.gather(*(points.publish(event) for event in events))
    for event in events:
        await points.status(event.id, "awarded")
    assert await points.pool.fetchval("SELECT sum(points) FROM purchases") == 55


async def test_a_rotating_code_names_the_member_and_a_forged_one_nobody(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    token = qr.make(QR_KEY, member["id"], clock.now())
    good = submitted(MemberRef(qr=token))
    forged = submitted(MemberRef(qr=qr.make(b"another key" * 4, member["id"], clock.now())))
    expired = submitted(
        MemberRef(qr=qr.make(QR_KEY, member["id"], clock.now() - timedelta(minutes=5)))
    )
    await points.publish(good, forged, expired)
    await points.status(good.id, "awarded")
    await points.status(forged.id, "rejected")
    await points.status(expired.id, "rejected")


async def test_a_code_belongs_to_the_first_till_that_uses_it(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    token = qr.make(QR_KEY, member["id"], clock.now())
    first = submitted(MemberRef(qr=token))
    elsewhere = submitted(MemberRef(qr=token))
    elsewhere.data = msgspec.structs.replace(elsewhere.data, terminal_id=ids.new_id())
    later = submitted(MemberRef(qr=token))
    soon = clock.now() + timedelta(minutes=3)
    later.data = msgspec.structs.replace(later.data, accepted_at=soon)
    too_late = submitted(MemberRef(qr=token))
    too_late.data = msgspec.structs.replace(too_late.data, accepted_at=soon + timedelta(minutes=3))
    await points.publish(first)
    await points.status(first.id, "awarded")
    await points.publish(elsewhere, later, too_late)
    await points.status(elsewhere.id, "rejected")
    await points.status(later.id, "awarded")
    await points.status(too_late.id, "rejected")


async def test_the_ledger_cannot_be_changed_and_verify_sees_a_changed_balance(
    points: Points,
) -> None:
    await points.follow(USER)
    await points.member(USER)
    with pytest.raises(Exception, match="append-only"):
        await points.pool.execute("UPDATE entries SET amount = 1")
    with pytest.raises(Exception, match="append-only"):
        await points.pool.execute("DELETE FROM entries")
    assert await findings(points) == []
    await points.pool.execute("UPDATE accounts SET in_lots = in_lots + 1")
    assert [each.what for each in await findings(points)] == ["lots"]


async def test_a_till_that_waits_is_answered_also_for_repeats(points: Points) -> None:
    answers: list[dict[str, Any]] = []
    connection = await _reply_queue(points, answers)
    await points.follow(USER)
    card = (await points.member(USER))["card"]
    event = submitted(MemberRef(card=card), total=1000)
    waiting = msgspec.structs.replace(
        event, data=msgspec.structs.replace(event.data, reply_to=_reply_name(points))
    )
    await points.publish(waiting)
    await until(lambda: len(answers) == 1)
    await points.publish(waiting)
    await until(lambda: len(answers) == 2)
    await connection.close()
    answers = [{**answer, "rank": None} for answer in answers]  # told as it is by then
    assert answers[0] == answers[1]
    assert "10" in answers[0]["explanation"]["text"]["en"]
    assert answers[0]["points"] == {"earned": 10, "balance": 60, "pending": 0}


def _reply_name(points: Points) -> str:
    """Of a queue beside that of the service, which itself waits for the points of the counter."""
    return f"{points.bus.reply_queue}.till"


async def _reply_queue(
    points: Points, answers: list[dict[str, Any]]
) -> aio_pika.abc.AbstractConnection:
    connection = await aio_pika.connect(points.amqp_url)
    channel = await connection.channel()
    queue = await channel.declare_queue(_reply_name(points), exclusive=True)

    async def receive(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        answers.extend(msgspec.json.decode(message.body))

    await queue.consume(receive, no_ack=True)
    return connection
