"""The judges of pages themselves: what is broken on purpose is found, what is sound passes."""

from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.e2e.accessibility import accessible
from tests.e2e.looking import watched

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOUND = (
    '<html lang="ja"><title>x</title><main><h1>会員</h1><p>十分な濃さ</p>'
    '<label for="a">名前</label><input id="a"><button>保存</button></main>'
)


async def opened(browser: Browser, body: str) -> tuple[Page, Any]:
    """A page as ours: under a policy that lets no script in, at a phone's width."""
    context = await browser.new_context(viewport={"width": 390, "height": 800})
    page = await context.new_page()
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    await page.route(
        "**/*",
        lambda route: route.fulfill(
            body=f"<!doctype html>{body}",
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": policy},
        ),
    )
    await page.goto("http://judged.localhost/")
    return page, await watched(page)


async def test_a_sound_page_passes(browser: Browser) -> None:
    page, seen = await opened(browser, SOUND)
    await accessible(page)
    await seen.fits()
    await page.context.close()


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ('<html lang="ja"><title>x</title><main><h1>a</h1><input></main>', "label"),
        ("<html><title>x</title><main><h1>a</h1></main>", "html-has-lang"),
        (
            '<html lang="ja"><title>x</title><main><h1>a</h1><p style="color:#aaa">薄い</p></main>',
            "color-contrast",
        ),
        ('<html lang="ja"><title>x</title><main><button><b></b></button></main>', "button-name"),
    ],
)
async def test_what_keeps_somebody_out_is_found(browser: Browser, broken: str, rule: str) -> None:
    page, _ = await opened(browser, broken)
    with pytest.raises(AssertionError, match=rule):
        await accessible(page)
    await page.context.close()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ('<p style="white-space:nowrap">' + "長い" * 60, "beyond the edge"),
        ('<p style="width:5em;overflow:hidden;white-space:nowrap">長い長い長い言葉', "cut off by"),
        ('<p>ひとつめ<p style="margin-top:-2.4em">ふたつめ', "one over the other"),
        (
            '<button style="position:relative;top:1em">上</button><br><button>下</button>',
            "over the other",
        ),
        ('<section style="width:20em"><div style="width:30em;height:1em">', "scrolls sideways"),
    ],
)
async def test_what_looks_broken_is_found(browser: Browser, broken: str, words: str) -> None:
    page, seen = await opened(browser, broken)
    with pytest.raises(AssertionError, match=words):
        await seen.fits()
    await page.context.close()


@pytest.mark.parametrize(
    "sound",
    [
        '<p style="width:3em;overflow:hidden;white-space:nowrap;text-overflow:ellipsis">長い長い',
        '<div style="overflow-x:auto"><p style="white-space:nowrap">' + "長い" * 60,
        '<p style="position:absolute;width:1px;height:1px;overflow:hidden">読み上げる言葉',
        "<label><input type=checkbox>はい</label><ul><li>一<li>二</ul>",
    ],
)
async def test_what_is_meant_so_is_left_alone(browser: Browser, sound: str) -> None:
    page, seen = await opened(browser, sound)
    await seen.fits()
    await page.context.close()


async def test_what_is_folded_away_is_looked_at_too(browser: Browser) -> None:
    folded = (
        '<html lang="ja"><title>x</title><main><h1>a</h1><details><summary>もっと</summary><input>'
        '</details><dialog id="d"><button></button></dialog></main>'
    )
    page, seen = await opened(browser, folded)
    await accessible(page)
    await seen.unfold()
    with pytest.raises(AssertionError, match="label"):
        await accessible(page)
    assert await seen.dialogs() == ["d"]
    await seen.show("d")
    with pytest.raises(AssertionError, match="button-name"):
        await accessible(page, "#d")
    await page.context.close()
