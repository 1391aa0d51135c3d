"""Every page there is, looked at in each guise: an area of the navigation is one of this test too.

Each area's page in Japanese by daylight and in English by night, and one page of each kind that it
links to in either, at three widths: nothing keeps anybody out, nothing is cut off or lies over
something else, everything can be touched. With PICTURES=1 the pictures are in
`.local/screenshots/page-*`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from deploy.local.stack import Stack
from shared.web import navigation
from tests.e2e.accessibility import accessible
from tests.e2e.looking import Watched, watched
from tests.e2e.test_first_day import make_regular

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

PHONE, TABLET, DESKTOP = 390, 820, 1280
HEIGHTS = {PHONE: 844, TABLET: 1100, DESKTOP: 900}
GUISES = ("390-ja-light", "1280-en-dark")
AREAS = [area.address for group in navigation.GROUPS for area in group.areas]
NOT_IN_THE_NAVIGATION = ["/console/components", "/console/account"]
FOR_ANYBODY = ["/", "/sign-in", "/join/nowhere", "/invitation/none", "/console/nothing-here"]
LINES = ["/card"]
"""Opened in LINE: the sandbox says who looks."""


class Reader(NamedTuple):
    """Somebody's browser with one page that is used again and again. `own` is its usual width."""

    guise: str
    own: int
    seen: Watched

    async def open(self, url: str) -> int:
        """Open it and wait until its parts have come; the HTTP status."""
        self.seen.complaints.clear()
        answer = await self.seen.page.goto(url)
        await self.seen.settled()
        return answer.status if answer else 200

    async def at(self, width: int) -> Watched:
        """The page at this width."""
        size = {"width": width, "height": HEIGHTS[width]}
        if self.seen.page.viewport_size != size:
            await self.seen.page.set_viewport_size(size)  # type: ignore[arg-type]
            await self.seen.settled()  # charts follow a frame later
        return self.seen


