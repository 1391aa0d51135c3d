"""LINE's account link, our side of it: the page, the nonce, and LINE's word that links."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.points.web import link_page
from shared import clock
from tests.integration.points.shop import Points, line_event, owner, pos

USER = "U" + "5" * 32
PHONE = "090-1234-5678"
TOKEN = "l" * 32


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """A test may move the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


@pytest.fixture
async def card(points: Points) -> dict[str, Any]:
    """A member without LINE, with a phone; and a LINE member with 50 points."""
    await points.follow(USER)
    await points.member(USER)
    made = await points.client.post("/v1/members", json={"phone": PHONE}, headers=owner("card"))
    return dict(made.json())


async def submit(points: Points, address: str = "203.0.113.1", **form: str) -> httpx.Response:
    return await points.client.post(
        "/link", data={"linkToken": TOKEN, **form}, headers={"X-Forwarded-For": address}
    )


def nonce_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == (
        "https://access.line.me/dialog/bot/accountLink"
    )
    query = parse_qs(address.query)
    assert query["linkToken"] == [TOKEN]
    return query["nonce"][0]


async def come_back(points: Points, nonce: str, result: str = "ok") -> None:
    link = {"result": result, "nonce": nonce}
    await points.handled(
        "points.members", line_event("accountLink", USER, link=link, replyToken="t" * 32)
    )


async def member_of_user(points: Points) -> str:
    answer = await points.client.get(f"/v1/members/lookup?line_user_id={USER}", headers=owner())
    return str(answer.json()["id"])


async def refusals(points: Points) -> list[str]:
    return [each["reason"] for each in await points.told("chat.link_refused.v1")]


async def test_the_page_says_what_it_does_and_keeps_the_token_to_itself(points: Points) -> None:
    page = await points.client.get(f"/link?linkToken={TOKEN}")
    assert page.status_code == 200
    assert f'value="{TOKEN}"' in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    hostile = await points.client.get("/link", params={"linkToken": '"><script>'})
    assert "<script>" not in hostile.text
    for query in ("", "?linkToken=", "?linkToken=" + "x" * 201, "?linkToken=%E3%81%82"):
        assert (await points.client.get(f"/link{query}")).status_code == 400, query
    for body in (b"\xff", b"linkToken=" + b"x" * 5000, b"&" * 100):
        assert (await points.client.post("/link", content=body)).status_code == 400


async def test_card_and_phone_lead_to_line_and_back(points: Points, card: Any) -> None:
    nonce = nonce_of(await submit(points, card=card["card"], phone="+81 90 1234 5678"))
    assert len(nonce) >= 22  # 128 bits and more in base 64
    assert await member_of_user(points) != card["id"]  # nothing yet: LINE has not spoken
    await come_back(points, nonce)
    assert await member_of_user(points) == card["id"]
    assert await points.balance(card["id"]) == 50
    told = (await points.told("member.linked.v1"))[0]
    assert (told["member_id"], told["reply_token"]) == (card["id"], "t" * 32)
    await come_back(points, nonce)
    assert await refusals(points) == ["expired"]  # used up


async def test_a_nonce_ends_after_ten_minutes_and_a_failure_links_nobody(
    points: Points, card: Any
) -> None:
    nonce = nonce_of(await submit(points, card=card["card"], phone=PHONE))
    await come_back(points, nonce, "failed")
    await come_back(points, "never issued")
    clock.set_offset(timedelta(minutes=10, seconds=1))
    await come_back(points, nonce)
    assert await refusals(points) == ["expired"] * 2
    assert await member_of_user(points) != card["id"]
    stored = await points.pool.fetch("SELECT nonce_hash FROM link_nonces")
    assert nonce not in str(stored)


async def test_a_code_from_the_till_does_too_and_once(points: Points, card: Any) -> None:
    url = f"/v1/members/{card['id']}/link-codes"
    code = (await points.client.post(url, headers=pos("code"))).json()["code"]
    nonce = nonce_of(await submit(points, code=code))
    assert (await submit(points, code=code)).status_code == 422
    await come_back(points, nonce)
    assert await member_of_user(points) == card["id"]


async def test_guessing_does_not_pay(
    points: Points, card: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"card": card["card"], "phone": "09000000000"}
    for n in range(link_page.TRIES_OF_CARD):
        assert (await submit(points, f"203.0.113.{n}", **wrong)).status_code == 422
    right = {"card": card["card"], "phone": PHONE}
    assert (await submit(points, "203.0.113.9", **right)).status_code == 429
    for n in range(link_page.TRIES_OF_ADDRESS):
        answer = await submit(points, "198.51.100.1", card=f"290000000{n:04}", phone=PHONE)
        assert answer.status_code == 422
    assert (await submit(points, "198.51.100.1", code="000000")).status_code == 429
    monkeypatch.setattr(link_page, "TRIES_OF_CODES", 2)
    codes = [(await submit(points, f"192.0.2.{n}", code="000000")).status_code for n in range(3)]
    assert codes == [422, 422, 429]
    clock.set_offset(timedelta(hours=1, minutes=1))
    nonce_of(await submit(points, "203.0.113.9", **right))


async def test_what_cannot_be_linked_is_said_on_the_page(points: Points, card: Any) -> None:
    await come_back(points, nonce_of(await submit(points, card=card["card"], phone=PHONE)))
    again = await submit(points, card=card["card"], phone=PHONE)
    assert again.status_code == 422
    assert "すでにLINEと連携" in again.text
    other = await submit(points, card="2900000000000", phone=PHONE)
    assert "見つかりません" in other.text
