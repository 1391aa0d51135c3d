"""An owner moves in: cards from a file, tried out, taken in, undone; and takes everything out."""

from typing import Any

import pytest
from playwright.async_api import expect

from deploy.local.stack import Stack
from tests.e2e.accessibility import accessible
from tests.e2e.looking import PHONE, Look
from tests.e2e.signing_in import owner_signs_in

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

CARDS = "カード番号,ポイント\nE-1,30\nE-2,1.5\nE-3,40\n"


async def test_cards_come_from_a_file_and_go_again(stack: Stack, visitor: Any) -> None:
    async with visitor(Look(*PHONE)) as (page, seen):
        await owner_signs_in(page, stack, "/console/import")
        await page.get_by_text("紙のカード").click()
        file = {"name": "旧カード.csv", "mimeType": "text/csv", "buffer": CARDS.encode("cp932")}
        await page.set_input_files("#file", file)  # type: ignore[arg-type]
        await expect(page.locator("[data-chosen]")).to_have_text("旧カード.csv")
        await page.get_by_role("button", name="次へ").click()
        await expect(page.get_by_role("heading", name="列の意味")).to_be_visible()
        await seen.picture("console-import-columns", full=True)
        await seen.fits()
        await accessible(page)
        await page.get_by_role("button", name="試し取り込みをする").click()
        await expect(page.get_by_role("heading", name="取り込みますか")).to_be_visible()
        await expect(page.locator("#rows")).to_contain_text("3行目")
        await seen.picture("console-import-checked", full=True)
        await seen.fits()
        await accessible(page)
        await page.get_by_role("button", name="取り込む", exact=True).click()
        await page.locator("dialog[open]").get_by_role("button", name="取り込む").click()
        await expect(page.get_by_text("取り込みが終わりました")).to_be_visible()
        await page.get_by_role("button", name="取り込みを取り消す").click()
        await page.locator("dialog[open]").get_by_role("button", name="取り消す").click()
        await expect(page.get_by_text("2 行を取り消しました")).to_be_visible()
        await page.goto(f"{stack.env['EDGE_URL']}/console/export")
        await page.get_by_role("button", name="書き出しを始める").click()
        ready = page.get_by_role("link", name="受け取る")
        await expect(ready).to_be_visible()
        async with page.expect_download() as download:
            await ready.click()
        assert (await download.value).suggested_filename.endswith(".zip")
