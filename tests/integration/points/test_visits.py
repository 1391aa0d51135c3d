"""A store's QR code counts a visit: once, within the limits, for who was there."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.points.rules import visit_codes
from shared import clock, ids
from shared.events import MemberRef
from tests.integration.points.card_phone import Phone, signed_in
from tests.integration.points.shop import (
    PLAIN,
    QR_KEY,
    Points,
    eventually,
    owner,
    pos,
    submitted,
    verified,
)

__all__ = ["signed_in"]

ANNA, BEN = ("U" + digit * 32 for digit in "cd")
SCREEN = "/v1/stores/main/visit-code"
PRINTED = "/v1/stores/main/printed-codes"
VISITS = {"id": "come", "type": "visit", "points": 5, "limit": {"per": "day", "count": 1}}
STEP = timedelta(seconds=30)

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """A test may move the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


async def publish(points: Points, *rules: Any, **changed: Any) -> None:
    accrual = {"rules": [*PLAIN["accrual"]["rules"], *rules], **changed}
    document = {**PLAIN, "accrual": accrual}
    answer = await points.client.put("/v1/program", json=document, headers=owner())
    assert answer.is_success, answer.text


@pytest.fixture
async def anna(points: Points) -> Phone:
    await points.follow(ANNA)
    await points.member(ANNA)
    return Phone(points, ANNA)


async def shown(points: Points) -> str:
    answer = await points.client.get(SCREEN, headers=pos())
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


async def scan(phone: Phone, code: str, act: str = "") -> tuple[int, str]:
    """The answer's status and what it says has become of the scan."""
    body = {"code": code, "act": act or ids.new_id().hex}
    answer = await phone.send("POST", "/card/visit", json=body)
    return answer.status_code, answer.text.partition('data-result="')[2].partition('"')[0]


async def visits(points: Points, user: str = ANNA) -> int:
    member = await points.member(user)
    answer = await points.client.get(f"/v1/members/{member['id']}", headers=owner())
    return int(answer.json()["lifetime"]["visits"])


async def test_a_scan_counts_once_and_no_purchase_is_made_of_it(
    points: Points, anna: Phone
) -> None:
    first = {"id": "first", "factor": "2", "when": {"first_purchase": True}}
    await publish(points, VISITS, minimum_spend=500, multipliers=[first])
    code = await shown(points)
    page = await anna.send("GET", f"/card/visit?c={code}", token=False)
    assert page.status_code == 200
    answer = await anna.send("POST", "/card/visit", json={"code": code, "act": "1" * 8})
    assert answer.status_code == 200, answer.text
    assert "+5 ポイント" in answer.text
    assert 'class="where">本店' in answer.text
    again = await anna.send("POST", "/card/visit", json={"code": code, "act": "2" * 8})
    assert (again.status_code, "+5 ポイント" in again.text) == (200, True)  # the same scan
    assert await visits(points) == 1
    clock.set_offset(STEP)
    assert await scan(anna, await shown(points)) == (409, "today")
    member = await points.member(ANNA)
    event = submitted(MemberRef(card=member["card"]), 1000)
    await points.publish(event)
    await points.status(event.id, "awarded")
    assert await points.balance(member["id"]) == 50 + 5 + 20  # the first purchase is this one
    assert await visits(points) == 1  # and the day's visit was counted
    rows = (await points.client.get(f"/v1/members/{member['id']}/entries", headers=owner())).json()
    entry = next(row for row in rows["items"] if row["source"] == "visit")
    assert entry["explanation"]["text"]["ja"] == "ご来店 = 5ポイント\n合計 5ポイント"
    (told,) = [each for each in await points.told("points.earned.v1") if each["source"] == "visit"]
    assert (told["points"], told["store"]) == (5, "main")
    await verified(points)


async def test_without_a_rule_a_day_has_one_visit_by_scanning(points: Points, anna: Phone) -> None:
    assert await scan(anna, await shown(points)) == (200, "counted")
    clock.set_offset(2 * STEP)
    assert await scan(anna, await shown(points)) == (409, "today")
    clock.set_offset(timedelta(days=1))
    assert await scan(anna, await shown(points)) == (200, "counted")
    assert await visits(points) == 2
    await verified(points)


async def test_hours_between_visits_are_kept(points: Points, anna: Phone) -> None:
    await publish(points, {**VISITS, "limit": {"per": "hours", "hours": 3, "count": 1}})
    assert await scan(anna, await shown(points)) == (200, "counted")
    clock.set_offset(timedelta(hours=2, minutes=59))
    assert await scan(anna, await shown(points)) == (409, "lately")
    clock.set_offset(timedelta(hours=3, minutes=1))
    assert await scan(anna, await shown(points)) == (200, "counted")


async def test_a_hundred_scans_at_once_are_one_visit(points: Points, anna: Phone) -> None:
    await publish(points, VISITS)
    code = await shown(points)
    clock.set_offset(STEP)
    codes = [code, await shown(points)] * 10
    found = await asyncio.gather(*(scan(anna, each) for each in codes))
    assert {status for status, _ in found} <= {200, 409, 503}
    assert await visits(points) == 1
    await verified(points)


