"""The card in a plain browser: signing in with LINE, opening it again, a week with it, without the
network, and a visit by a store's code."""

import asyncio
import io
import re
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from PIL import Image
from playwright.async_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.looking import DESKTOP, PHONE, SMALL_PHONE, Look
from tests.e2e.test_linking import send

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

ABOVE_THE_FOLD = (".qr svg", ".barcode svg", ".digits", ".balance", ".rank")
"""What is needed at the till, without scrolling."""

_LOOK = 'dispatchEvent(new Event("online")); ""'
"""What makes the card ask for news at once, not within half a minute."""

_KEPT = """
new Promise((done) => {
  const look = async () => ((await caches.match("/card")) ? done("") : setTimeout(look, 100));
  look();
})
"""

Visitor = Callable[[Look], Any]


def owner(stack: Stack, key: str = "") -> dict[str, str]:
    headers = {"authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}
    return headers | {"idempotency-key": key} if key else headers


async def newcomer(stack: Stack, name: str) -> str:
    """Somebody who has just followed the account, and whom the shop knows."""
    sandbox = stack.env["SANDBOX_URL"]
    user = str((await send("POST", f"{sandbox}/sandbox/users", {"name": name}))["user_id"])
    await send("POST", f"{sandbox}/sandbox/users/{user}/follow")
    await awarded(stack, user, 50)
    return user


async def awarded(stack: Stack, user: str, balance: int) -> None:
    """Wait until the member has so many points."""
    path = f"/v1/members/lookup?line_user_id={user}"
    async with asyncio.timeout(60), aiohttp.ClientSession(stack.env["EDGE_URL"]) as http:
        while True:
            async with http.get(path, headers=owner(stack)) as answer:
                found = await answer.json()
            if answer.status == 200 and found["points"]["balance"] == balance:
                return
            await asyncio.sleep(0.1)


async def sign_in(page: Page, name: str) -> None:
    """At LINE Login, as the sandbox has it."""
    await expect(page).to_have_url(re.compile("/liff/login"))
    await page.get_by_role("link", name=name, exact=True).click()


def picture(format: str, size: tuple[int, int], color: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, format)
    return out.getvalue()


async def dress(stack: Stack, color: str) -> None:
    edge = stack.env["EDGE_URL"]
    look = {"name_ja": "たまる珈琲店", "name_en": "Tamaru Coffee", "color": color}
    await send("PUT", f"{edge}/v1/brand", look, **owner(stack))
    async with aiohttp.ClientSession(headers=owner(stack)) as http:
        for kind, size in (("logo", (300, 300)), ("picture", (1200, 600))):
            content = picture("PNG", size, "#c98f5a" if kind == "picture" else color)
            async with http.put(f"{edge}/v1/brand/{kind}", data=content) as answer:
                assert answer.status == 200, await answer.text()


async def undress(stack: Stack) -> None:
    edge = stack.env["EDGE_URL"]
    for kind in ("logo", "picture"):
        await send("DELETE", f"{edge}/v1/brand/{kind}", **owner(stack))
    await send("PUT", f"{edge}/v1/brand", {}, **owner(stack))


@pytest.mark.parametrize(
    "look",
    [Look(*SMALL_PHONE), Look(*DESKTOP, language="en", dark=True)],
    ids=lambda look: look.name,
)
async def test_a_week_with_the_card_in_a_plain_browser(
    stack: Stack, visitor: Visitor, look: Look
) -> None:
    edge = stack.env["EDGE_URL"]
    name = f"みなみ {look.name}"
    user = await newcomer(stack, name)
    await dress(stack, "#7a3e1d")
    async with visitor(look) as (page, seen):
        await page.goto(f"{edge}/card")
        await sign_in(page, name)
        await expect(page.locator(".balance strong")).to_have_text("50")
        await expect(page.locator(".name")).to_contain_text(name)
        english = look.language == "en"
        await expect(page.locator(".shop")).to_have_text(
            "Tamaru Coffee" if english else "たまる珈琲店"
        )
        if look.width < 500:
            for part in ABOVE_THE_FOLD:
                box = await page.locator(part).bounding_box()
                assert box and box["y"] + box["height"] <= look.height, part
        await seen.picture(f"card-plain-{look.name}")
        await seen.fits()
        body = {
            "store": "main",
            "member": {"line_user_id": user},
            "occurred_at": "2026-02-01T03:00:00Z",
            "total": 3000,
        }
        await send("POST", f"{edge}/v1/purchases", body, **owner(stack, f"week-{look.name}"))
        await awarded(stack, user, 80)
        await seen.value(_LOOK)
        await expect(page.locator(".balance strong")).to_have_text("80")
        await expect(page.locator("#said")).to_contain_text("30")  # told, not only shown
        drawn = await page.locator(".qr svg path").bounding_box()
        assert drawn and drawn["width"] > 100  # the code that came meanwhile is one
        async with page.expect_response(lambda answer: answer.url == f"{edge}/card") as opened:
            await page.reload()
        again = await (await opened.value).text()
        assert "<strong>80</strong>" in again  # the first response has it all
        await page.locator("[data-act=bright]").click()
        await expect(page.locator("#bright .bright-qr svg")).to_be_visible()
        await seen.picture(f"card-bright-{look.name}")
        await page.keyboard.press("Escape")
        await expect(page.locator("#bright")).to_be_hidden()
        await page.locator("#profile summary").click()
        await page.locator("#profile [name=name]").fill("佐藤 みなみ")
        await page.locator("#profile [name=consent]").check()
        await page.locator("#profile [type=submit]").click()
        await expect(page.locator("#profile")).to_contain_text(
            "version 1" if english else "に同意（第1版）"
        )
        await page.locator("[data-act=language]").click()
        await expect(page.locator("html")).to_have_attribute("lang", "ja" if english else "en")
        await seen.picture(f"card-other-language-{look.name}", full=True)
        await seen.fits()
    await undress(stack)


async def test_without_the_network_the_barcode_still_works(stack: Stack, visitor: Visitor) -> None:
    edge = stack.env["EDGE_URL"]
    user = await newcomer(stack, "でんぱ")
    async with visitor(Look(*PHONE)) as (page, seen):
        await page.goto(f"{edge}/card#sandbox-user={user}")
        await expect(page.locator(".balance strong")).to_have_text("50")
        digits = await page.locator(".digits").inner_text()
        await seen.value(_KEPT)
        await page.context.set_offline(True)
        await seen.value(_LOOK)
        await expect(page.locator("#qr.stale")).to_be_visible()
        await seen.picture("card-stale")
        await page.reload()
        await expect(page.locator("[data-slot=digits]")).to_have_text(digits)
        await expect(page.locator("[data-slot=balance]")).to_have_text("50")
        await expect(page.locator(".qr")).to_have_count(0)
        bars = await page.locator(".barcode path").bounding_box()
        assert bars and bars["width"] > 150
        await seen.picture("card-offline")
        await seen.fits()
        await page.context.set_offline(False)
        await page.locator(".again").click()
        await expect(page.locator(".qr svg")).to_be_visible()
        seen.complaints.clear()  # the browser tells of each thing that it could not fetch


async def test_a_stores_code_counts_a_visit_for_who_scans_it(
    stack: Stack, visitor: Visitor
) -> None:
    edge = stack.env["EDGE_URL"]
    await newcomer(stack, "くるみ")
    shown = await send("GET", f"{edge}/v1/stores/main/visit-code", **owner(stack))
    assert shown["url"].startswith(f"{edge}/card/visit?c=V1.")
    async with visitor(Look(*PHONE)) as (page, seen):
        await page.goto(shown["url"])
        await sign_in(page, "くるみ")
        await expect(page.locator("[data-result=counted]")).to_be_visible()
        await expect(page.locator(".where")).to_have_text("本店")
        await seen.picture("visit-counted")
        await seen.fits()
        made = await send(
            "POST",
            f"{edge}/v1/stores/main/printed-codes",
            {"label": "入口"},
            **owner(stack, "printed"),
        )
        await page.goto(made["url"])
        await expect(page.locator("[data-result=today]")).to_be_visible()
        await seen.picture("visit-today")
        await page.get_by_role("link", name="会員カードを見る").click()
        await expect(page.locator(".rank")).to_have_text("ブロンズ")
        await expect(page.locator(".history .what").first).to_have_text("ご来店")
        seen.complaints = [each for each in seen.complaints if "409" not in each]
