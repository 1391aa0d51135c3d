"""One private start of the whole product for all journeys, and a browser to make them with."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from deploy.local import binaries
from deploy.local.layout import DEFAULT_FOLDER
from deploy.local.server_units import SERVER_NAMES
from deploy.local.stack import Stack, scratch_folder
from tests.e2e.log_reading import leaks, private_words
from tests.e2e.looking import CHROMIUM_ARGUMENTS, Look, Watched, watched

HERE = Path(__file__).parent
READY_SECONDS = 180.0
LINES_BROWSER = (
    "Mozilla/5.0 (Linux; Android 16; Pixel 10 Build/BP2A; wv) AppleWebKit/537.36 (KHTML, like"
    " Gecko) Version/4.0 Chrome/142.0.0.0 Mobile Safari/537.36 Line/15.18.0"
)
"""As LINE's own browser calls itself: a headless one is no person to those who count clicks."""

PLAIN_HTTP = """
delete Crypto.prototype.randomUUID;
delete Navigator.prototype.clipboard;
delete Navigator.prototype.locks;
"""
"""What browsers keep from pages that come over plain HTTP from another machine: ours do without."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever calls everything with whatever fits leaves nothing as it was, so that comes last."""
    places = [place for place, item in enumerate(items) if item.path.parent == HERE]
    ours = sorted((items[place] for place in places), key=lambda each: "fuzz" in each.path.name)
    for place, item in zip(places, ours, strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The demo shop on servers of its own, with the same rules on every day of the week. At the
    end its logs are read: they carry no secret and nobody's name."""
    missing = binaries.missing_packages(binaries.wanted_programs(SERVER_NAMES, edge=True))
    if missing or CHROMIUM is None:
        pytest.skip(f"not installed: {' '.join(missing) or 'chromium'}")
    running = Stack(scratch_folder("e2e"), bound=True)
    try:
        running.start()
        running.wait_ready(seconds=READY_SECONDS)
        asyncio.run(_open(running))
        yield running
        told = leaks(running.log("supervisor").parent, asyncio.run(private_words(running)))
        assert told == []
    finally:
        kept = DEFAULT_FOLDER / "reports" / "logs-e2e"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(running.log("supervisor").parent, kept)
        running.destroy()


async def _open(stack: Stack) -> None:
    """The demo's program without its Friday, no quiet hours: the same at every hour of the week;
    and the keys, which reach the services as events, are known in each of them."""
    edge = stack.env["EDGE_URL"]
    owner = {"authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}
    till = {"authorization": f"Bearer {stack.env['POS_API_KEY']}"}
    async with aiohttp.ClientSession(edge) as session:
        await _known(session, "GET", "/v1/messages/settings", owner)
        await _known(session, "GET", "/v1/schedules", owner)
        await _known(session, "POST", "/v1/purchases", till)
        async with session.get("/v1/program", headers=owner) as answer:
            program = await answer.json()
        program["accrual"]["multipliers"] = []
        async with session.put("/v1/program", json=program, headers=owner) as answer:
            assert answer.status in (200, 201), await answer.text()
        awake = {name: {"quiet": None} for name in ("rank", "expiry", "campaign")}
        body = {"categories": awake}
        async with session.put("/v1/messages/settings", json=body, headers=owner) as answer:
            assert answer.status == 200, await answer.text()


async def _known(
    session: aiohttp.ClientSession, method: str, path: str, key: dict[str, str]
) -> None:
    """Wait until the service behind `path` knows `key`."""
    deadline = time.monotonic() + 60
    while True:
        async with session.request(method, path, headers=key) as answer:
            if answer.status in (200, 415):  # 415: no body was sent, so the key was looked at
                return
        assert time.monotonic() < deadline, (path, answer.status)
        await asyncio.sleep(0.2)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS
        )
        yield browser
        await browser.close()


@pytest.fixture
def visitor(browser: Browser) -> Callable[[Look], Any]:
    """`async with visitor(look) as (page, watched)`: a page that may complain of nothing; with what
    a browser keeps, if need be (Playwright's storage state)."""

    @asynccontextmanager
    async def open_page(look: Look, kept: Any = None) -> AsyncIterator[tuple[Page, Watched]]:
        context = await browser.new_context(
            storage_state=kept,
            viewport={"width": look.width, "height": look.height},
            locale="en-US" if look.language == "en" else "ja-JP",
            color_scheme="dark" if look.dark else "light",
            device_scale_factor=2 if look.width < 500 else 1,
            timezone_id="Asia/Tokyo",
            user_agent=LINES_BROWSER if look.width < 500 else None,
        )
        await context.add_init_script(PLAIN_HTTP)
        page = await context.new_page()
        seen = await watched(page)
        yield page, seen
        await context.close()
        assert seen.complaints == []

    return open_page
