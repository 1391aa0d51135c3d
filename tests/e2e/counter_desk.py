"""Somebody at the counter, in a browser: what they do with their hands, and who they are."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import segno
from PIL import Image
from playwright.async_api import BrowserContext, Page, expect

from deploy.local.files import read_env
from deploy.local.layout import Layout
from deploy.local.stack import Stack
from services.points.rules import qr
from services.points.staff import passwords
from shared import clock, ids

PASSWORD = "a long enough password"
PIN = "2468"
TYPED = 100  # ms between digits that somebody types; a reader is quicker
_ADD = """
INSERT INTO points.staff (id, login, name, role, stores, active, password_hash, pin_hash,
    created_at, changed_at)
VALUES ($1, $2, $3, 'staff', '{main}', true, $4, $5, $6, $6) ON CONFLICT (login) DO NOTHING
"""


async def hire(stack: Stack, login: str, name: str) -> None:
    """Somebody with the role staff at the main store."""
    connection = await asyncpg.connect(stack.env["DATABASE_URL"])
    try:
        hashed, pin = await passwords.hashed(PASSWORD), await passwords.hashed(PIN)
        await connection.execute(_ADD, ids.new_id(), login, name, hashed, pin, clock.now())
    finally:
        await connection.close()


class Api:
    """The owner's own system, which looks at what came of it."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession) -> None:
        self._owner = {"authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}
        self._http = http

    async def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """An answer that is fine."""
        headers = {**self._owner, "idempotency-key": ids.new_id().hex}
        async with self._http.request(method, path, json=body, headers=headers) as answer:
            assert answer.status < 300, (path, answer.status, await answer.text())
            return await answer.json()

    async def member(self, name: str) -> Any:
        """A new member with a name and 100 points."""
        made = await self("POST", "/v1/members", {"external_id": ids.new_id().hex})
        about = {"fields": {"name": name}, "consent": {"profile": {"given": True, "source": "x"}}}
        await self("PATCH", f"/v1/members/{made['id']}", about)
        gift = {"points": 100, "reason": "test"}
        await self("POST", f"/v1/members/{made['id']}/adjustments", gift)
        return made

    async def balance(self, member: Any) -> int:
        """Their points."""
        return int((await self("GET", f"/v1/members/{member['id']}"))["points"]["balance"])

    async def sales(self, member: Any) -> list[int]:
        """The totals of what they bought today, in the order in which it was done."""
        path = f"/v1/counter/purchases?store=main&member={member['id']}"
        return [each["total"] for each in reversed((await self("GET", path))["items"])]


@asynccontextmanager
async def api(stack: Stack) -> AsyncIterator[Api]:
    """Calls with the owner's key; the program lets staff give points and counts visits."""
    async with aiohttp.ClientSession(stack.env["EDGE_URL"]) as http:
        call = Api(stack, http)
        program = await call("GET", "/v1/program")
        rain = {"id": "rain", "name": "雨の日", "points": 5}
        program["service"] = {"maximum_points": 50, "per_day": 9, "rules": [rain]}
        await call("PUT", "/v1/program", program)
        yield call


async def begin(page: Page, stack: Stack, login: str) -> None:
    """Sign in and stand at the counter, ready to scan. Somebody with one store need not choose."""
    edge = stack.env["EDGE_URL"]
    await page.goto(f"{edge}/counter")
    await page.locator("input[name=login]").fill(login)
    await page.locator("input[type=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    store = page.locator("button[name=store]")
    await expect(store.or_(page.locator("#code")).first).to_be_visible()
    if await store.count():
        await store.first.click()
    await expect(page.locator("#code")).to_be_focused()


async def leave(context: BrowserContext) -> None:
    """Nobody is signed in any more."""
    await context.clear_cookies()


async def read_by_wedge(page: Page, code: str) -> None:
    """A barcode reader types the code and Enter, wherever the focus is."""
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")


async def type_in(page: Page, text: str) -> None:
    """Somebody types."""
    await page.keyboard.type(text, delay=TYPED)


async def done(page: Page, words: str) -> None:
    """The last screen says so."""
    await expect(page.locator("#view-done")).to_be_visible()
    await expect(page.locator("#done-main")).to_contain_text(re.compile(words))


def code_of(stack: Stack, member: Any, *, seconds_ago: int = 0) -> str:
    """What the member's card shows, or showed."""
    key = read_env(Layout(stack.folder).secrets)["QR_SIGNING_KEY"].encode()
    at = clock.now() - timedelta(seconds=seconds_ago)
    return qr.make(key, UUID(member["id"]), at)


async def film(path: Path, text: str) -> None:
    """A film of a telephone that shows a QR code, for a browser's make-believe camera."""
    picture = await asyncio.to_thread(_picture, text)
    await asyncio.to_thread(path.write_bytes, picture * 30)


def _picture(text: str) -> bytes:
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="png", scale=8, border=6)
    code = Image.open(drawn).convert("RGB")
    whole = Image.new("RGB", (960, 720), "#dde3df")
    code.thumbnail((520, 520))
    whole.paste(code, ((960 - code.width) // 2, (720 - code.height) // 2))
    shot = io.BytesIO()
    whole.save(shot, "JPEG", quality=92)
    return shot.getvalue()
