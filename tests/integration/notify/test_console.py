"""The console's pages about messages: who sees what, what is escaped, LINE looked at live."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from services.notify.connection.line import Connection, Login
from services.notify.store import deliveries as store
from services.notify.store import recipients
from services.notify.store.recipients import Link
from services.notify.web.console_broadcasts import NAMED
from shared import clock, ids
from tests.integration.notify.links_house import House, house
from tests.staff import signed_in

from services.notify.sending.deliveries import Delivery  # isort: skip

USER, MEMBER = "U" + "7" * 32, UUID(int=70)
MESSAGES = "/console/messages"
EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture
async def shop(servers: Any, database: Any, namespace: str) -> AsyncIterator[House]:
    async with house(servers, database, namespace) as open_house:
        yield open_house


async def page(shop: House, path: str, role: str = "owner", status: int = 200) -> str:
    answer = await shop.client.get(path, **signed_in(role))
    assert answer.status_code == status, answer.text[-500:]
    if status == 200:
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    return answer.text


async def said(shop: House, number: int, **more: Any) -> None:
    now = clock.now() + timedelta(seconds=number)
    one = Delivery(
        USER, ids.new_id(), ids.new_id(), "earned", "[]", now,
        category="receipt", priority=1, language="ja",
    )  # fmt: skip
    await store.insert(shop.pool, [one], [None], now=now, due_at=now, taken=False)
    if more:
        columns = ", ".join(f"{name} = ${n}" for n, name in enumerate(more, 2))
        await shop.pool.execute(
            f"UPDATE deliveries SET {columns} WHERE id = $1", one.id, *more.values()
        )


@pytest.mark.parametrize(
    "path",
    [
        MESSAGES,
        f"{MESSAGES}/deliveries",
        f"{MESSAGES}/templates",
        f"{MESSAGES}/templates/earned",
        f"{MESSAGES}/templates/joined?language=en",
        f"{MESSAGES}/broadcasts",
        f"{MESSAGES}/broadcasts/using?segment=often",
        f"{MESSAGES}/menus",
        f"{MESSAGES}/figures",
        f"{MESSAGES}/attention",
        f"{MESSAGES}/of/{MEMBER}",
    ],
)
async def test_who_reads_the_console_sees_it_and_staff_and_strangers_do_not(
    shop: House, path: str
) -> None:
    for role in ("owner", "manager", "viewer"):
        await page(shop, path, role)
    await page(shop, path, "staff", 403)
    assert (await shop.client.get(path)).status_code == 303
    english = signed_in("owner")
    english["headers"]["Accept-Language"] = "en"
    assert (await shop.client.get(path, **english)).status_code == 200


@pytest.mark.parametrize(
    "path", [f"{MESSAGES}/settings", f"{MESSAGES}/broadcasts/new", "/console/settings/line"]
)
async def test_who_only_reads_is_not_shown_how_to_change(shop: House, path: str) -> None:
    await page(shop, path, "manager")
    await page(shop, path, "viewer", 403)


async def test_deliveries_are_told_in_words_and_paged(shop: House) -> None:
    link = Link(USER, MEMBER, clock.now())
    await recipients.link(shop.pool, [link], "ja")
    await said(shop, 1, status="failed", reason=EVIL, due_at=None, finished_at=clock.now())
    await said(shop, 2, status="skipped", reason="blocked", due_at=None, finished_at=clock.now())
    for number in range(3, 60):
        await said(shop, number)
    first = await page(shop, f"{MESSAGES}/deliveries")
    assert "送信待ち" in first
    assert "/deliveries/more?cursor=" in first
    failed = await page(shop, f"{MESSAGES}/deliveries?status=failed")
    assert "失敗" in failed
    assert EVIL not in failed
    assert "&lt;img" in failed
    theirs = await page(shop, f"{MESSAGES}/of/{MEMBER}")
    assert "友だち" in theirs
    assert f"member={MEMBER}" in theirs
    attention = await page(shop, f"{MESSAGES}/attention")
    assert "1 通の送信が失敗" in attention


async def test_a_wording_cannot_break_out_of_its_page(shop: House) -> None:
    messages = [{"type": "text", "text": "</script><script>alert(1)</script>" + EVIL}]
    saved = await shop.ask(
        "PUT", "/v1/messages/templates/earned/ja", json={"messages": messages, "note": EVIL}
    )
    assert saved.status_code == 200, saved.text
    text = await page(shop, f"{MESSAGES}/templates/earned")
    assert "<script>alert" not in text
    assert EVIL not in text
    kept = text.split('id="messages">')[1].split("</script>")[0]
    assert json.loads(kept) == messages
    assert "お店の文面" in await page(shop, f"{MESSAGES}/templates")


async def test_a_broadcasts_page_follows_its_state(shop: House) -> None:
    body = {
        "name": EVIL,
        "content": {"messages": {"ja": [{"type": "text", "text": "</script>セール"}]}},
    }
    made = await shop.ask("POST", "/v1/messages/broadcasts", json=body)
    assert made.status_code == 201, made.text
    path = f"{MESSAGES}/broadcasts/{made.json()['id']}"
    text = await page(shop, path)
    assert "下書き" in text
    assert "まず、いま送ると何人に届くか" in text
    assert EVIL not in text
    assert "/count" not in await page(shop, path, "viewer")
    assert "人数を確かめる" in await page(shop, f"{path}/edit")
    counting = await shop.ask("POST", f"/v1{path.removeprefix('/console')}/count")
    assert counting.status_code == 202
    state = await page(shop, f"{path}/state")
    assert "人数を確認中" in state
    assert 'hx-trigger="every 1s"' in state


async def test_before_a_segment_is_deleted_what_is_still_to_go_to_it_is_named(shop: House) -> None:
    using = f"{MESSAGES}/broadcasts/using?segment=often"
    assert "使う下書きや予約はありません" in await page(shop, using)
    content = {"messages": {"ja": [{"type": "text", "text": "セール"}]}}
    made = []
    for name, segment in ((EVIL, "often"), ("取り消す", "often"), ("ほか", "other")):
        body = {"name": name, "content": content, "segment": segment}
        answer = await shop.ask("POST", "/v1/messages/broadcasts", json=body)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    await shop.ask("POST", f"/v1/messages/broadcasts/{made[1]}/cancel")
    text = await page(shop, using)
    assert re.findall(r"/console/messages/broadcasts/([0-9a-f-]+)", text) == [made[0]]
    assert "下書き" in text
    assert EVIL not in text
    assert "ほかにもあります" not in text
    for number in range(NAMED):
        body = {"name": str(number), "content": content, "segment": "often"}
        await shop.ask("POST", "/v1/messages/broadcasts", json=body)
    text = await page(shop, using)
    assert len(re.findall(r"/broadcasts/[0-9a-f-]+", text)) == NAMED
    assert "ほかにもあります" in text
    await page(shop, f"{using}%00", status=422)


async def test_somebody_who_is_signed_in_changes_settings_only_with_the_sessions_token(
    shop: House,
) -> None:
    path = "/v1/messages/settings"
    owner = signed_in("owner")
    assert (await shop.client.put(path, json={}, **owner)).status_code == 200
    del owner["headers"]["X-CSRF-Token"]
    assert (await shop.client.put(path, json={}, **owner)).status_code == 403
    assert (await shop.client.put(path, json={}, **signed_in("viewer"))).status_code == 403


class Line:
    """LINE's part of the connection, as it answers now."""

    def __init__(self) -> None:
        self.endpoint = "https://old.example/hook"
        self.token = "good"
        self.tested: dict[str, Any] = {"success": True, "statusCode": 200}

    async def answer(self, request: web.Request) -> web.Response:
        """Any of the calls."""
        if request.path == "/oauth2/v3/token":
            assert (await request.post())["client_secret"] == "a secret"
            return web.json_response({"access_token": "of the login channel"})
        if request.path == "/liff/v1/apps":
            assert request.headers["Authorization"] == "Bearer of the login channel"
            view = {"type": "full", "url": "https://shop.example/card"}
            return web.json_response({"apps": [{"liffId": "123-abc", "view": view}]})
        if request.headers["Authorization"] != f"Bearer {self.token}":
            return web.json_response({"message": "invalid"}, status=401)
        path = request.path.removeprefix("/v2/bot/")
        if request.method == "PUT":
            self.endpoint = (await request.json())["endpoint"]
            return web.json_response({})
        known: dict[str, Any] = {
            "info": {"displayName": "はなや", "basicId": "@hana"},
            "channel/webhook/endpoint": {"endpoint": self.endpoint, "active": True},
            "channel/webhook/test": self.tested,
            "message/quota": {"type": "limited", "value": 200},
            "message/quota/consumption": {"totalUsage": 50},
        }
        return web.json_response(known[path])


