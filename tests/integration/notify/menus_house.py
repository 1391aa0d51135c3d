"""A shop's rich menus on a real database, with a scriptable stand-in for LINE that takes only what
LINE does. Nothing runs by itself: tests take the steps that the process takes by the second."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
from aiohttp import web

from services.notify.menus import shipping
from services.notify.menus.client import MenuClient
from services.notify.menus.handlers import MENU_HANDLERS
from services.notify.menus.linking import Linker
from services.notify.menus.syncing import Sync
from services.notify.store import menus as store
from services.notify.store.menus import Image
from shared import clock
from shared.bus.handling import Batch
from shared.db import Pool, open_pool
from shared.events import Event, MemberJoined, RankChanged, new_event
from shared.line import rich_menu_rules as rules
from tests import tables
from tests.conformance import openapi

ADDRESSES = {"card": "https://shop.example.jp/card", "public_url": "https://shop.example.jp"}
FRIENDS = UUID(int=99)


class MenuLine:
    """LINE as far as rich menus go. `script` holds what befalls the next calls, in order: 500,
    rate, 401, 400, or lost (done, but no answer)."""

    def __init__(self) -> None:
        self.script: list[str] = []
        self.calls: list[str] = []
        self.menus: dict[str, dict[str, Any]] = {}
        self.images: dict[str, bytes] = {}
        self.links: dict[str, str] = {}
        self.default: str | None = None
        self.strangers: set[str] = set()
        self.url = ""

    def menu_of(self, user: str) -> str:
        """What somebody sees: the menu's name without its hash."""
        line_id = self.links.get(user) or self.default
        shown = self.menus.get(line_id or "")
        return shown["name"].split("/")[1] if shown else ""

    def ids(self, name: str) -> list[str]:
        return [id for id, menu in self.menus.items() if menu["name"].split("/")[1] == name]

    def count(self, call: str) -> int:
        return sum(each == call for each in self.calls)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4_000_000, middlewares=[self._fate])
        bot = "/v2/bot"
        app.add_routes(
            [
                web.post(f"{bot}/richmenu", self.create),
                web.get(f"{bot}/richmenu/list", self.list_all),
                web.post(f"{bot}/richmenu/bulk/link", self.bulk_link),
                web.post(f"{bot}/richmenu/bulk/unlink", self.bulk_unlink),
                web.get(f"{bot}/richmenu/{{menu}}/content", self.download),
                web.post(f"{bot}/richmenu/{{menu}}/content", self.upload),
                web.get(f"{bot}/richmenu/{{menu}}", self.get),
                web.delete(f"{bot}/richmenu/{{menu}}", self.delete),
                web.get(f"{bot}/user/all/richmenu", self.get_default),
                web.delete(f"{bot}/user/all/richmenu", self.cancel_default),
                web.post(f"{bot}/user/all/richmenu/{{menu}}", self.set_default),
                web.get(f"{bot}/user/{{user}}/richmenu", self.of_user),
            ]
        )
        return app

    @web.middleware
    async def _fate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer token"
        self.calls.append(handler.__name__)
        if openapi.present() and not request.path.endswith("/content"):
            wrong = openapi.problems_of(request.method, request.path, await request.read() or None)
            assert not wrong, wrong
        fate = self.script.pop(0) if self.script else ""
        refusals = {"500": 500, "rate": 429, "401": 401, "400": 400}
        if fate in refusals:
            return self._refuse(refusals[fate], "as scripted")
        answer: web.StreamResponse = await handler(request)
        if fate == "lost":
            assert request.transport is not None
            request.transport.close()
        return answer

    async def create(self, request: web.Request) -> web.Response:
        menu = await request.json()
        if problems := rules.rich_menu(menu):
            return self._refuse(400, str(problems))
        assert set(menu) == {"size", "selected", "name", "chatBarText", "areas"}
        line_id = f"richmenu-{len(self.calls):08d}"
        self.menus[line_id] = menu
        return web.json_response({"richMenuId": line_id})

    async def list_all(self, request: web.Request) -> web.Response:
        menus = [{"richMenuId": id, **menu} for id, menu in self.menus.items()]
        return web.json_response({"richmenus": menus})

    async def upload(self, request: web.Request) -> web.Response:
        line_id, body = request.match_info["menu"], await request.read()
        if line_id not in self.menus:
            return self._refuse(404, "richmenu not found")
        if line_id in self.images or rules.image_fault(body, self.menus[line_id]["size"]):
            return self._refuse(400, "no such image")
        self.images[line_id] = body
        return web.json_response({})

    async def download(self, request: web.Request) -> web.Response:
        image = self.images.get(request.match_info["menu"])
        return self._refuse(404, "no image") if image is None else web.Response(body=image)

    async def get(self, request: web.Request) -> web.Response:
        line_id = request.match_info["menu"]
        if line_id not in self.menus:
            return self._refuse(404, "richmenu not found")
        return web.json_response({"richMenuId": line_id, **self.menus[line_id]})

    async def delete(self, request: web.Request) -> web.Response:
        self.drop(request.match_info["menu"])
        return web.json_response({})

    async def set_default(self, request: web.Request) -> web.Response:
        line_id = request.match_info["menu"]
        if line_id not in self.images:
            return self._refuse(400, "must upload richmenu image before applying it to user")
        self.default = line_id
        return web.json_response({})

    async def get_default(self, request: web.Request) -> web.Response:
        return self._id(self.default)

    async def cancel_default(self, request: web.Request) -> web.Response:
        self.default = None
        return web.json_response({})

    async def of_user(self, request: web.Request) -> web.Response:
        return self._id(self.links.get(request.match_info["user"]))

    async def bulk_link(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["richMenuId"] not in self.images:
            return self._refuse(404, "richmenu not found")
        if rules.bulk_link(body) or self.strangers & set(body["userIds"]):
            return self._refuse(400, "invalid user id")
        self.links.update(dict.fromkeys(body["userIds"], body["richMenuId"]))
        return web.json_response({}, status=202)

    async def bulk_unlink(self, request: web.Request) -> web.Response:
        body = await request.json()
        if rules.bulk_unlink(body) or self.strangers & set(body["userIds"]):
            return self._refuse(400, "invalid user id")
        for user in body["userIds"]:
            self.links.pop(user, None)
        return web.json_response({}, status=202)

    def drop(self, line_id: str) -> None:
        """A menu that is deleted disappears from whoever had it."""
        self.menus.pop(line_id, None)
        self.images.pop(line_id, None)
        self.links = {user: id for user, id in self.links.items() if id != line_id}
        self.default = None if self.default == line_id else self.default

    def _id(self, line_id: str | None) -> web.Response:
        if line_id is None:
            return self._refuse(404, "the user has no richmenu")
        return web.json_response({"richMenuId": line_id})

    def _refuse(self, status: int, message: str) -> web.Response:
        return web.json_response({"message": message}, status=status)


class Shop:
    """Rich menus on one database."""

    def __init__(
        self, pool: "Pool[Any]", line: MenuLine, client: MenuClient, *, at_start: bool = True
    ) -> None:
        self.pool = pool
        self.line = line
        self.client = client
        self.sync = Sync(pool, client, ADDRESSES, at_start=at_start)
        self.linker = Linker(pool, client)

    def another(self) -> "Shop":
        """A second process beside this one."""
        return Shop(self.pool, self.line, self.client)

    async def tell(self, *events: Event[Any]) -> None:
        """What the consumer does with events of one type that came together."""
        async with self.pool.acquire() as connection, connection.transaction():
            await MENU_HANDLERS[events[0].type](Batch(connection), list(events))

    async def steps(self) -> None:
        """All that there is to do now."""
        await self.sync.step()
        while await self.linker.step():
            pass
        await self.sync.step()

    async def put(self, document: dict[str, Any]) -> None:
        """A definition, as the API keeps it, with an image that is there."""
        kept = await self.pool.fetchval("SELECT image FROM menus LIMIT 1")
        async with self.pool.acquire() as connection, connection.transaction():
            await store.lock(connection)
            picture = Image(kept, "image/png")
            name = document["name"]
            await store.save(connection, name, document, picture, clock.now(), wordless=False)

    async def remove(self, name: str) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await store.lock(connection)
            assert await store.remove(connection, name, clock.now())

    async def looks(self) -> list[str]:
        """All that was found to differ."""
        rows = await self.pool.fetch("SELECT found FROM menu_looks ORDER BY at")
        return [word for row in rows for word in msgspec.json.decode(row[0])]


def user(number: int) -> str:
    return f"U{number:032x}"


def member(number: int) -> UUID:
    return uuid5(FRIENDS, str(number))


def joined(number: int) -> Event[Any]:
    data = MemberJoined(member(number), f"29{number:011d}", 0, 0, user(number))
    return new_event("/points", data)


def ranked(number: int, to: str | None, before: timedelta = timedelta()) -> Event[Any]:
    """A rank moved; `before` the present moment, if it is heard of late."""
    data = RankChanged(member(number), "up", to, to, line_user_id=user(number))
    event = new_event("/points", data)
    return msgspec.structs.replace(event, time=event.time - before)


def shipped(which: str, **changes: Any) -> dict[str, Any]:
    """A shipped document, changed."""
    (document,) = [each for each in shipping.documents() if each["name"] == which]
    return {**document, **changes}


@contextlib.asynccontextmanager
async def open_pool_of(database: Any, *, emptied: bool = True) -> AsyncIterator["Pool[Any]"]:
    """A database, empty unless somebody has begun to fill it."""
    pool = await open_pool(database.url("notify"), schema="notify", size=6)
    if emptied:
        await tables.empty(database.admin_url, "notify")
    try:
        yield pool
    finally:
        await asyncio.wait_for(pool.close(), 10)


@contextlib.asynccontextmanager
async def open_shop(database: Any, *, emptied: bool = True) -> AsyncIterator[Shop]:
    """An empty database, and LINE with nothing on it."""
    line = MenuLine()
    runner = web.AppRunner(line.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    line.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with (
            open_pool_of(database, emptied=emptied) as pool,
            MenuClient(line.url, "token") as client,
        ):
            yield Shop(pool, line, client)
    finally:
        await runner.cleanup()