async def test_a_photograph_of_the_screen_is_soon_worth_nothing(
    points: Points, anna: Phone
) -> None:
    code = await shown(points)
    opened = Phone(points, ANNA)
    page = await opened.send("GET", f"/card/visit?c={code}", token=False)
    (ticket,) = page.headers.get_list("set-cookie")
    for part in ("HttpOnly", "SameSite=lax", "Path=/card/visit", "Max-Age=300"):
        assert part in ticket
    clock.set_offset(2 * STEP)
    late = await anna.send("GET", f"/card/visit?c={code}", token=False)
    assert (late.status_code, 'data-result="expired"' in late.text) == (410, True)
    assert await scan(anna, code) == (410, "expired")
    other = Phone(points, ANNA)
    other.cookies = {"tamaru_visit": opened.cookies["tamaru_visit"]}
    assert await scan(other, visit_codes.on_screen(QR_KEY, ids.new_id(), clock.now())) == (
        404,
        "no-store",
    )
    clock.set_offset(timedelta(minutes=4))
    assert await scan(opened, code) == (200, "counted")  # who had to sign in first


async def test_a_forged_code_is_told_so_before_anybody_signs_in(
    points: Points, anna: Phone
) -> None:
    member = await points.member(ANNA)
    forged = visit_codes.on_screen(b"another key", member["id"], clock.now())
    for code in (forged, "", "<script>alert(1)</script>", "V1." + "A" * 32 + "." + "A" * 16):
        page = await anna.send("GET", "/card/visit", params={"c": code}, token=False)
        assert (page.status_code, 'data-result="forged"' in page.text) == (404, True)
        assert "<script>alert" not in page.text
        assert "set-cookie" not in page.headers
        if code:
            assert await scan(anna, code) == (404, "forged")
    assert await visits(points) == 0


async def printed(points: Points, **limits: Any) -> dict[str, Any]:
    body = {"label": "レジ横", **limits}
    answer = await points.client.post(PRINTED, json=body, headers=owner(ids.new_id().hex))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_printed_code_has_limits_for_one_and_for_all(points: Points, anna: Phone) -> None:
    await publish(points, {**VISITS, "limit": {"per": "hours", "hours": 1, "count": 1}})
    made = await printed(points, per_member=2, per_day=3)
    code = made["url"].partition("c=")[2]
    assert await scan(anna, made["url"], "first-scan") == (200, "counted")
    assert await scan(anna, code, "first-scan") == (200, "counted")
    assert await visits(points) == 1
    now = clock.now()
    noon = now.replace(hour=1, minute=0) + timedelta(days=2) - now  # 10:00 in the shop
    for hours, wanted in ((0, "counted"), (2, "counted"), (4, "today")):
        clock.set_offset(noon + timedelta(hours=hours))
        assert (await scan(anna, code))[1] == wanted, hours
    ben = Phone(points, BEN)
    await points.follow(BEN)
    await points.member(BEN)
    assert await scan(ben, code) == (200, "counted")
    clock.set_offset(noon + timedelta(hours=6))
    assert await scan(ben, code) == (409, "crowded")
    await verified(points)


async def test_a_revoked_code_says_so_and_counts_nothing(points: Points, anna: Phone) -> None:
    made = await printed(points)
    code = made["url"].partition("c=")[2]
    gone = await points.client.delete(f"{PRINTED}/{made['id']}", headers=owner())
    assert gone.json()["revoked_at"]
    assert await scan(anna, code) == (410, "revoked")
    assert await visits(points) == 0
    again = await points.client.delete(f"{PRINTED}/{made['id']}", headers=owner())
    assert again.json() == gone.json()
    listed = (await points.client.get(PRINTED, headers=owner())).json()
    assert [each["id"] for each in listed["items"]] == [made["id"]]


async def test_codes_are_the_stores_own_business(points: Points) -> None:
    made = await printed(points)
    same = {"label": "x", "per_member": 1, "per_day": 5}
    key = owner("the same")
    first = await points.client.post(PRINTED, json=same, headers=key)
    assert (await points.client.post(PRINTED, json=same, headers=key)).json() == first.json()
    other = await points.client.post(PRINTED, json={**same, "label": "y"}, headers=key)
    assert other.status_code == 409
    assert (await points.client.post(PRINTED, json=same, headers=pos("x"))).status_code == 403
    for path in ("/v1/stores/nowhere/visit-code", "/v1/stores/nowhere/printed-codes"):
        assert (await points.client.get(path, headers=owner())).status_code == 404
    missing = await points.client.delete(f"{PRINTED}/{ids.new_id()}", headers=owner())
    assert missing.status_code == 404
    for kind, media in (("svg", "image/svg+xml"), ("png", "image/png")):
        answer = await points.client.get(f"{PRINTED}/{made['id']}/qr.{kind}", headers=owner())
        assert (answer.status_code, answer.headers["content-type"]) == (200, media)


async def test_whoever_is_no_member_is_told_so(points: Points) -> None:
    stranger = Phone(points, "U" + "9" * 32)
    answer = await stranger.send(
        "POST", "/card/visit", json={"code": await shown(points), "act": "12345678"}
    )
    assert answer.json()["type"] == "urn:tamaru:problem:not-a-member-yet"


async def test_a_visit_lifts_to_the_next_rank(points: Points, anna: Phone) -> None:
    await scan(anna, await shown(points))
    member = await points.member(ANNA)

    async def ranked() -> Any:
        return await points.pool.fetchval(
            "SELECT code FROM ranks WHERE member_id = $1", member["id"]
        )

    assert await eventually(ranked, "no rank") == "bronze"