@pytest.fixture
async def line(shop: House) -> AsyncIterator[Line]:
    """LINE, and the shop connected to it."""
    line, app = Line(), web.Application()
    app.router.add_route("*", "/{path:.*}", line.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = "http://{}:{}".format(*runner.addresses[0])
    behind = shop.process.app._behind  # type: ignore[union-attr]
    login = Login("123", "a secret", "123-abc")
    behind.state.connection = Connection(address, "good", "https://shop.example", login)
    yield line
    await runner.cleanup()


async def test_line_is_looked_at_live_and_told_our_address(shop: House, line: Line) -> None:
    async def seen() -> list[str]:
        answer = await shop.ask("GET", "/v1/messages/connection")
        return [each["state"] for each in answer.json()["items"]]

    assert await seen() == ["good", "bad", "good", "good", "good"]
    text = await page(shop, "/console/settings/line/steps")
    assert "この宛先をLINEに設定する" in text
    told = await shop.ask("POST", "/v1/messages/connection/webhook")
    assert told.json() == {"endpoint": "https://shop.example/line/webhook"}
    assert await seen() == ["good"] * 5
    line.tested = {"success": False, "statusCode": 401}
    assert await seen() == ["good", "good", "bad", "good", "good"]
    line.token = "another"
    assert await seen() == ["bad", "unknown", "unknown", "unknown", "good"]
