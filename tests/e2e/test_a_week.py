"""From the first contact to a week later, on a clock that is moved: a customer with a telephone,
somebody at the counter, and the owner. The nights between come one by one.
"""

import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from email.utils import formatdate
from itertools import zip_longest
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, Route, expect

from deploy.local.stack import Stack
from shared import clock
from tests.e2e import moved_shop
from tests.e2e.counter_desk import Api, api, begin, done, hire, read_by_wedge, type_in
from tests.e2e.looking import DESKTOP, PHONE, Look, Watched
from tests.e2e.moved_shop import TOKYO, MovedShop
from tests.e2e.reading_codes import read
from tests.e2e.signing_in import owner_signs_in
from tests.e2e.test_card import sign_in
from tests.e2e.test_first_day import join, tap_menu
from tests.e2e.test_linking import send

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

MONDAY = datetime(2026, 6, 1, 12, 0, tzinfo=TOKYO)
WEEK = timedelta(days=7, hours=3)
TABLET = (820, 1180)
WAITING = "使える日時2026/06/04 12:00いま使えるポイント0 pt"
HANAKO, HARUKO = "hanako@example.com", "はるこ"
PROGRAM: dict[str, Any] = {
    "currency": "JPY",
    "time_zone": "Asia/Tokyo",
    "accrual": {"rules": [{"id": "base", "type": "spend", "per": 100, "points": 1}]},
    "pending": {"days": 3},
    "expiry": {"type": "fixed", "days": 14, "warn_days": [10]},
    "ranks": {
        "window": {"type": "rolling", "months": 12},
        "levels": [
            {"code": "bronze", "name": "ブロンズ", "requires": {"visits": 1}},
            {"code": "silver", "name": "シルバー", "requires": {"visits": 3}},
        ],
    },
    "welcome": {"points": 50},
}
"""What is bought for ¥100 is a point, three days later; all of them are good for two weeks."""

MOVED = """(() => {
  const [Real, ahead] = [Date, %d];
  globalThis.Date = class extends Real {
    static now() { return Real.now() + ahead; }
    constructor(...given) { super(...(given.length ? given : [Real.now() + ahead])); }
  };
})()"""
"""A device has the same time as the shop."""


@pytest_asyncio.fixture(loop_scope="session")
async def shop(stack: Stack) -> AsyncIterator[MovedShop]:
    """The demo shop on that Monday, with these rules."""
    with pytest.MonkeyPatch.context() as patch:
        async with moved_shop.opened(stack, MONDAY, patch) as opened:
            yield opened


async def test_from_the_first_contact_to_a_week_later(
    shop: MovedShop, visitor: Any, browser: Browser
) -> None:
    await hire(shop, HANAKO, "花子")
    async with api(shop) as call:
        await call("PUT", "/v1/program", PROGRAM)
        async with people(visitor) as (telephone, counter, office):
            card = await the_first_day(shop, telephone, counter, office)
            kept = [await after_a_week(each.page.context) for each in (telephone, counter, office)]
        await seven_nights(shop, call)
        async with people(visitor, *kept) as (telephone, counter, office):
            await telephone.page.goto(f"{shop.env['EDGE_URL']}/card")
            await sign_in(telephone.page, HARUKO)
            await what_became_of_it(telephone, card)
            await counter.page.goto(f"{shop.env['EDGE_URL']}/counter")
            await expect(counter.page).to_have_url(re.compile("/sign-in[?]next=%2Fcounter"))
            await begin(counter.page, shop, HANAKO)
            code = await read(browser, telephone.page.locator("#qr"))
            await spend(counter.page, code, "30")
            await telephone.page.reload()
            await expect(telephone.page.locator(".balance strong")).to_have_text("52")
            await expect(telephone.page.locator(".history .amount")).to_have_text(
                ["-30", "32", "50", "+32", "+50"]
            )
            await the_owner_looks_back(shop, office, call)
        await it_adds_up(shop, call, card)


async def the_first_day(
    shop: MovedShop, telephone: Watched, counter: Watched, office: Watched
) -> str:
    """Somebody follows the shop, buys something, and everybody sees it; the number of the card."""
    card = await join(telephone.page, shop, HARUKO, points=WAITING)
    await begin(counter.page, shop, HANAKO)
    await sell(counter.page, card, "3240", 32)
    told = telephone.page.locator(".got .flex-bubble").filter(has_text="ポイントが付きました")
    await expect(told).to_contain_text("+32pt使える日時2026/06/04 12:")
    await tap_menu(telephone.page, "会員証")
    sheet = telephone.page.frame_locator("#sheet-frame")
    await expect(sheet.locator(".balance strong")).to_have_text("0")
    await expect(sheet.locator(".pending dd")).to_have_text("82")
    await expect(sheet.locator(".rank")).to_have_text("ブロンズ")
    await telephone.picture("week-first-day-card")
    await telephone.fits()
    await owner_signs_in(office.page, shop)
    await expect(stat(office, "売上")).to_contain_text("¥3,240")
    await expect(stat(office, "来店")).to_contain_text("1")
    await expect(stat(office, "新しい会員")).to_contain_text("1")
    await expect(stat(office, "発行ポイント")).to_contain_text("82")
    await expect(stat(office, "会員が持つポイント")).to_contain_text("82")
    return card


async def seven_nights(shop: MovedShop, call: Api) -> None:
    """Each of them has its effects once; one that is run again has none."""
    assert await shop.nights(MONDAY + WEEK) == 7
    done = "SELECT (count(*), sum(activated), sum(expired), sum(warned))::text FROM points.nights"
    assert await shop.value(done) == "(7,1,0,1)"
    await call("POST", "/v1/schedules/nightly/run")
    await shop.until(moved_shop.OVER, 8)
    assert await shop.value(done) == "(8,1,0,1)"
    assert await shop.value("SELECT count(DISTINCT due_at) FROM scheduler.ticks") == 8


