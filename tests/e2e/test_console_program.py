"""An owner and their rules: changed, tried on past purchases, published, taken back; ranks with who
would move; a segment built and counted. And whatever document there is, the editor keeps it."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from deploy.local.stack import Stack
from services.points.rules import differences
from services.points.rules.program import parse
from tests.e2e.accessibility import accessible
from tests.e2e.documents import Writer
from tests.e2e.looking import DESKTOP, PHONE, Look, Watched
from tests.e2e.signing_in import owner_signs_in
from tests.e2e.test_first_day import make_regular

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

EDITOR = "/console/program/edit"
DOCUMENTS = 30
RETYPED = 3

_TOLD = """
  const json = document.getElementById("json");
  const tell = (control, ...kinds) => {
    for (const kind of kinds) control.dispatchEvent(new Event(kind, { bubbles: true }));
  };
  const controls = (of) => [...document.querySelectorAll(`#forms [data-at] ${of}`)];
"""
_COME_BACK = """
((documents) => {%s
  return documents.filter((each) => {
    json.value = JSON.stringify(each, null, 2);
    const before = json.value;
    tell(json, "input");
    for (const control of [...controls("input"), ...controls("select")]) {
      tell(control, "input", "change");
    }
    return json.value !== before;
  });
})(%s)
"""
_THERE_AND_BACK = """
((written) => {%s
  json.value = JSON.stringify(written, null, 2);
  tell(json, "input");
  for (const control of controls("input")) {
    if (!control.isConnected || control.closest("[hidden], .chips")) continue;
    if (control.type === "checkbox") { control.click(); control.click(); continue; }
    if (control.type !== "text") continue;
    const before = control.value;
    control.value = before + "9";
    tell(control, "input");
    control.value = before;
    tell(control, "input", "change");
  }
  return JSON.parse(json.value);
})(%s)
"""
"""Every value is changed and changed back."""


@pytest.fixture(scope="module")
def regular(stack: Stack) -> str:
    return make_regular(stack.env)


@pytest_asyncio.fixture(loop_scope="session")
async def owner(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    """The API with the owner's key. What was published is taken back at the end: others go on."""
    headers = {"authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}
    async with aiohttp.ClientSession(stack.env["EDGE_URL"], headers=headers) as http:
        async with http.get("/v1/program") as answer:
            before = await answer.json()
        yield http
        async with http.delete("/v1/program/draft") as answer:
            assert answer.status == 204
        async with http.put("/v1/program", json=before) as answer:
            assert answer.status == 200


async def evaluated(page: Page, expression: str) -> Any:
    """What the expression comes to in the page; its policy forbids Playwright's own way."""
    devtools = await page.context.new_cdp_session(page)
    call = {"expression": expression, "returnByValue": True}
    answer = await devtools.send("Runtime.evaluate", call)
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"]["value"]


async def typed(page: Page, document: dict[str, Any]) -> str:
    """The document as it is written into the editor by hand."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    await page.locator("#json").fill(text)
    return text


async def ready(page: Page) -> None:
    """The editor's script has put the document on the page."""
    await expect(page.locator("#editor[data-ready], #builder[data-ready]")).to_be_attached()


async def part(page: Page, name: str) -> Any:
    """A part of the editor, opened."""
    found = page.locator(f"#part-{name}")
    await opened(found)
    return found


async def opened(details: Any) -> None:
    if await details.get_attribute("open") is None:
        await details.locator("> summary").click()
    await expect(details).to_have_attribute("open", "")


async def kept(page: Page) -> None:
    """The draft is on the server: a save still on its way would outlive the test."""
    await expect(page.locator("#editor [data-saved]")).to_have_text("下書きを保存しました")


async def test_every_document_comes_back_from_the_editor_as_it_was(
    stack: Stack, visitor: Any, owner: aiohttp.ClientSession
) -> None:
    async with visitor(Look(*DESKTOP)) as (page, _):
        await owner_signs_in(page, stack, EDITOR)
        await ready(page)
        await page.locator(".switch").get_by_text("文書").click()
        documents = Writer(20261128).documents(DOCUMENTS)
        assert await evaluated(page, _COME_BACK % (_TOLD, json.dumps(documents))) == []
        for document in documents[:RETYPED]:
            after = await evaluated(page, _THERE_AND_BACK % (_TOLD, json.dumps(document)))
            assert differences.between(parse(document), parse(after)) == []
        future = {**documents[0], "future": {"of": [1, {"things": None}]}}
        await typed(page, future)
        points = page.locator("[data-at='welcome.points'] input")
        await (await part(page, "gifts")).locator("> summary").scroll_into_view_if_needed()
        await points.fill("321")
        after = json.loads(await page.locator("#json").input_value())
        assert after["welcome"]["points"] == 321
        assert after["future"] == future["future"]
        await kept(page)


async def test_an_owner_changes_a_rule_tries_it_publishes_it_and_goes_back(
    stack: Stack, visitor: Any, regular: str, owner: aiohttp.ClientSession
) -> None:
    async with visitor(Look(*DESKTOP)) as (page, seen):
        await owner_signs_in(page, stack, "/console/program")
        await expect(page.locator("#example")).to_contain_text("ランクなし10ポイント")
        await page.get_by_role("link", name="編集する").click()
        await change_the_rule(page, seen)
        await a_draft_is_there_on_another_device(page, seen, stack)
        await backtest(page, seen)
        await publish(page, seen)
        await expect(page.locator("#example")).to_contain_text("ランクなし20ポイント")
        await go_back(page, seen)
        async with owner.get("/v1/program") as answer:
            assert (await answer.json())["accrual"]["rules"][0]["points"] == 1


async def change_the_rule(page: Page, seen: Watched) -> None:
    """Twice the points; a wrong value is told where it stands; what changes is said in words."""
    await ready(page)
    rules = await part(page, "rules")
    await opened(rules.locator("[data-item] > details").first)
    points = rules.locator("[data-at=points] input").first
    await points.fill("たくさん")
    await expect(rules.locator("[data-at=points] .error").first).to_contain_text("整数で入力")
    await expect(page.locator("[data-publish]")).to_be_disabled()
    await points.fill("２")
    await expect(page.locator("[data-differences]").first).to_contain_text("1ポイント → 2ポイント")
    await expect(rules.locator("[data-item-said]").first).to_have_text("100円ごとに2ポイント")
    await page.locator(".switch").get_by_text("計算").click()
    await expect(page.locator("[data-now]")).to_have_text("10")
    await expect(page.locator("[data-mine]")).to_have_text("20")
    await page.locator(".switch").get_by_text("変更点").click()
    await kept(page)
    await seen.fits()
    await accessible(page)
    await seen.picture("console-program-edit", full=True)


async def a_draft_is_there_on_another_device(page: Page, seen: Watched, stack: Stack) -> None:
    """It is kept on the server; what two devices change is put together."""
    other = await page.context.new_page()
    await other.goto(f"{stack.env['EDGE_URL']}{EDITOR}")
    await ready(other)
    await expect(other.locator("[data-differences]").first).to_contain_text("2ポイント")
    gifts = await part(other, "gifts")
    await gifts.locator("[data-at='welcome.points'] input").fill("77")
    await kept(other)
    await other.close()
    rules = page.locator("#part-rules")
    await rules.locator("[data-at=name] input").first.fill("<b>お買い上げ</b>")
    await expect(page.locator(".toast")).to_contain_text("合わせました")
    changes = page.locator("[data-differences]").first
    await expect(changes).to_contain_text("50ポイント → 77ポイント")
    await expect(changes).to_contain_text("<b>お買い上げ</b>")
    seen.complaints = [each for each in seen.complaints if "409" not in each]


async def backtest(page: Page, seen: Watched) -> None:
    """On all past purchases: what it would have cost, who gains."""
    await page.locator("[data-try]").click()
    await expect(page).to_have_url(re.compile("/console/program/backtests"))
    await page.get_by_label("期間").select_option("all")
    await page.get_by_role("button", name="試算をはじめる").click()
    await expect(page.locator("#run")).to_contain_text("会員ごとに見ると", timeout=60_000)
    await expect(page.locator("#run h2").first).to_contain_text("増える会員")
    await expect(page.locator("figure[data-drawn]")).not_to_have_count(0)
    await seen.fits()
    await accessible(page)
    await seen.picture("console-program-backtest", full=True)


async def publish(page: Page, seen: Watched) -> None:
    """What changes stands in the question."""
    await page.goto(page.url.split("/console")[0] + EDITOR)
    await page.locator("[data-publish]").click()
    dialog = page.locator("#publish")
    await expect(dialog.locator("[data-differences]")).to_contain_text("1ポイント → 2ポイント")
    await seen.picture("console-program-publish")
    await dialog.get_by_role("button", name="公開する").click()
    await expect(page.locator(".toast")).to_have_text("公開しました")
    await expect(page.locator("#main")).to_contain_text("<b>お買い上げ</b>")


async def go_back(page: Page, seen: Watched) -> None:
    """To the version before, after a look at what that changes."""
    await page.get_by_role("link", name="履歴").first.click()
    newest = page.locator(".versions > li").first
    await expect(newest).to_contain_text("1ポイント → 2ポイント")
    await expect(newest).to_contain_text("オーナー")
    await seen.picture("console-program-history", full=True)
    await page.locator(".versions > li").nth(1).get_by_role("button").click()
    dialog = page.locator("dialog[open]")
    await expect(dialog).to_contain_text("2ポイント → 1ポイント")
    await dialog.get_by_role("button", name="戻す").click()
    await expect(page.locator(".toast")).to_contain_text("戻しました")
    await expect(page.locator(".versions > li").first).to_contain_text("2ポイント → 1ポイント")


async def test_who_published_meanwhile_loses_nobody_their_edits(
    stack: Stack, visitor: Any, owner: aiohttp.ClientSession
) -> None:
    async with visitor(Look(*PHONE)) as (page, seen):
        await owner_signs_in(page, stack, EDITOR)
        await ready(page)
        gifts = await part(page, "gifts")
        await gifts.locator("[data-at='welcome.points'] input").fill("88")
        await expect(page.locator("[data-state]")).to_have_text("変更 1件")
        async with owner.get("/v1/program") as answer:
            program = await answer.json()
        program["pending"] = {"days": 3}
        async with owner.put("/v1/program", json=program) as answer:
            assert answer.status == 200
        await page.locator("[data-publish]").click()
        await page.locator("#publish").get_by_role("button", name="公開する").click()
        overtaken = page.locator("#overtaken")
        await expect(overtaken).to_contain_text("0 → 3")
        await seen.fits()
        await seen.picture("console-program-overtaken")
        await overtaken.get_by_role("button", name="両方を合わせる").click()
        await expect(page.locator("[data-state]")).to_have_text("変更 1件")
        await page.locator("[data-publish]").click()
        await page.locator("#publish").get_by_role("button", name="公開する").click()
        await expect(page.locator(".toast")).to_have_text("公開しました")
        async with owner.get("/v1/program") as answer:
            both = await answer.json()
        assert (both["welcome"]["points"], both["pending"]["days"]) == (88, 3)
        seen.complaints = [each for each in seen.complaints if "412" not in each]


async def test_who_would_move_is_seen_before_ranks_are_published(
    stack: Stack, visitor: Any, regular: str, owner: aiohttp.ClientSession
) -> None:
    async with visitor(Look(*DESKTOP)) as (page, seen):
        await owner_signs_in(page, stack, "/console/ranks")
        await expect(page.locator(".rungs")).to_contain_text("ゴールド")
        await seen.picture("console-ranks", full=True)
        await page.get_by_role("link", name="編集する").click()
        await ready(page)
        await page.get_by_role("button", name="ランクを追加").click()
        level = page.locator("#part-ranks [data-item]").last
        await level.locator("[data-at=name] input").fill("プラチナ")
        await level.locator("[data-at='requires.visits'] input").fill("11")
        await expect(page.locator("[data-state]")).to_contain_text("変更")
        await page.locator("[data-preview]").click()
        await expect(page.locator("[data-moves]")).to_contain_text(
            re.compile("ゴールドプラチナすぐに")
        )
        await expect(page.locator("[data-examples] a")).not_to_have_count(0)
        await seen.fits()
        await accessible(page)
        await seen.picture("console-ranks-preview", full=True)
        await kept(page)


@pytest.mark.parametrize("look", [Look(*PHONE)], ids=lambda look: look.name)
async def test_a_segment_is_built_and_counted_and_stored(
    stack: Stack, visitor: Any, regular: str, owner: aiohttp.ClientSession, look: Look
) -> None:
    async with visitor(look) as (page, seen):
        await owner_signs_in(page, stack, "/console/segments/new")
        await ready(page)
        await page.locator("[data-add]").select_option(label="来店回数")
        card = page.locator(".condition")
        await card.get_by_label("直近の何日間で").fill("")
        await card.get_by_label("これ以上").fill("24")
        await expect(page.locator("[data-words]")).to_contain_text("24 回以上")
        await expect(page.locator("[data-count]")).to_have_text(re.compile("^[1-9][0-9,]*人$"))
        await expect(page.locator("#sample a").first).to_be_visible()
        await card.get_by_text("以外").click()
        await expect(page.locator("[data-words]")).to_contain_text("以外")
        await card.get_by_text("以外").click()
        await card.get_by_label("これ以上").fill("-1")
        await expect(card.locator(".error").first).to_contain_text("整数")
        await card.get_by_label("これ以上").fill("24")
        await page.locator("[data-add-group]").click()
        await page.locator(".group .group [data-add]").select_option(label="LINE")
        await expect(page.locator("[data-words]")).to_contain_text("LINE で届く")
        await seen.fits()
        await accessible(page)
        await page.get_by_label("名前").fill("<img src=x onerror=alert(1)>")
        await page.get_by_label("コード").fill("often-here")
        await page.get_by_role("button", name="保存する").click()
        await expect(page.locator(".toast")).to_have_text("保存しました")
        await expect(page.locator("h1")).to_have_text("<img src=x onerror=alert(1)>")
        await expect(page.get_by_role("link", name="メッセージを送る")).to_have_attribute(
            "href", "/console/messages/broadcasts/new?segment=often-here"
        )
        async with owner.get("/v1/segments/often-here") as answer:
            stored = (await answer.json())["definition"]
        assert stored == {"all": [{"visits": {"min": 24}}, {"any": [{"line": "reachable"}]}]}
        await page.get_by_role("button", name="削除", exact=True).click()
        question = page.locator("dialog[open]")
        await expect(question).to_contain_text("このセグメントを使う下書きや予約はありません")
        await question.get_by_role("button", name="削除する").click()
        await expect(page).to_have_url(re.compile("/console/segments$"))
