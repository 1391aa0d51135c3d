"""The main job as people see it: follow, buy, get told, open the card, ask, leave, come back."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.looking import DESKTOP, PHONE, SMALL_PHONE, Look

expect.set_options(timeout=30_000)

SCAN = re.compile(r"[0-9]{13}")

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]


async def join(page: Page, stack: Stack, name: str, *, points: str = "残高50 pt") -> str:
    """Follow the account in the phone; the card's number from the welcome. `points` is what it
    says of the welcome's 50."""
    await page.goto(stack.env["SANDBOX_URL"])
    await page.locator("#users option").first.wait_for(state="attached")  # the page knows who is
    await page.locator("#new-user").click()
    await page.locator("#name").fill(name)
    await page.locator("#join [type=submit]").click()
    welcome = page.locator(".got .flex-bubble").first
    await expect(welcome).to_contain_text("ご登録ありがとうございます")
    await expect(welcome).to_contain_text(f"ウェルカムポイント+50 pt{points}")
    number = SCAN.search(await welcome.inner_text())
    assert number
    return number[0]


@pytest.mark.parametrize(
    "look",
    [Look(*PHONE), Look(*DESKTOP, language="en", dark=True)],
    ids=lambda look: look.name,
)
async def test_the_first_day_of_a_customer(stack: Stack, visitor: Any, look: Look) -> None:
    async with visitor(look) as (page, seen):
        card = await join(page, stack, "はなこ")
        await seen.picture(f"sandbox-welcome-{look.name}")
        await buy(page, card, 1000)
        notice = page.locator(".got .flex-bubble").filter(has_text="ポイントが付きました")
        await expect(notice).to_contain_text("+10pt残高60 pt")
        await seen.picture(f"sandbox-told-{look.name}", full=True)
        await seen.fits()
        await see_the_card(page, card, look)
        await seen.picture(f"sandbox-card-{look.name}")
        await page.locator("#sheet-close").click()
        await ask(page)
        await leave_and_return(page, card)
        await seen.picture(f"sandbox-returned-{look.name}", full=True)
        await seen.fits()


async def tap_menu(page: Page, area: str) -> None:
    """A button of the rich menu, which is a part of its picture."""
    await page.locator("#rich-menu").get_by_role("button", name=area).click()


async def buy(page: Page, card: str, amount: int) -> None:
    """At the till, which knows the card already."""
    await expect(page.locator("#card")).to_have_value(card)
    await page.locator("#amount").fill(str(amount))
    await page.locator("#till [type=submit]").click()
    await expect(page.locator("#receipt")).to_contain_text(re.compile("[+]10 (ポイント|points)"))
    await expect(page.locator("#receipt")).to_contain_text(re.compile("(残高|Balance) 60"))


async def see_the_card(page: Page, card: str, look: Look) -> None:
    """From the rich menu: balance, rank, codes, and each row of the history with its reason."""
    english = look.language == "en"
    await tap_menu(page, "会員証")
    sheet = page.frame_locator("#sheet-frame")
    await expect(sheet.locator(".balance strong")).to_have_text("60")
    await expect(sheet.locator(".rank")).to_have_text("ブロンズ")
    missing = "2 more visits to シルバー" if english else "あと来店2回でシルバー"
    await expect(sheet.locator(".next")).to_have_text(missing)
    digits = (await sheet.locator(".digits").inner_text()).replace(" ", "")
    assert digits == card
    for code in (".barcode svg", ".qr svg"):
        box = await sheet.locator(code).bounding_box()
        assert box and box["width"] > 100 and box["height"] > 60
    rows = sheet.locator(".history li")
    await expect(rows.locator(".amount")).to_have_text(["+10", "+50"])
    titles = (
        ["Purchase", "Thank you for joining"]
        if english
        else ["お買い上げ", "会員登録ありがとうございます"]
    )
    await expect(rows.locator(".what")).to_have_text(titles)
    because = rows.first.locator(".because")
    await expect(because).to_be_hidden()
    await rows.first.locator("summary").click()
    await expect(because).to_be_visible()
    await expect(because).to_contain_text("1,000")


