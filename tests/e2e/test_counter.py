"""A shift at the counter: on a phone, a tablet and a PC; by keyboard alone; by camera; without the
network. Real processes, a real browser."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from deploy.local.stack import Stack
from tests.e2e.accessibility import accessible
from tests.e2e.counter_desk import (
    PIN,
    Api,
    api,
    begin,
    code_of,
    done,
    film,
    hire,
    leave,
    read_by_wedge,
    type_in,
)
from tests.e2e.looking import CHROMIUM_ARGUMENTS, DESKTOP, PHONE, Look, Watched, picture

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

expect.set_options(timeout=30_000)

TABLET = (820, 1180)
HANAKO, TARO = "hanako@example.com", "taro@example.com"


async def look_at(seen: Watched, name: str, look: Look) -> None:
    """It fits, nothing keeps anybody out, and there is a picture."""
    await seen.picture(f"counter-{name}-{look.name}", full=True)
    await seen.fits()
    if look.width == PHONE[0]:
        await accessible(seen.page)


async def serve(page: Page, member: Any) -> None:
    """The member's card is read, and who it is stands there."""
    await read_by_wedge(page, member["card"])
    await expect(page.locator("#view-panel")).to_be_visible()
    await expect(page.locator("#member-card")).to_contain_text(member["card"][-4:])


async def choose(page: Page, mode: str) -> None:
    await page.locator(f"label:has(input[value={mode}])").click()


@pytest.mark.parametrize(
    "look",
    [Look(*PHONE), Look(*TABLET, language="en", dark=True), Look(*DESKTOP)],
    ids=lambda look: look.name,
)
async def test_a_shift(stack: Stack, visitor: Any, look: Look) -> None:
    await hire(stack, HANAKO, "花子")
    async with api(stack) as call, visitor(look) as (page, seen):
        member = await call.member("山田 太郎")
        await begin(page, stack, HANAKO)
        await page.locator(".menu summary").click()
        await page.locator("#visit-open").click()
        await expect(page.locator("#visit-code")).to_be_visible()
        await seen.picture(f"counter-visit-code-{look.name}")
        await page.keyboard.press("Escape")
        await look_at(seen, "scan", look)
        await serve(page, member)
        await expect(page.locator("#member-name")).to_have_text("山田 太郎")
        for digit in ("3", "2", "4", "0"):
            await page.locator(f"#pad [data-digit='{digit}']").click()
        await expect(page.locator("#preview-main")).to_contain_text("+32")
        await page.locator(".use-label").click()
        await expect(page.locator("#preview-pay")).to_contain_text("3,140")
        await look_at(seen, "amount", look)
        await page.locator("#confirm").click()
        await done(page, "32")
        assert await call.balance(member) == 32
        await look_at(seen, "done", look)
        await page.locator("#undo").click()
        await look_at(seen, "undo", look)
        await page.locator("#undo-dialog [value=yes]").click()
        await done(page, "取り消しました|Undone")
        assert await call.balance(member) == 100
        await page.locator("#next").click()
        await give_and_take(page, call, member, seen, look)


async def give_and_take(page: Page, call: Api, member: Any, seen: Watched, look: Look) -> None:
    """Points for a rainy day, a visit, points used; all of it in the list."""
    await serve(page, member)
    await choose(page, "service")
    await page.locator("#gifts button").click()
    await look_at(seen, "gift", look)
    await page.locator("#confirm").click()
    await done(page, "5")
    await page.locator("#next").click()
    await serve(page, member)
    await choose(page, "visit")
    await look_at(seen, "visit", look)
    await page.locator("#confirm").click()
    await done(page, "来店を記録しました|Visit counted")
    await page.locator("#next").click()
    await serve(page, member)
    await choose(page, "redemption")
    for digit in ("5", "0", "0"):
        await page.locator(f"#pad [data-digit='{digit}']").click()
    await expect(page.locator("#preview-main")).to_contain_text("105")
    await expect(page.locator("#confirm")).to_be_disabled()
    await page.locator("[data-erase]").click()
    await page.locator("#confirm").click()
    await done(page, "50")
    assert await call.balance(member) == 55
    if look.width == PHONE[0]:
        await page.locator(".feet [data-show=day]").click()
    await expect(page.locator("#acts .act").first).to_contain_text("山田")
    await page.locator("#acts summary").first.click()
    await look_at(seen, "today", look)


