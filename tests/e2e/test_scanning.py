"""Codes for visits as people meet them: read off the screen and off the printed sheet, as pictures,
and scanned with the card in LINE. Once for a visit; never from an old photograph.
"""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect

from deploy.local.files import read_env
from deploy.local.layout import Layout
from deploy.local.stack import Stack
from services.points.rules import visit_codes
from shared import clock, ids
from tests.e2e.counter_desk import Api, api, begin, hire
from tests.e2e.looking import DESKTOP, PHONE, Look
from tests.e2e.reading_codes import read
from tests.e2e.signing_in import owner_signs_in
from tests.e2e.test_first_day import join, tap_menu

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

expect.set_options(timeout=30_000)

REFUSED = ("404", "410")
"""What the browser itself reports of a code that is refused."""


async def open_card(page: Page) -> FrameLocator:
    """The card in the sandbox's phone, as LINE shows it."""
    await tap_menu(page, "会員証")
    return page.frame_locator("#sheet-frame")


async def scan(page: Page, card: FrameLocator, code: str, words: str) -> None:
    """The card asks LINE for the camera, which sees this code; then the card says so."""
    await card.locator("[data-act=scan]").click()
    await page.locator("#scanner #code").fill(code)
    await page.locator("#scanner [type=submit]").click()
    await expect(card.locator("#told")).to_contain_text(words)


async def visits(call: Api, card: str) -> int:
    """How often they have come."""
    member = await call("GET", f"/v1/members/lookup?card={card}")
    return int(member["lifetime"]["visits"])


def spoilt(stack: Stack, code: str) -> tuple[str, str]:
    """The screen's code of two minutes ago, and one that nobody signed."""
    key = read_env(Layout(stack.folder).secrets)["QR_SIGNING_KEY"].encode()
    address, _, token = code.rpartition("=")
    store = visit_codes.genuine(key, token).store
    assert store is not None
    old = visit_codes.on_screen(key, store, clock.now() - timedelta(minutes=2))
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    return f"{address}={old}", f"{address}={forged}"


async def test_the_card_scans_the_counters_screen(
    stack: Stack, visitor: Any, browser: Browser
) -> None:
    await hire(stack, "screen@example.com", "画面")
    async with (
        api(stack) as call,
        visitor(Look(*DESKTOP)) as (counter, screen),
        visitor(Look(*PHONE)) as (page, seen),
    ):
        number = await join(page, stack, "れいこ")
        card = await open_card(page)
        await begin(counter, stack, "screen@example.com")
        await counter.goto(f"{stack.env['EDGE_URL']}/counter/visit-screen")
        await expect(counter.locator("#code svg")).to_be_visible()
        await screen.fits()
        code = await read(browser, counter.locator("#code"))
        assert code.startswith(f"{stack.env['EDGE_URL']}/card/visit?c=V1.")
        await scan(page, card, code, "ご来店ありがとうございます")
        await expect(card.locator("#told")).to_have_class("told good")
        await expect(card.locator(".history .what").first).to_have_text("ご来店")
        await seen.picture("card-scanned")
        await seen.fits()
        old, forged = spoilt(stack, code)
        await scan(page, card, old, "コードの有効時間が過ぎています")
        await expect(card.locator("#told")).to_have_class("told bad")
        await seen.picture("card-scanned-too-late")
        await scan(page, card, code, "ご来店ありがとうございます")
        await scan(page, card, forged, "このコードは使えません")
        await scan(page, card, "https://example.com/", "このコードは使えません")
        assert await visits(call, number) == 1
        seen.complaints = [each for each in seen.complaints if not any(n in each for n in REFUSED)]


async def test_the_printed_sheets_can_be_read(stack: Stack, visitor: Any, browser: Browser) -> None:
    edge = stack.env["EDGE_URL"]
    async with (
        api(stack) as call,
        visitor(Look(*DESKTOP)) as (office, _),
        visitor(Look(*PHONE)) as (page, seen),
    ):
        label = f"入口 {ids.new_id().hex[:6]}"
        made = await call("POST", "/v1/stores/main/printed-codes", {"label": label})
        await owner_signs_in(office, stack, f"/console/stores/main/visit-codes/{made['id']}")
        code = await read(browser, office.locator(".poster img"))
        assert code == made["url"]
        await office.goto(f"{edge}/console/design/sheet/main/{made['id']}")
        assert await read(browser, office.locator(".sheet-qr")) == made["url"]
        number = await join(page, stack, "ひとみ")
        card = await open_card(page)
        await scan(page, card, code, "ご来店ありがとうございます")
        assert await visits(call, number) == 1
        await scan(page, card, code, "今日のご来店は記録済みです")
        assert await visits(call, number) == 1
        seen.complaints = [each for each in seen.complaints if "409" not in each]
