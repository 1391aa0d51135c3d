"""A day of messages: the owner writes to everybody and sees what came of it; the customer taps the
link and the menu, and stops offers, so that the next one leaves them out."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import pytest
from playwright.async_api import Page, expect

from deploy.local.stack import Stack
from shared import ids
from tests.e2e.looking import PHONE, Look, Watched
from tests.e2e.test_first_day import join, tap_menu

BROADCASTS = "/v1/messages/broadcasts"
Found = TypeVar("Found")

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]


class Owner:
    """The owner at the API; every call must succeed."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self._edge = stack.env["EDGE_URL"]
        self._session = session
        self._key = {"authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}

    async def get(self, path: str) -> Any:
        return await self._call("GET", path)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self._call("POST", path, body)

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = self._key | {"idempotency-key": ids.new_id().hex}
        url = f"{self._edge}{path}"
        async with self._session.request(method, url, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()


async def until(
    look: Callable[[], Awaitable[Found]], good: Callable[[Found], object], seconds: float = 60
) -> Found:
    """What `look` gives once it is good."""
    deadline = time.monotonic() + seconds
    while not good(found := await look()):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
    return found


def offer(title: str, address: str) -> dict[str, Any]:
    """A bubble with a button that leads to the shop's own page."""
    button = {"type": "uri", "label": "くわしく見る", "uri": address}
    contents = {
        "type": "bubble",
        "body": {
            "type": "box",
            "layout": "vertical",
            "contents": [
                {"type": "text", "text": title, "weight": "bold", "size": "xl", "wrap": True},
                {"type": "text", "text": "今週末まで、全品10%引きです。", "wrap": True},
            ],
        },
        "footer": {
            "type": "box",
            "layout": "vertical",
            "contents": [{"type": "button", "style": "primary", "action": button}],
        },
    }
    return {"type": "flex", "altText": title, "contents": contents}


async def counted(owner: Owner, title: str, address: str) -> Any:
    """A broadcast to everybody, counted."""
    everybody = await owner.get("/v1/segments/everybody")
    draft = await owner.post(
        BROADCASTS,
        {
            "name": title,
            "content": {"messages": {"ja": [offer(title, address)]}},
            "definition": everybody["definition"],
            "segment": everybody["code"],
        },
    )
    path = f"{BROADCASTS}/{draft['id']}"
    await owner.post(f"{path}/count")
    return await until(lambda: owner.get(path), lambda found: found["state"] == "ready")


async def sent(owner: Owner, ready: Any) -> Any:
    """Confirmed by the number that was seen, and gone out; its report."""
    path = f"{BROADCASTS}/{ready['id']}"
    await owner.post(f"{path}/confirm", {"revision": ready["revision"]})
    await until(lambda: owner.get(path), lambda found: found["state"] == "sent")
    report = await owner.get(f"{path}/report")
    assert report["confirmed_recipients"] == ready["counted"]["recipients"]
    assert (report["delivered"], report["open"]) == (report["confirmed_recipients"], 0)
    return report


async def test_a_day_of_messages(stack: Stack, visitor: Any) -> None:
    address = f"{stack.env['EDGE_URL']}/?from=spring"
    async with visitor(Look(*PHONE)) as (page, seen), aiohttp.ClientSession() as session:
        owner = Owner(stack, session)
        await join(page, stack, "みさき")
        everybody = await owner.post("/v1/segments/count", {"definition": {"all": True}})
        ready = await counted(owner, "春の新茶まつり", address)
        assert ready["counted"]["people"] == everybody["count"]
        stopped = ready["counted"]["left_out"].get("opted_out", 0)
        assert ready["counted"]["recipients"] == everybody["reachable_by_line"] - stopped >= 1
        assert ready["cost"]["fits"]
        report = await sent(owner, ready)
        await follow_the_link(page, seen, "春の新茶まつり", address)
        clicks = f"{BROADCASTS}/{report['id']}/report"
        await until(lambda: owner.get(clicks), lambda found: found["clicks"] == 1)
        await use_the_menu(page, seen)
        await stop_offers(page, seen)
        await is_left_out(owner, page, address, stopped + 1)
        await is_spent(owner, report)
        await seen.fits()


async def follow_the_link(page: Page, seen: Watched, title: str, address: str) -> None:
    """The message is drawn, and its button leads over our redirect to the shop's page."""
    bubble = page.locator(".got .flex-bubble").filter(has_text=title)
    await expect(bubble).to_be_visible()
    await seen.picture("sandbox-broadcast")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    async with page.context.expect_page() as opened:
        await bubble.get_by_role("button", name="くわしく見る").click()
    shop = await opened.value
    await expect(shop).to_have_url(address)
    assert any(re.fullmatch(r".*/r/[^/]+", url) for url in asked), asked
    await shop.close()


async def use_the_menu(page: Page, seen: Watched) -> None:
    """It is a picture with places to tap; the answer is a reply, which costs nothing."""
    picture = page.locator("#rich-menu img")
    assert await picture.evaluate("image => image.complete && image.naturalWidth") == 2500
    await tap_menu(page, "ポイント")
    balance = page.locator(".got").filter(has_text="ポイント残高")
    await expect(balance).to_contain_text("50pt")
    await expect(balance).to_contain_text("返信")
    await seen.picture("sandbox-menu-answer")


async def stop_offers(page: Page, seen: Watched) -> None:
    """On the card, with a switch; the chat says the same."""
    await tap_menu(page, "会員証")
    sheet = page.frame_locator("#sheet-frame")
    await sheet.get_by_text("LINEのお知らせ").click()
    offers = sheet.get_by_role("switch", name="お得な情報")
    await expect(offers).to_be_checked()
    await offers.click()
    await expect(sheet.get_by_text("保存しました。")).to_be_visible()
    await expect(offers).not_to_be_checked()
    await seen.picture("sandbox-notices")
    await page.locator("#sheet-close").click()
    await tap_menu(page, "お知らせ設定")
    told = page.locator(".got .bubble").filter(has_text="お知らせの設定")
    await expect(told).to_contain_text("お得な情報: 停止中")
    await expect(told).to_contain_text("ランク: 受け取る")


async def is_left_out(owner: Owner, page: Page, address: str, stopped: int) -> None:
    """Of the next broadcast: the count says so before, the report afterwards."""
    ready = await counted(owner, "夏のかき氷", address)
    assert ready["counted"]["left_out"]["opted_out"] == stopped
    report = await sent(owner, ready)
    assert {"reason": "opted_out", "count": stopped} in report["left_out"]
    await page.reload()
    await expect(page.locator(".got").filter(has_text="春の新茶まつり")).to_be_visible()
    await expect(page.locator(".got").filter(has_text="夏のかき氷")).to_have_count(0)


async def is_spent(owner: Owner, report: Any) -> None:
    """The month's count knows what the broadcast took of it."""

    async def of_it() -> Any:
        quota = await owner.get("/v1/messages/quota")
        return [each for each in quota["broadcasts"] if each["broadcast"] == report["id"]]

    spent = await until(of_it, bool)
    assert spent[0]["sent"] == report["delivered"]