async def what_became_of_it(telephone: Watched, card: str) -> None:
    """What waited can be spent, and until when is told, on the card and once in the chat."""
    page = telephone.page
    await expect(page.locator(".balance strong")).to_have_text("82")
    await expect(page.locator(".pending")).to_have_count(0)
    await expect(page.locator(".soon")).to_have_text("82 ポイントは 2026年6月15日(月) まで")
    await expect(page.locator(".rank")).to_have_text("ブロンズ")
    assert (await page.locator(".digits").inner_text()).replace(" ", "") == card
    await telephone.picture("week-later-card")
    await telephone.fits()


async def the_owner_looks_back(shop: MovedShop, office: Watched, call: Api) -> None:
    """Today beside that Monday, and each day between."""
    await office.page.goto(f"{shop.env['EDGE_URL']}/console")
    await expect(office.page).to_have_url(re.compile("/sign-in[?]next=%2Fconsole"))
    await owner_signs_in(office.page, shop)
    await expect(stat(office, "売上")).to_contain_text("100%少ない")
    await expect(stat(office, "利用ポイント")).to_contain_text("30")
    await expect(stat(office, "会員が持つポイント")).to_contain_text("52")
    for chart, value in (("sales", 3240), ("points", 82), ("points", 30)):
        drawn = office.page.locator(f"figure:has(#{chart}-title) td[data-value='{value}']")
        await expect(drawn).to_have_count(1)
    await office.settled()
    await office.picture("week-later-console", full=True)
    await office.fits()
    days = await call("GET", "/v1/reports/days?from=2026-06-01&until=2026-06-08")
    assert days["complete"]
    shown = [
        (each["sales"], each["new_members"], each["points"]["issued"], each["points"]["used"])
        for each in days["items"]
    ]
    assert shown == [(3240, 1, 82, 0), *[(0, 0, 0, 0)] * 6, (0, 0, 0, 30)]
    assert [each["points"]["owed"] for each in days["items"]] == [82] * 7 + [52]


async def it_adds_up(shop: MovedShop, call: Api, card: str) -> None:
    """The ledger by itself, the member as the API tells them, and what was sent to them."""
    member = await call("GET", f"/v1/members/lookup?card={card}")
    points = {name: each for name, each in member["points"].items() if name != "missing_amount"}
    assert points == {
        "balance": 52,
        "pending": 0,
        "held": 0,
        "expiring": [{"points": 52, "at": "2026-06-15T15:00:00Z"}],
    }
    assert (member["rank"]["code"], member["lifetime"]["visits"]) == ("bronze", 1)
    entries = await call("GET", f"/v1/members/{member['id']}/entries")
    assert [each["amount"] for each in entries["items"]] == [-30, 0, 0, 32, 50]
    assert await shop.findings() == []
    users = await send("GET", f"{shop.env['SANDBOX_URL']}/sandbox/users")
    user = next(each["user_id"] for each in users["items"] if each["name"] == HARUKO)
    got = await send("GET", f"{shop.env['SANDBOX_URL']}/sandbox/users/{user}/messages")
    texts = [message["altText"] for each in got["items"] for message in each["messages"]]
    assert len([text for text in texts if "期限" in text]) == 1, texts


def stat(office: Watched, title: str) -> Locator:
    """One of today's numbers."""
    return office.page.locator("#numbers .stat").filter(has_text=title).first


@asynccontextmanager
async def people(visitor: Any, *kept: Any) -> AsyncIterator[list[Watched]]:
    """The customer's telephone, the counter's tablet, the owner's PC, on the shop's time."""
    looks = (Look(*PHONE), Look(*TABLET), Look(*DESKTOP))
    async with AsyncExitStack() as stack:
        seen = []
        for look, state in zip_longest(looks, kept):
            _, watched = await stack.enter_async_context(visitor(look, state))
            ahead = int(clock._offset.total_seconds() * 1000)
            await watched.page.context.add_init_script(MOVED % ahead)
            await watched.page.context.route("**/healthz", _healthy)
            seen.append(watched)
        yield seen


async def _healthy(route: Route) -> None:
    """The edge is alive. Its own time is the true one, and the counter goes by it."""
    date = formatdate(clock.now().timestamp(), usegmt=True)
    await route.fulfill(json={"status": "ok"}, headers={"Date": date})


async def sell(page: Page, card: str, total: str, points: int) -> None:
    """A purchase at the counter."""
    await read_by_wedge(page, card)
    await expect(page.locator("#view-panel")).to_be_visible()
    await type_in(page, total)
    await expect(page.locator("#preview-main")).to_contain_text(f"+{points}")
    await page.locator("#confirm").click()
    await done(page, str(points))


async def spend(page: Page, code: str, points: str) -> None:
    """Points are used at the counter."""
    await read_by_wedge(page, code)
    await expect(page.locator("#member-name")).to_have_text(HARUKO)
    await page.locator("label:has(input[value=redemption])").click()
    await type_in(page, points)
    await page.locator("#confirm").click()
    await done(page, points)


async def after_a_week(context: BrowserContext) -> Any:
    """What is left of what this browser keeps: a cookie whose time is over is gone."""
    state = await context.storage_state()
    ends = time.time() + WEEK.total_seconds()
    state["cookies"] = [
        {**each, "expires": each["expires"] - WEEK.total_seconds() if each["expires"] > 0 else -1}
        for each in state["cookies"]
        if each["expires"] < 0 or each["expires"] > ends
    ]
    return state