async def ask(page: Page) -> None:
    """In the chat: how many points, and why."""
    await page.locator("#words").fill("ポイント")
    await page.keyboard.press("Enter")
    balance = page.locator(".got .flex-bubble").filter(has_text="ポイント残高")
    await expect(balance).to_contain_text("60pt次のランクシルバー")
    await page.locator("#words").fill("なぜ")
    await page.keyboard.press("Enter")
    why = page.locator(".got .bubble")
    await expect(why.filter(has_text="最近のポイントの理由です")).to_contain_text("+10 ポイント")


async def leave_and_return(page: Page, card: str) -> None:
    """Blocking and following again: the same card, the same points."""
    await page.locator("#block").click()
    await page.locator("#follow").click()
    back = page.locator(".got .bubble").filter(has_text="おかえりなさい")
    await expect(back).to_contain_text(f"会員番号: {card}")
    await expect(back).to_contain_text("残高: 60 ポイント")
    await tap_menu(page, "会員証")
    sheet = page.frame_locator("#sheet-frame")
    await expect(sheet.locator(".balance strong")).to_have_text("60")


@pytest.fixture(scope="module")
def regular(stack: Stack) -> str:
    """A LINE user with a rank and a history; made through the API alone."""
    return make_regular(stack.env)


def make_regular(env: dict[str, str]) -> str:
    """Somebody who has bought 24 times; their LINE user id."""
    return asyncio.run(_make_regular(env))


async def _make_regular(env: dict[str, str]) -> str:
    """Follows, buys 24 times, and is known for all of it."""
    owner = {"authorization": f"Bearer {env['OWNER_API_KEY']}"}
    async with aiohttp.ClientSession() as http:
        people = {"name": "常連", "count": 1, "follow": True}
        async with http.post(f"{env['SANDBOX_URL']}/sandbox/users/bulk", json=people) as answer:
            user: str = (await answer.json())["user_ids"][0]
        for number in range(24):
            purchase = {
                "store": "main",
                "member": {"line_user_id": user},
                "occurred_at": f"2026-01-{number + 1:02}T03:00:00Z",
                "total": 480 + number * 1234,
            }
            headers = owner | {"idempotency-key": f"regular-{user}-{number}"}
            url = f"{env['EDGE_URL']}/v1/purchases"
            async with http.post(url, json=purchase, headers=headers) as answer:
                assert answer.status == 202, await answer.text()
        url = f"{env['EDGE_URL']}/v1/members/lookup?line_user_id={user}"
        deadline = time.monotonic() + 60
        while True:
            async with http.get(url, headers=owner) as answer:
                member = await answer.json()
            if member.get("rank") and member["lifetime"]["visits"] == 24:
                return user
            assert time.monotonic() < deadline, member
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("size", [SMALL_PHONE, PHONE, DESKTOP], ids=lambda size: str(size[0]))
@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_card_reads_well_in_every_guise(
    stack: Stack,
    visitor: Callable[[Look], Any],
    regular: str,
    size: tuple[int, int],
    language: str,
    dark: bool,
) -> None:
    look = Look(*size, language, dark)
    async with visitor(look) as (page, seen):
        await page.goto(f"{stack.env['EDGE_URL']}/card#sandbox-user={regular}")
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(page.locator(".history h2")).to_have_text(
            "History" if language == "en" else "ポイント履歴"
        )
        assert await page.locator(".history li").count() == 10
        await page.locator(".history summary").first.click()
        await expect(page.locator(".because").first).to_be_visible()
        await expect(page.locator(".history time").first).not_to_be_empty()
        await seen.picture(f"card-{look.name}", full=True)
        await seen.fits()


async def test_who_is_no_member_is_told_what_to_do(stack: Stack, visitor: Any) -> None:
    async with aiohttp.ClientSession() as http:
        url = f"{stack.env['SANDBOX_URL']}/sandbox/users"
        async with http.post(url, json={"name": "通りすがり"}) as answer:
            user = (await answer.json())["user_id"]
    async with visitor(Look(*PHONE)) as (page, seen):
        await page.goto(f"{stack.env['EDGE_URL']}/card#sandbox-user={user}")
        await expect(page.get_by_role("heading")).to_have_text("カードを開けませんでした")
        await expect(page.locator(".why")).to_have_text(
            "先に、お店のLINE公式アカウントを友だちに追加してください。"
        )
        await seen.picture("card-stranger")
        await seen.fits()
        # The browser itself reports the 404 that the page has put into words.
        seen.complaints = [each for each in seen.complaints if "404" not in each]