async def test_the_keyboard_alone(stack: Stack, visitor: Any) -> None:
    await hire(stack, HANAKO, "花子")
    async with api(stack) as call, visitor(Look(*DESKTOP)) as (page, _):
        member = await call.member("佐藤 花")
        await begin(page, stack, HANAKO)
        keys = page.keyboard
        await type_in(page, member["card"])
        await keys.press("Enter")
        await expect(page.locator("#amount")).to_be_focused()
        await type_in(page, "1500")
        await expect(page.locator("#preview-main")).to_contain_text("+15")
        await keys.press("Enter")
        await done(page, "15")
        await expect(page.locator("#next")).to_be_focused()
        await keys.press("Tab")
        await keys.press("Enter")
        await expect(page.locator("#undo-dialog")).to_be_visible()
        await keys.press("Tab")
        await press_until(page, "#undo-dialog [value=yes]")
        await done(page, "取り消しました")
        await keys.press("Enter")
        await type_in(page, member["card"])
        await keys.press("Enter")
        for mode, more in (("visit", ""), ("service", "7"), ("redemption", "20")):
            await to(page, "input[name=mode]:checked")
            await keys.press("ArrowRight")
            await expect(page.locator(f"input[value={mode}]")).to_be_checked()
            if mode == "visit":
                await to(page, "#confirm")
            else:
                await type_in(page, more)
            if mode == "service":
                await to(page, "#reason")
                await type_in(page, "ame no hi")
            await keys.press("Enter")
            await done(page, "来店" if mode == "visit" else more)
            await keys.press("Enter")
            await type_in(page, member["card"])
            await keys.press("Enter")
            await expect(page.locator("#amount")).to_be_focused()
            for _ in range(["visit", "service", "redemption"].index(mode) + 1):
                await to(page, "input[name=mode]:checked")
                await keys.press("ArrowRight")
        await keys.press("Escape")
        assert await call.balance(member) == 87
        await refund_by_keyboard(page, call, member)


async def refund_by_keyboard(page: Page, call: Api, member: Any) -> None:
    """A part of a purchase comes back, from the list."""
    keys = page.keyboard
    await type_in(page, member["card"])
    await keys.press("Enter")
    await expect(page.locator("#amount")).to_be_focused()
    await type_in(page, "1000")
    await expect(page.locator("#preview-main")).to_contain_text("+10")
    await keys.press("Enter")
    await done(page, "10")
    await expect(page.locator("#acts .act").first).to_contain_text("1,000")
    await to(page, "#acts .act:first-child summary")
    await keys.press("Enter")
    await to(page, "#acts .act:first-child [data-refund]")
    await keys.press("Enter")
    await to(page, "#refund-amount")
    await type_in(page, "400")
    await keys.press("Enter")
    await expect(page.locator("#acts .act").first).to_contain_text("返金 ¥400")
    assert await call.balance(member) == 93


async def to(page: Page, selector: str) -> None:
    """Tab until it has the focus."""
    wanted = page.locator(f"{selector}:focus")
    for _ in range(60):
        if await wanted.count():
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by Tab")


async def press_until(page: Page, selector: str) -> None:
    await to(page, selector)
    await page.keyboard.press("Enter")


async def test_codes_that_are_not_good(stack: Stack, visitor: Any) -> None:
    await hire(stack, HANAKO, "花子")
    async with api(stack) as call, visitor(Look(*PHONE)) as (page, seen):
        member = await call.member("鈴木 一郎")
        await begin(page, stack, HANAKO)
        problem = page.locator("#scan-problem")
        token = code_of(stack, member)
        forged = token[:-1] + ("A" if token[-1] != "A" else "B")
        for code, words in (
            (code_of(stack, member, seconds_ago=120), "写真や画面の写しは使えません"),
            (forged, "会員証のコードとして確認できません"),
            (member["card"][:12] + str((int(member["card"][12]) + 1) % 10), "読み取りを間違えて"),
        ):
            await read_by_wedge(page, code)
            await expect(problem).to_contain_text(words)
        await seen.picture("counter-refused")
        token = code_of(stack, member)
        await read_by_wedge(page, token)
        await expect(page.locator("#member-name")).to_have_text("鈴木 一郎")
        await type_in(page, "500")
        await expect(page.locator("#preview-main")).to_contain_text("+5")
        await page.locator("#confirm").click()
        await done(page, "5")
        await page.locator("#next").click()
        await read_by_wedge(page, token)
        await expect(problem).to_contain_text("一度使われています。会員証を開き直して")
        seen.complaints = [each for each in seen.complaints if "422" not in each]


async def test_the_camera_reads_a_code(stack: Stack, tmp_path: Path) -> None:
    await hire(stack, HANAKO, "花子")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    shown = tmp_path / "telephone.mjpeg"
    async with api(stack) as call, async_playwright() as playwright:
        member = await call.member("高橋 次郎")
        await film(shown, code_of(stack, member))
        arguments = [
            *CHROMIUM_ARGUMENTS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={shown}",
        ]
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        try:
            page = await browser.new_page(locale="ja-JP")
            await begin(page, stack, HANAKO)
            await film(shown, code_of(stack, member))
            await page.locator("#camera-open").click()
            await expect(page.locator("#member-name")).to_have_text("高橋 次郎")
            await expect(page.locator("#camera")).to_be_hidden()
        finally:
            await browser.close()


