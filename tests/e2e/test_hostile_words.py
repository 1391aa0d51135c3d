"""Words that would like to be part of a page, where people see them: they stay words. What a page
complains of, a refused script for one, fails the test as well.
"""

from typing import Any

import pytest
from playwright.async_api import expect

from deploy.local.stack import Stack
from tests.e2e.counter_desk import api, begin, hire, read_by_wedge
from tests.e2e.looking import DESKTOP, PHONE, Look, Watched
from tests.e2e.signing_in import owner_signs_in
from tests.e2e.test_card import newcomer, owner, undress
from tests.e2e.test_console_messages import RECEIPT
from tests.e2e.test_linking import send

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

EVIL = "<img src=x onerror=alert(1)>"


async def stays_words(seen: Watched, place: str) -> None:
    """It stands there letter by letter, and is no picture anywhere on the page."""
    await expect(seen.page.locator(place).first).to_contain_text("<img src=x")
    await expect(seen.page.locator("img[src=x]")).to_have_count(0)


async def test_names_and_notes_at_the_counter_and_in_the_console(
    stack: Stack, visitor: Any
) -> None:
    await hire(stack, "evil@example.com", EVIL)
    async with (
        api(stack) as call,
        visitor(Look(*PHONE)) as (counter, at_counter),
        visitor(Look(*DESKTOP)) as (office, in_office),
    ):
        member = await call.member(EVIL)
        gift = {"points": 5, "reason": EVIL}
        await call("POST", f"/v1/members/{member['id']}/adjustments", gift)
        await begin(counter, stack, "evil@example.com")
        await read_by_wedge(counter, member["card"])
        await stays_words(at_counter, "#member-name")
        await owner_signs_in(office, stack, f"/console/members/{member['id']}")
        await stays_words(in_office, "h1")
        await stays_words(in_office, ".told.adjust")
        await office.goto(f"{stack.env['EDGE_URL']}/console/members")
        await office.get_by_role("searchbox", name="会員を探す").fill(EVIL)
        await stays_words(in_office, "#found a.person")
        await office.goto(f"{stack.env['EDGE_URL']}{RECEIPT}")
        await office.locator("#words input").nth(1).fill(EVIL)
        await stays_words(in_office, "#preview")


async def test_names_on_the_card(stack: Stack, visitor: Any) -> None:
    edge = stack.env["EDGE_URL"]
    user = await newcomer(stack, EVIL)
    await send("PUT", f"{edge}/v1/brand", {"name_ja": EVIL, "name_en": EVIL}, **owner(stack))
    try:
        async with visitor(Look(*PHONE)) as (page, seen):
            await page.goto(f"{edge}/card#sandbox-user={user}")
            await stays_words(seen, ".name")
            await stays_words(seen, ".shop")
    finally:
        await undress(stack)