class Readers(NamedTuple):
    """One in Japanese by daylight, one in English by night; and what was looked at already."""

    day: Reader
    night: Reader
    done: set[str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def staff(stack: Stack, browser: Browser) -> AsyncIterator[Readers]:
    """The demo's owner, signed in once."""
    cookies = await _sign_in(stack)
    async for readers in _readers(browser, cookies):
        yield readers


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def anybody(browser: Browser) -> AsyncIterator[Readers]:
    async for readers in _readers(browser, []):
        yield readers


@pytest.fixture(scope="module")
def regular(stack: Stack) -> Iterator[str]:
    yield make_regular(stack.env)


async def _sign_in(stack: Stack) -> list[dict[str, str]]:
    edge = stack.env["EDGE_URL"]
    form = {"login": stack.env["OWNER_LOGIN"], "password": stack.env["OWNER_PASSWORD"], "next": ""}
    jar = aiohttp.CookieJar(unsafe=True)  # the address is an IP
    async with (
        aiohttp.ClientSession(edge, cookie_jar=jar) as http,
        http.post(
            "/session/sign-in", data=form, headers={"Origin": edge}, allow_redirects=False
        ) as answer,
    ):
        assert answer.status == 303, await answer.text()
        given = answer.cookies.values()
        return [
            {"name": each.key, "value": each.value, "url": edge + (each["path"] or "/")}
            for each in given
        ]


async def _readers(browser: Browser, cookies: list[dict[str, str]]) -> AsyncIterator[Readers]:
    contexts = [
        await browser.new_context(locale=locale, color_scheme=scheme, timezone_id="Asia/Tokyo")
        for locale, scheme in (("ja-JP", "light"), ("en-US", "dark"))
    ]
    for context in contexts:
        await context.add_cookies(cookies)  # type: ignore[arg-type]
    day, night = [
        Reader(guise, own, await watched(await context.new_page()))
        for context, guise, own in zip(contexts, GUISES, (PHONE, DESKTOP), strict=True)
    ]
    yield Readers(day, night, set())
    for context in contexts:
        await context.close()


async def judged(reader: Reader, url: str, name: str, *, there: bool = False) -> None:
    """The page at every width in this reader's language and light. `there`: it is open already, at
    the reader's own width."""
    seen = reader.seen
    await reader.at(reader.own)
    if not there:
        await reader.open(url)
    await seen.picture(f"page-{name}-{reader.guise}", full=True)
    await seen.fits()
    await seen.unfold()
    await accessible(seen.page)
    for width in sorted(HEIGHTS, key=lambda each: each != reader.own):
        await reader.at(width)
        await seen.fits()
        if width == PHONE:
            await seen.touchable()
    await reader.at(reader.own)
    for dialog in await seen.dialogs():
        await seen.show(dialog)
        await seen.fits()
        await accessible(seen.page, f"#{dialog}")


async def judged_by_both(readers: Readers, url: str, name: str, *, there: bool = False) -> None:
    """At the same time; what either finds is told. `there`: the day's reader has it open."""
    day, night = readers.day, readers.night
    both = judged(day, url, name, there=there), judged(night, url, name)
    found = [each for each in await asyncio.gather(*both, return_exceptions=True) if each]
    if found:
        raise AssertionError("\n\n".join(str(each) for each in found))


def uncomplaining(readers: Readers) -> None:
    assert readers.day.seen.complaints + readers.night.seen.complaints == []


def name_of(path: str) -> str:
    return path.strip("/").replace("/", "-").replace("*", "one") or "front"


async def pages_within(readers: Readers, area: str) -> dict[str, str]:
    """Where the page leads inside its area, by kind."""
    links = await readers.day.seen.links()
    inside = {kind: path for kind, path in links.items() if path.startswith(f"{area}/")}
    return {kind: path for kind, path in inside.items() if kind not in readers.done}


@pytest.mark.parametrize("area", [*AREAS, *NOT_IN_THE_NAVIGATION], ids=name_of)
async def test_pages_of_the_shop(stack: Stack, staff: Readers, regular: str, area: str) -> None:
    edge = stack.env["EDGE_URL"]
    await staff.day.at(staff.day.own)
    assert await staff.day.open(edge + area) == 200
    within = await pages_within(staff, area) if area != "/console" else {}
    found = []
    for kind, path in {area: area, **within}.items():
        staff.done.add(kind)
        try:
            if path == area:
                await judged_by_both(staff, edge + path, name_of(kind), there=True)
            else:
                reader = staff.night if len(staff.done) % 2 else staff.day
                await judged(reader, edge + path, name_of(kind))
            uncomplaining(staff)
        except AssertionError as error:
            found.append(str(error))
    assert not found, "\n\n".join(found)


async def test_a_daily_time_is_told_in_words(stack: Stack, staff: Readers) -> None:
    for reader, told in ((staff.day, "毎日 03:30 Asia/Tokyo"), (staff.night, "every day at 03:30")):
        await reader.open(f"{stack.env['EDGE_URL']}/console/schedules")
        assert told in await reader.seen.page.locator("#schedules").inner_text()


@pytest.mark.parametrize("path", FOR_ANYBODY, ids=name_of)
async def test_pages_for_anybody(stack: Stack, anybody: Readers, path: str) -> None:
    await judged_by_both(anybody, stack.env["EDGE_URL"] + path, name_of(path))


@pytest.mark.parametrize("path", LINES, ids=name_of)
async def test_pages_in_line(stack: Stack, anybody: Readers, regular: str, path: str) -> None:
    url = f"{stack.env['EDGE_URL']}{path}?look#sandbox-user={regular}"
    assert await anybody.day.open(url) == 200
    await judged_by_both(anybody, url, name_of(path))


async def test_the_sandbox(stack: Stack, anybody: Readers, regular: str) -> None:
    await judged_by_both(anybody, f"{stack.env['SANDBOX_URL']}/#{regular}", "sandbox")
    uncomplaining(anybody)
