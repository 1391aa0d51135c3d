"""The phone in a real browser: following, chatting, hostile messages, LIFF and the till."""

import asyncio
import json
import shutil
import struct
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
        page = await browser.new_page(locale="ja-JP")
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


async def test_a_hostile_flex_stays_within_its_bubble(page: Page, client: Any) -> None:
    user = await join(page, client)
    evil = "red;background:url(https://evil.example/x)"
    odd = [
        {"type": "text", "text": "x", "color": evil, "size": evil, "lineSpacing": evil},
        {"type": "constructor", "text": "x"},
        {"type": "box", "layout": "__proto__", "contents": {"length": 9}, "cornerRadius": evil},
        {"type": "image", "url": "javascript:alert(1)", "size": evil, "aspectRatio": "1:1);x"},
        {"type": "button", "action": {"type": "toString", "label": "<i>"}, "style": "constructor"},
        None,
    ]
    page_call = """async (contents) => {
      const { drawContainer } = await import("/static/line/flex.js");
      document.getElementById("chat").append(drawContainer(contents, () => {}));
    }"""
    await page.evaluate(
        page_call,
        {
            "type": "bubble",
            "size": "x onload=alert(1)",
            "body": {"type": "box", "layout": "vertical", "contents": odd},
        },
    )
    bubble = page.locator(".flex-bubble")
    assert await bubble.locator("i, script").count() == 0
    assert "evil" not in await bubble.evaluate("(node) => node.outerHTML")
    assert await bubble.get_attribute("class") == "flex-bubble mega"
    assert await client.received(user) == []


async def test_the_rich_menu_is_drawn_and_its_areas_work(
    page: Page, client: Any, edge: Any, until: Any
) -> None:
    await join(page, client)
    first = await new_menu(client, "はじめ", {"type": "postback", "data": "card", "label": "Card"})
    switch = {"type": "richmenuswitch", "richMenuAliasId": "first", "data": "back", "label": "Back"}
    second = await new_menu(client, "つぎ", switch)
    alias = {"richMenuAliasId": "first", "richMenuId": first}
    assert (await client.line("POST", "/v2/bot/richmenu/alias", alias))[0] == 200
    await client.line("POST", f"/v2/bot/user/all/richmenu/{second}")
    await expect(page.locator("#chat-bar")).to_have_text("つぎ")
    await expect(page.locator("#plain-menu")).to_be_hidden()
    await page.get_by_role("button", name="Back").click()
    await expect(page.locator("#chat-bar")).to_have_text("はじめ")
    await page.get_by_role("button", name="Card").click()
    await until(lambda: len(edge.got) == 3)
    switched, tapped = (json.loads(body)["events"][0]["postback"] for _, body in edge.got[1:])
    params = {"newRichMenuAliasId": "first", "status": "SUCCESS"}
    assert switched == {"data": "back", "params": params}
    assert tapped == {"data": "card"}
    await page.locator("#chat-bar").click()
    await expect(page.locator("#rich-menu")).to_be_hidden()
    await client.line("DELETE", f"/v2/bot/richmenu/{first}")
    await expect(page.locator("#chat-bar")).to_have_text("つぎ")


async def new_menu(client: Any, bar: str, action: Any) -> str:
    bounds = {"x": 0, "y": 0, "width": 1200, "height": 405}
    menu = {
        "size": {"width": 1200, "height": 405},
        "selected": True,
        "name": bar,
        "chatBarText": bar,
        "areas": [{"bounds": bounds, "action": action}],
    }
    menu_id: str = (await client.line("POST", "/v2/bot/richmenu", menu))[1]["richMenuId"]
    image = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 1200, 405) + b"\x08\x02"
    headers = {"authorization": "Bearer channel-access-token", "content-type": "image/png"}
    url = f"{client.base}/v2/bot/richmenu/{menu_id}/content"
    async with client.http.post(url, data=image, headers=headers) as answer:
        assert answer.status == 200
    return menu_id


async def test_faults_and_the_month_are_at_hand(page: Page, client: Any) -> None:
    user = await join(page, client)
    await page.get_by_label("500 を返す").select_option("1")
    await until_fault(client, 1)
    assert (await client.push(user))[0] == 500
    await page.get_by_role("button", name="すべて止める").click()
    await until_fault(client, 0)
    await page.get_by_label("プランの通数").fill("200")
    await page.get_by_label("プランの通数").press("Enter")
    await page.locator("#plan").blur()
    assert (await client.push(user))[0] == 200
    await expect(page.locator("#quota-words")).to_have_text("1 / 200 通")
    await page.locator(".log .head", has_text="push").first.click()
    await expect(page.locator(".detail")).to_contain_text("LINE の決まりに合っています")
    await expect(page.locator(".detail pre").first).to_contain_text("こんにちは")


async def until_fault(client: Any, share: float) -> None:
    async with asyncio.timeout(10):
        while (await client.script("GET", "/sandbox/faults"))["status_500"] != share:
            await asyncio.sleep(0.02)


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
