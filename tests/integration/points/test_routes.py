"""Routes of joining over HTTP: the owner's side, the printed code, and the way into LINE."""

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from services.points.settings import LINE, WebSettings
from services.points.web import card
from shared import clock
from shared.problems import Problem
from tests.integration.points.shop import Points, owner, pos

USER = "U" + "7" * 32
POSTER = {"name": "渋谷駅ポスター", "kind": "poster", "store": "main"}
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile Safari Line/14.9.0"}
HOSTILE = (
    "", "Poster", "a/b", "..%2f..", "%00", "a%00", "-a", "a" * 41, "https:%2f%2fevil.example",
    "%0d%0aLocation:%20https://evil.example", "ポスター", "nowhere", "poster%0a",
)  # fmt: skip


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """A test may move the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


@pytest.fixture
async def shop(points: Points, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Points]:
    """With a route, and LINE's word on who holds which token."""

    async def user(_: Any, token: str) -> str:
        if not token.startswith("token-of-"):
            raise Problem(401, "line-token", "Open the card again from LINE: the sign-in ended.")
        return token.removeprefix("token-of-")

    monkeypatch.setattr(card.Card, "user", user)
    settings = points.client._transport.app.state.settings  # type: ignore[attr-defined]
    changes = {"public_url": "https://shop.example.jp/", "line_basic_id": "@shop-1"}
    for name, value in changes.items():
        monkeypatch.setitem(settings.__dict__, name, value)
    made = await points.client.put("/v1/routes/poster", json=POSTER, headers=owner())
    assert made.status_code == 200, made.text
    yield points


async def visit(shop: Points, code: str = "poster", token: str = f"token-of-{USER}") -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return await shop.client.post(f"/card/join/{code}", headers=headers)


async def test_an_owner_keeps_routes(shop: Points) -> None:
    one = (await shop.client.get("/v1/routes/poster", headers=pos())).json()
    assert one["url"] == "https://shop.example.jp/join/poster"
    assert (one["name"], one["active"], one["store"]) == ("渋谷駅ポスター", True, "main")
    changed = {**POSTER, "name": "旧ポスター", "active": False}
    assert (await shop.client.put("/v1/routes/poster", json=changed, headers=owner())).is_success
    again = (await shop.client.get("/v1/routes/poster", headers=pos())).json()
    assert (again["name"], again["active"]) == ("旧ポスター", False)
    assert again["created_at"] == one["created_at"]
    for code in ("a", "b"):
        await shop.client.put(f"/v1/routes/{code}", json=POSTER, headers=owner())
    first = (await shop.client.get("/v1/routes?limit=2", headers=pos())).json()
    rest = (await shop.client.get(f"/v1/routes?cursor={first['next']}", headers=pos())).json()
    assert [each["code"] for each in first["items"] + rest["items"]] == ["a", "b", "poster"]
    refused = {
        403: await shop.client.put("/v1/routes/x", json=POSTER, headers=pos()),
        404: await shop.client.get("/v1/routes/x", headers=pos()),
        422: await shop.client.put("/v1/routes/x", json={**POSTER, "store": "?"}, headers=owner()),
    }
    assert {status: answer.status_code for status, answer in refused.items()} == {
        status: status for status in refused
    }
    for body in ({**POSTER, "kind": "bus"}, {**POSTER, "name": "\x00"}, {}):
        bad = await shop.client.put("/v1/routes/x", json=body, headers=owner())
        assert bad.status_code == 422
    for code in filter(None, HOSTILE):
        bad = await shop.client.put(f"/v1/routes/{code}", json=POSTER, headers=owner())
        assert bad.status_code in (404, 405, 422) or code == "nowhere", code


