"""The phone in a real browser: following, chatting, hostile messages, LIFF and the till."""

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@pytest.fixture
async def page(client: Any) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = await browser.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        await page.goto(client.base)
        yield page
        await browser.close()
        assert complaints == []


async def join(page: Page, client: Any) -> str:
    await page.get_by_role("button", name="友だち追加").click()
    await expect(page.locator(".notice")).to_contain_text("友だちになりました")
    users = await client.script("GET", "/sandbox/users")
    user_id: str = users["items"][0]["user_id"]
    return user_id


async def test_one_follows_speaks_blocks_and_comes_back(
    page: Page, client: Any, edge: Any, until: Any
) -> None:
    user = await join(page, client)
    await page.get_by_placeholder("メッセージを入力").fill("こんにちは")
    await page.keyboard.press("Enter")
    await expect(page.locator(".sent .bubble")).to_have_text("こんにちは")
    await client.push(user, "いらっしゃいませ")
    await expect(page.locator(".got .bubble")).to_have_text("いらっしゃいませ")
    await page.get_by_role("button", name="ブロック").click()
    await page.get_by_role("button", name="ブロック解除").click()
    await page.get_by_role("button", name="理由").click()
    await expect(page.locator(".sent .bubble").last).to_have_text("なぜ？")
    await until(lambda: len(edge.got) == 5)


async def test_a_hostile_message_is_only_text(page: Page, client: Any) -> None:
    user = await join(page, client)
    attack = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
    words = {"type": "text", "text": attack, "wrap": True}
    action = {"type": "postback", "label": "<b>押す</b>", "data": "d", "displayText": attack}
    button = {"type": "button", "action": action}
    body = {"type": "box", "layout": "vertical", "contents": [words, button]}
    flex = {
        "type": "flex",
        "altText": attack,
        "contents": {"type": "bubble", "body": body},
        "quickReply": {"items": [{"type": "action", "action": action}]},
    }
    request = {"to": user, "messages": [{"type": "text", "text": attack}, flex]}
    assert (await client.line("POST", "/v2/bot/message/push", request))[0] == 200
    await expect(page.locator(".flex-text")).to_have_text(attack)
    await expect(page.locator(".got .bubble")).to_have_text(attack)
    await page.locator(".flex-button").click()
    await expect(page.locator(".sent .bubble")).to_have_text(attack)
    assert await page.locator(".chat img, .chat script, .chat b:not(.when b)").count() == 0


async def test_the_card_opens_as_liff_and_knows_its_user(page: Page, client: Any) -> None:
    user = await join(page, client)
    link = "会員カード https://liff.line.me/1234567890-abcdefgh/history です"
    await client.push(user, link)
    await page.locator(".got .bubble button").click()
    card = page.frame_locator("#sheet-frame")
    await expect(card.locator("#user")).to_have_text(f"/card/history {user} はなこ")
    await card.get_by_role("button", name="scan").click()
    await page.locator("#code").fill("store:main")
    await page.get_by_role("button", name="読み取る").click()
    await expect(card.locator("#user")).to_have_text("store:main")
    await card.get_by_role("button", name="close").click()
    await expect(page.locator("#sheet")).to_be_hidden()


async def test_the_till_fills_in_the_card_and_tells_the_points(
    page: Page, client: Any, edge: Any
) -> None:
    edge.purchase = (
        201,
        {"status": "awarded", "points": {"earned": 30, "balance": 130, "pending": 0}, "rank": None},
    )
    await client.push(await join(page, client), "ようこそ")
    await expect(page.locator("#card")).to_have_value("2900000000018")
    await page.get_by_role("button", name="¥3,000").click()
    await page.get_by_role("button", name="会計する").click()
    await expect(page.locator("#receipt")).to_contain_text("+30 ポイント")
    await expect(page.locator("#receipt")).to_contain_text("残高 130")
    assert edge.till[0][1]["total"] == 3000
