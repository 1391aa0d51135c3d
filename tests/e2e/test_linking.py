"""A customer brings their plastic card to LINE: asks in chat, names the card on the page, and comes
back through LINE's own dialog."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from playwright.async_api import expect

from deploy.local.stack import Stack
from tests.e2e.looking import PHONE, Look

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]


async def send(method: str, url: str, body: Any = None, **headers: str) -> Any:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body, headers=headers) as answer,
    ):
        assert answer.status < 300, await answer.text()
        return await answer.json()


async def told(sandbox: str, user: str, wanted: Callable[[Any], Any]) -> Any:
    """The first message to the user of which `wanted` gives something."""
    deadline = time.monotonic() + 60
    while True:
        received = await send("GET", f"{sandbox}/sandbox/users/{user}/messages")
        for item in received["items"]:
            for message in item["messages"]:
                if found := wanted(message):
                    return found
        assert time.monotonic() < deadline, received
        await asyncio.sleep(0.1)


def button(message: Any) -> str | None:
    """The address of a button that leads to the page."""
    actions = message.get("template", {}).get("actions", [])
    found = [each["uri"] for each in actions if "/link?linkToken=" in each.get("uri", "")]
    return found[0] if found else None


async def test_a_card_is_linked_through_lines_own_dialog(stack: Stack, visitor: Any) -> None:
    edge, sandbox = stack.env["EDGE_URL"], stack.env["SANDBOX_URL"]
    owner = {"authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}
    made = await send(
        "POST",
        f"{edge}/v1/members",
        {"phone": "090-9999-0001"},
        **owner,
        **{"idempotency-key": "l"},
    )
    user = (await send("POST", f"{sandbox}/sandbox/users", {"name": "かずこ"}))["user_id"]
    await send("POST", f"{sandbox}/sandbox/users/{user}/follow")
    await send("POST", f"{sandbox}/sandbox/users/{user}/say", {"text": "カード連携"})
    address = await told(sandbox, user, button)
    assert address.startswith(edge)
    look = Look(*PHONE)
    async with visitor(look) as (page, seen):
        await page.goto(address)
        await expect(page.get_by_role("heading", name="カードをLINEに連携する")).to_be_visible()
        await page.get_by_label("カード番号（13桁）").fill(made["card"])
        await page.get_by_label("お店に登録した電話番号").fill("090-9999-0002")
        await page.get_by_role("button", name="連携する").first.click()
        await expect(page.get_by_role("alert")).to_contain_text("見つかりません")
        await seen.picture(f"link-refused-{look.name}", full=True)
        await seen.fits()
        assert all("422" in each for each in seen.complaints)  # the browser tells of the refusal
        seen.complaints.clear()
        await page.get_by_label("お店に登録した電話番号").fill("+81 90 9999 0001")
        await page.get_by_role("button", name="連携する").first.click()
        await expect(page.locator("body")).to_contain_text("トークにお戻りください")
    done = await told(sandbox, user, lambda message: "連携が完了" in message.get("text", ""))
    assert done
    linked = await send("GET", f"{edge}/v1/members/lookup?line_user_id={user}", **owner)
    assert (linked["id"], linked["points"]["balance"]) == (made["id"], 50)
