"""Points spent at tills: held, captured, voided, timed out, and never more than there are."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
import uvicorn

from services.points.programs.rulebook import Rulebook
from services.points.purchases import redeeming
from shared import clock, ids, outbox
from tests.integration.points.shop import PLAIN, Points, eventually, owner, pos, verified

USER = "U" + "5" * 32
WELCOME = 50


@pytest.fixture
async def member(points: Points) -> Any:
    """A member with 50 points."""
    await points.follow(USER)
    member = await points.member(USER)

    async def welcomed() -> bool:
        return await points.balance(member["id"]) == WELCOME

    await eventually(welcomed, "no welcome points")
    return member


async def redeem(points: Points, member: Any, amount: int, **more: Any) -> httpx.Response:
    body = {"member": {"card": member["card"]}, "store": "main", "points": amount, **more}
    return await points.client.post("/v1/redemptions", json=body, headers=pos(ids.new_id().hex))


async def finish(
    points: Points, id: str, what: str, body: dict[str, Any] | None = None
) -> httpx.Response:
    headers = pos(ids.new_id().hex)
    return await points.client.post(
        f"/v1/redemptions/{id}/{what}", json=body or {}, headers=headers
    )


async def sums(points: Points, member: Any) -> dict[str, int]:
    found = (await points.client.get(f"/v1/members/{member['id']}", headers=owner())).json()
    return {name: found["points"][name] for name in ("balance", "pending", "held")}


async def test_held_then_captured_in_part_then_explained(points: Points, member: Any) -> None:
    held = (await redeem(points, member, 30)).json()
    assert (held["status"], held["points"], held["value"]) == ("authorised", 30, 30)
    assert await sums(points, member) == {"balance": 20, "pending": 0, "held": 30}
    done = (await finish(points, held["id"], "capture", {"points": 10})).json()
    assert (done["status"], done["points"], done["value"], done["balance"]) == (
        "captured",
        10,
        10,
        40,
    )
    assert await sums(points, member) == {"balance": 40, "pending": 0, "held": 0}
    entries = f"/v1/members/{member['id']}/entries"
    newest = (await points.client.get(entries, headers=owner())).json()["items"][0]
    assert (newest["kind"], newest["amount"], newest["balance_after"]) == ("redeem", -10, 40)
    told = await points.told("points.redeemed.v1")
    assert [(each["points"], each["balance"]) for each in told] == [(10, 40)]
    await verified(points)


async def test_in_one_step(points: Points, member: Any) -> None:
    done = (await redeem(points, member, 50, capture=True)).json()
    assert (done["status"], done["balance"]) == ("captured", 0)
    again = (await points.client.get(f"/v1/redemptions/{done['id']}", headers=owner())).json()
    assert again == done
    await verified(points)


async def test_voided_points_are_free_again(points: Points, member: Any) -> None:
    held = (await redeem(points, member, 50)).json()
    assert (await finish(points, held["id"], "void")).json()["status"] == "voided"
    assert await sums(points, member) == {"balance": 50, "pending": 0, "held": 0}
    late = await finish(points, held["id"], "capture")
    assert (late.status_code, late.json()["status_now"]) == (409, "voided")
    await verified(points)


async def test_the_same_key_names_the_same_redemption(points: Points, member: Any) -> None:
    body = {"member": {"card": member["card"]}, "store": "main", "points": 20}
    first = await points.client.post("/v1/redemptions", json=body, headers=pos("k"))
    again = await points.client.post("/v1/redemptions", json=body, headers=pos("k"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    other = await points.client.post(
        "/v1/redemptions", json={**body, "points": 21}, headers=pos("k")
    )
    assert other.status_code == 409
    headers = pos("capture")
    capture = f"/v1/redemptions/{first.json()['id']}/capture"
    done = await points.client.post(capture, headers=headers)
    assert (await points.client.post(capture, headers=headers)).json() == done.json()
    assert await points.balance(member["id"]) == 30


async def test_too_much_says_the_balance(points: Points, member: Any) -> None:
    refused = await redeem(points, member, 51)
    assert (refused.status_code, refused.json()["balance"]) == (422, 50)
    await redeem(points, member, 30)
    refused = await redeem(points, member, 21)
    assert (refused.status_code, refused.json()["balance"]) == (422, 20)


@pytest.mark.parametrize(
    ("rules", "body", "kind"),
    [
        ({"minimum": 20}, {"points": 19}, "below-minimum"),
        ({"unit": 10}, {"points": 15}, "not-in-units"),
        ({"maximum_percent": 50}, {"points": 21, "purchase_total": 40}, "above-share-of-bill"),
        ({"value": {"points": 10, "amount": 1}}, {"points": 5}, "worth-nothing"),
    ],
)
async def test_the_programs_rules_hold(
    points: Points, member: Any, rules: dict[str, Any], body: dict[str, Any], kind: str
) -> None:
    program = {**PLAIN, "redemption": rules}
    assert (await points.client.put("/v1/program", json=program, headers=owner())).is_success
    refused = await redeem(points, member, body.pop("points"), **body)
    assert refused.status_code == 422, refused.text
    assert refused.json()["type"].endswith(kind)
    assert await points.balance(member["id"]) == WELCOME


async def test_stores_are_checked(points: Points, member: Any) -> None:
    body = {"member": {"card": member["card"]}, "store": "nowhere", "points": 1}
    for headers, status in ((pos("s"), 403), (owner("s"), 422)):
        refused = await points.client.post("/v1/redemptions", json=body, headers=headers)
        assert refused.status_code == status, refused.text


async def test_nobody_and_no_such_redemption_are_404(points: Points, member: Any) -> None:
    assert (await redeem(points, {"card": "2900000000000"}, 1)).status_code == 404
    for id in (str(ids.new_id()), "nonsense"):
        assert (await finish(points, id, "capture")).status_code == 404
        assert (await points.client.get(f"/v1/redemptions/{id}", headers=owner())).is_error


async def test_a_hold_that_nobody_finished_is_let_go(points: Points, member: Any) -> None:
    held = (await redeem(points, member, 50)).json()
    relay = outbox.Relay(points.pool, points.bus.publisher)
    clock.set_offset(timedelta(minutes=16))
    try:
        late = await finish(points, held["id"], "capture")
        assert (late.status_code, late.json()["status_now"]) == (409, "expired")
        await redeeming.time_out(points.pool, relay, Rulebook())
        assert await sums(points, member) == {"balance": 50, "pending": 0, "held": 0}
        found = await points.client.get(f"/v1/redemptions/{held['id']}", headers=owner())
        assert found.json()["status"] == "expired"
        await verified(points)
    finally:
        clock.set_offset(timedelta(0))


async def test_a_forgotten_hold_does_not_stand_in_the_way(points: Points, member: Any) -> None:
    await redeem(points, member, 50)
    clock.set_offset(timedelta(minutes=16))
    try:
        assert (await redeem(points, member, 50)).status_code == 201
    finally:
        clock.set_offset(timedelta(0))
    await verified(points)


async def test_one_of_a_hundred_tills_wins(points: Points, member: Any) -> None:
    """100 redemptions of the whole balance at once, over 20 connections of real HTTP."""
    app = points.client._transport.app  # type: ignore[attr-defined]
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    limits = httpx.Limits(max_connections=20)
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=30) as tills:
        body = {"member": {"card": member["card"]}, "store": "main", "points": 50, "capture": True}
        answers = await asyncio.gather(
            *(
                tills.post("/v1/redemptions", json=body, headers=pos(f"race-{number}"))
                for number in range(100)
            )
        )
    server.should_exit = True
    await serving
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [422] * 99
    assert {each.json()["balance"] for each in answers if each.status_code == 422} == {0}
    assert await points.balance(member["id"]) == 0
    assert await points.pool.fetchval("SELECT count(*) FROM entries WHERE kind = 'redeem'") == 1
    await verified(points)
