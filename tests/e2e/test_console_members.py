"""An owner and one of their customers: found while typing, helped, merged, and all of it in the
story; in each guise of the page."""

import re
from typing import Any

import aiohttp
import pytest
from playwright.async_api import expect

from deploy.local.stack import Stack
from shared import ids
from tests.e2e.looking import DESKTOP, PHONE, Look
from tests.e2e.signing_in import owner_signs_in

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

TABLET = (820, 1100)
CONSENT = {"profile": {"given": True, "source": "申込書"}}


async def call(stack: Stack, method: str, path: str, body: Any = None) -> Any:
    headers = {
        "Authorization": f"Bearer {stack.env['OWNER_API_KEY']}",
        "Idempotency-Key": ids.new_id().hex,
    }
    async with (
        aiohttp.ClientSession(stack.env["EDGE_URL"], headers=headers) as http,
        http.request(method, path, json=body) as answer,
    ):
        assert answer.status < 300, await answer.text()
        return await answer.json()


async def customer(stack: Stack, name: str, kana: str, phone: str, points: int) -> str:
    """Somebody with a name and points."""
    made = await call(stack, "POST", "/v1/members", {"phone": phone})
    fields = {"name": name, "name_kana": kana}
    path = f"/v1/members/{made['id']}"
    await call(stack, "PATCH", path, {"fields": fields, "consent": CONSENT})
    body = {"points": points, "reason": "紙のカードから"}
    await call(stack, "POST", f"{path}/adjustments", body)
    return str(made["id"])


async def test_an_owner_finds_a_member_by_typing_and_helps_them(stack: Stack, visitor: Any) -> None:
    digits = f"{int(ids.new_id().hex[-8:], 16) % 10**7:07d}"
    one = await customer(stack, "栗花落 澄", "ツユリ スミ", f"0901{digits}", 120)
    await customer(stack, "栗花落 すみ", "ツユリ スミ", f"0801{digits}", 30)
    bought = {
        "store": "main",
        "member": {"id": one},
        "total": 1980,
        "occurred_at": "2026-11-27T12:00:00+09:00",
        "lines": [
            {"amount": 980, "sku": "A-1", "name": "深煎り珈琲豆", "quantity": 1},
            {"amount": 1000, "sku": "B-2", "name": "焼き菓子", "quantity": 2},
        ],
    }
    await call(stack, "POST", "/v1/purchases", bought)
    async with visitor(Look(*DESKTOP)) as (page, seen):
        await owner_signs_in(page, stack, "/console/members")
        box = page.get_by_role("searchbox", name="会員を探す")
        await box.press_sequentially("つゆり", delay=30)
        people = page.locator("#found a.person")
        await expect(people).to_have_count(2)
        await expect(page).to_have_url(re.compile(r"q=%E3%81%A4"))
        await seen.picture("members-found")
        await seen.fits()
        await box.fill(f"0901{digits}"[-4:])
        await expect(people.first).to_contain_text("栗花落")
        await box.fill("栗花落 澄")
        await expect(people).to_have_count(1)
        await box.press("ArrowDown")
        await expect(people.first).to_be_focused()
        await page.keyboard.press("ArrowUp")
        await expect(box).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(f"/console/members/{one}$"))
        await expect(page.locator(".told.purchase")).to_contain_text("1,980")

        await page.get_by_role("button", name="ポイントを調整").click()
        dialog = page.locator("#adjust")
        await dialog.get_by_label("ポイント").fill("-20")
        await expect(dialog.locator(".after")).to_contain_text(re.compile(r"調整後の残高.* → "))
        await dialog.get_by_label("理由").fill("二重に付けたため")
        await seen.picture("member-adjust")
        await dialog.get_by_role("button", name="この内容で調整する").click()
        await expect(page.locator(".told.adjust").first).to_contain_text("二重に付けたため")

        await page.get_by_label("新しいタグ").fill("常連")
        await page.get_by_role("button", name="付ける", exact=True).click()
        await expect(page.locator(".told.tags")).to_contain_text("タグ「常連」を付けました")

        await page.get_by_role("button", name="カードを統合").click()
        await page.get_by_label("統合する会員を探す").press_sequentially("栗花落", delay=30)
        other = page.locator("#merge-found button.person")
        await expect(other).to_have_count(1)
        await other.click()
        await expect(page.locator("#merge-preview")).to_contain_text("統合後の残高")
        await page.locator("#merge-preview").get_by_label("理由").fill("同じ人")
        await seen.picture("member-merge")
        await page.get_by_role("button", name="統合する", exact=True).click()
        await expect(page.locator(".told.merge")).to_contain_text("を統合")
        await expect(page.locator(".told.merge")).to_contain_text("同じ人")

        bought_item = page.locator(".told.purchase")
        await bought_item.locator("summary").click()
        await bought_item.get_by_role("button", name="返品する").click()
        refund = page.locator("#refund")
        await refund.get_by_label("商品ごと").check()
        await refund.get_by_label("焼き菓子").fill("1")
        await seen.picture("member-refund")
        await refund.get_by_role("button", name="返品する").click()
        await expect(page.locator(".told.refund").first).to_contain_text("ポイント")

        await page.get_by_role("button", name="統合を取り消す").click()
        await page.locator("#ask-unmerge").get_by_role("button", name="取り消す").click()
        await expect(page.locator(".told.unmerge")).to_contain_text("統合を取り消し")

        await page.get_by_role("button", name="データの写し").click()
        await page.locator("#export").get_by_role("button", name="まとめる").click()
        download = page.get_by_role("link", name="ダウンロード")
        await expect(download).to_be_visible(timeout=30_000)
        await seen.picture("member-export")
        await page.locator("#export [data-close]").click()
        # A part of another service that is not there yet is no complaint of the page's.
        seen.complaints = [each for each in seen.complaints if "/messages/of/" not in each]

    looks = [
        Look(*PHONE),
        Look(*PHONE, "en", True),
        Look(*TABLET, "ja", True),
        Look(*TABLET, "en"),
        Look(*DESKTOP),
        Look(*DESKTOP, "en", True),
    ]
    for look in looks:
        async with visitor(look) as (page, seen):
            await owner_signs_in(page, stack, f"/console/members/{one}")
            await seen.settled()
            await seen.picture(f"member-{look.name}", full=True)
            await seen.fits()
            await page.goto(f"{stack.env['EDGE_URL']}/console/members?q=%E6%A0%97")
            await seen.settled()
            await seen.picture(f"members-{look.name}", full=True)
            await seen.fits()