async def test_the_network_is_away(stack: Stack, browser: Browser) -> None:
    """Acts wait on the device, outlive a reload, belong to whoever did them, are sent once."""
    await hire(stack, HANAKO, "花子")
    await hire(stack, TARO, "太郎")
    async with api(stack) as call:
        member = await call.member("田中 良子")
        context = await browser.new_context(locale="ja-JP", timezone_id="Asia/Tokyo")
        page = await context.new_page()
        await begin(page, stack, HANAKO)
        await page.reload()  # the worker has the page now
        await expect(page.locator("html[data-kept]")).to_be_attached()
        await context.set_offline(True)
        await buy_offline(page, member["card"], "700", 1)
        await buy_offline(page, code_of(stack, member), "900", 2)
        await page.reload()
        await expect(page.locator("#line")).to_have_text("オフライン 2件待ち")
        await picture(page, "counter-offline", full=True)
        assert await call.sales(member) == []
        await leave(context)
        await context.set_offline(False)
        await begin(page, stack, TARO)
        await expect(page.locator("#waiting .act")).to_have_count(2)
        await expect(page.locator("#waiting .act").first).to_contain_text("花子の操作です")
        await picture(page, "counter-theirs", full=True)
        assert await call.sales(member) == []
        await leave(context)
        await begin(page, stack, HANAKO)
        await expect(page.locator("#waiting .act")).to_have_count(0)
        await expect(page.locator("#acts .act").first).to_contain_text("900")
        await expect(page.locator("#acts .act").nth(1)).to_contain_text("700")
        assert await call.sales(member) == [700, 900]
        assert await call.balance(member) == 116
        await take_over(page, "太郎")
        await context.close()


async def take_over(page: Page, name: str) -> None:
    """Somebody else goes on at this device, by PIN."""
    await page.locator(".menu summary").click()
    await page.locator("#switch-open").click()
    await page.get_by_role("radio", name=name).check()
    await type_in(page, PIN)
    await page.keyboard.press("Enter")
    await expect(page.locator(f"#main[data-staff-name='{name}']")).to_be_attached()
    await expect(page.locator("#code")).to_be_focused()


async def buy_offline(page: Page, code: str, total: str, waiting: int) -> None:
    await read_by_wedge(page, code)
    await expect(page.locator("#view-panel")).to_be_visible()
    await expect(page.locator("#member-name")).to_have_text("お客様")
    await type_in(page, total)
    await page.keyboard.press("Enter")
    await done(page, "この端末に預かりました")
    await expect(page.locator("#waiting .act")).to_have_count(waiting)
    await page.keyboard.press("Enter")
    await expect(page.locator("#code")).to_be_focused()


async def test_an_answer_that_was_lost(stack: Stack, browser: Browser) -> None:
    """It happened, and nobody was told: sent again with the same key, it happens once."""
    await hire(stack, HANAKO, "花子")
    async with api(stack) as call:
        member = await call.member("伊藤 実")
        context = await browser.new_context(locale="ja-JP", service_workers="block")
        page = await context.new_page()
        await begin(page, stack, HANAKO)
        lost: list[str] = []

        async def lose(route: Route) -> None:
            lost.append(route.request.headers["idempotency-key"])
            answer = await route.fetch()
            if len(lost) == 1:
                assert answer.status in (201, 202)
                await route.abort()
            else:
                await route.fulfill(response=answer)

        await page.route("**/v1/counter/purchases", lose)
        await serve(page, member)
        await type_in(page, "1200")
        await expect(page.locator("#preview-main")).to_contain_text("+12")
        await page.keyboard.press("Enter")
        await done(page, "この端末に預かりました")
        await expect(page.locator("#acts .act").first).to_contain_text("1,200")
        await expect(page.locator("#waiting .act")).to_have_count(0)
        assert len(lost) == 2 and lost[0] == lost[1]
        assert await call.sales(member) == [1200]
        assert await call.balance(member) == 112
        await context.close()


async def test_what_is_refused_later_is_told(stack: Stack, browser: Browser) -> None:
    """A card that nobody has: it stays in the list with the reason until somebody has read it."""
    await hire(stack, HANAKO, "花子")
    async with api(stack) as call:
        member = await call.member("渡辺 恵")
        context = await browser.new_context(locale="ja-JP")
        page = await context.new_page()
        await begin(page, stack, HANAKO)
        await context.set_offline(True)
        await buy_offline(page, code_of(stack, member, seconds_ago=600), "300", 1)
        await context.set_offline(False)
        refused = page.locator("#waiting .act.refused")
        await expect(refused).to_contain_text("コードの有効時間が過ぎています")
        await picture(page, "counter-refused-later", full=True)
        await refused.get_by_role("button").click()
        await expect(page.locator("#waiting .act")).to_have_count(0)
        assert await call.sales(member) == []
        assert re.fullmatch("接続中", await page.locator("#line-words").inner_text())
        await context.close()
