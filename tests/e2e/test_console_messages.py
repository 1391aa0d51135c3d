"""An owner and their messages: other words for a receipt, and an offer to everybody, from the first
word to what arrives."""

import asyncio
import re
import time
from typing import Any

import aiohttp
import pytest
from playwright.async_api import expect

from deploy.local.stack import Stack
from tests.e2e.looking import DESKTOP, PHONE, Look
from tests.e2e.signing_in import owner_signs_in

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

RECEIPT = "/console/messages/templates/earned?language=en"
OFFER = "{name}さま、土曜日はポイント2倍です"


async def test_a_wording_is_changed_looked_at_and_taken_back(stack: Stack, visitor: Any) -> None:
    async with visitor(Look(*DESKTOP)) as (page, seen):
        await owner_signs_in(page, stack, RECEIPT)
        phone = page.locator("#preview")
        await expect(phone).to_contain_text("+120")
        words = page.locator("#words input").nth(1)
        await words.fill("Well saved! {nobody}")
        await expect(page.locator("#editor")).to_contain_text(re.compile("nobody"))
        await words.fill("Well saved!")
        await expect(phone).to_contain_text("Well saved!")
        await seen.picture("console-wording")
        await seen.fits()
        await page.get_by_role("button", name="保存して使う").click()
        await expect(page.locator(".versions")).to_contain_text("第1版 使用中")
        await page.get_by_role("button", name="標準に戻す").click()
        await expect(page.locator(".versions")).to_contain_text("標準の文面 使用中")
        # What was refused while it was written is no complaint of the page's.
        seen.complaints = [each for each in seen.complaints if "422" not in each]


@pytest.mark.parametrize("look", [Look(*PHONE)], ids=lambda look: look.name)
async def test_an_offer_goes_from_the_first_word_to_everybodys_phone(
    stack: Stack, visitor: Any, look: Look
) -> None:
    sandbox = stack.env["SANDBOX_URL"]
    async with aiohttp.ClientSession(sandbox) as http:
        async with http.post("/sandbox/users", json={"name": "さくら"}) as answer:
            user = (await answer.json())["user_id"]
        async with http.post(f"/sandbox/users/{user}/follow") as answer:
            assert answer.status < 300
        async with visitor(look) as (page, seen):
            await owner_signs_in(page, stack, "/console/messages/broadcasts/new")
            await page.get_by_label("配信の名前").fill("土曜日")
            await page.get_by_label("日本語").fill(OFFER)
            await expect(page.locator("#preview")).to_contain_text("花子さま、土曜日は")
            await seen.picture("console-broadcast-new", full=True)
            await page.get_by_role("button", name="人数を確かめる").click()
            await expect(page.locator("#state")).to_contain_text("送信前の確認")
            await expect(page.locator("#state")).to_contain_text("届く人")
            await seen.picture("console-broadcast-ready", full=True)
            await seen.fits()
            await page.get_by_role("button", name="送信を確定する").click()
            await expect(page.locator("#state")).to_contain_text("送信済み", timeout=60_000)
            await expect(page.locator("#state")).to_contain_text("LINEが受け付けた")
            await page.goto(f"{stack.env['EDGE_URL']}/console/messages/settings")
            await expect(page.locator(".tabs")).to_have_class(re.compile("more-before"))
            await expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=0.9)
        deadline = time.monotonic() + 30
        while "さくらさま、土曜日はポイント2倍です" not in await _received(http, user):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


async def _received(http: aiohttp.ClientSession, user: str) -> str:
    async with http.get(f"/sandbox/users/{user}/messages") as answer:
        return await answer.text()