async def test_the_printed_code_leads_to_the_routes_page(shop: Points) -> None:
    svg = await shop.client.get("/v1/routes/poster/qr.svg", headers=pos())
    png = await shop.client.get("/v1/routes/poster/qr.png", headers=pos())
    assert (svg.headers["content-type"], png.headers["content-type"]) == (
        "image/svg+xml",
        "image/png",
    )
    assert svg.text.startswith("<?xml")
    width = int.from_bytes(io.BytesIO(png.content).getvalue()[16:20])
    assert 700 <= width <= 900
    assert (await shop.client.get("/v1/routes/x/qr.svg", headers=pos())).status_code == 404


async def test_from_the_code_through_line_to_the_first_purchase(shop: Points) -> None:
    outside = await shop.client.get("/join/poster")
    assert outside.text.index("LINEで会員になる") < outside.text.index("Join with LINE")
    assert 'href="https://liff.line.me/1234567890-Test/join/poster"' in outside.text
    inside = await shop.client.get("/join/poster?next=https://evil.example", headers=PHONE)
    assert inside.status_code == 302
    assert inside.headers["location"] == "https://liff.line.me/1234567890-Test/join/poster"
    page = await shop.client.get("/card/join/poster", headers=PHONE)
    assert 'data-code="poster"' in page.text
    assert "unsafe" not in page.headers["content-security-policy"]
    answer = await visit(shop)
    assert answer.json() == {"next": "https://line.me/R/ti/p/%40shop-1", "member": False}
    await shop.follow(USER)
    member = await shop.member(USER)
    assert member["route"] == "poster"
    found = (await shop.client.get("/v1/routes/poster/report", headers=pos())).json()
    sums = {"visits": 1, "joins": 1, "first_purchases": 0, "first_purchase_amount": 0}
    assert found["total"] == sums
    day = found["items"][0].pop("day")
    assert found["items"] == [sums]
    none = await shop.client.get(
        f"/v1/routes/poster/report?since={day}&until=2000-01-01", headers=pos()
    )
    assert (none.json()["items"], none.json()["total"]) == ([], sums)
    clock.set_offset(timedelta(hours=1))
    assert (await visit(shop)).json()["member"] is True
    assert (await shop.client.get("/v1/routes/poster/report", headers=pos())).json()[
        "total"
    ] == sums


async def test_hostile_codes_and_strangers_lead_nowhere(shop: Points) -> None:
    for code in HOSTILE:
        for path in (f"/join/{code}", f"/card/join/{code}"):
            answer = await shop.client.get(path, headers=PHONE)
            assert answer.status_code == 404, path
            assert "location" not in answer.headers
            assert "evil" not in answer.text
        if code:
            assert (await visit(shop, code)).status_code == 404
    assert (await visit(shop, token="forged")).status_code == 401
    bare = await shop.client.post("/card/join/poster")
    assert bare.status_code == 401
    assert await shop.pool.fetchval("SELECT count(*) FROM route_visits") == 0


@pytest.mark.parametrize("id", ["shop", "@a/b", "@a?b", "@" + "a" * 41, "@evil.example/x", "@a\n"])
def test_the_accounts_id_cannot_lead_elsewhere(id: str) -> None:
    with pytest.raises(ValueError, match="line_basic_id"):
        settings(line_basic_id=id)


def test_what_stands_in_for_line_offers_the_account_itself() -> None:
    assert settings(line_basic_id="@shop").add_friend_address == "https://line.me/R/ti/p/%40shop"
    here = settings(line_basic_id="@shop", line_api_base="http://127.0.0.1:1")
    assert here.add_friend_address == "http://127.0.0.1:1/R/ti/p/%40shop"
    assert settings().add_friend_address == ""


def settings(**changes: str) -> WebSettings:
    given = {"line_api_base": LINE, "liff_id": "1-a", "line_login_channel_id": "1"}
    secrets = ("database_url", "amqp_url", "redis_url", "purchase_id_key", "qr_signing_key")
    return WebSettings(
        **dict.fromkeys((*secrets, "hooks_signing_key", "session_key"), "x"),
        personal_data_key="x" * 32,
        **{**given, **changes},
    )
