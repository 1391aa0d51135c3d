"""A shop whose clock the test moves: a week takes as long as what is done in it.

Its services and the sandbox run in this process, each wired as its own process wires it and at the
address that the local start has for it, so that one call moves all of them. The edge, the browser
and the servers are real; the servers are those of the stack of all journeys, with a database, a
namespace and secrets of the shop's own.
"""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import asyncpg
import pytest

from deploy.local.files import read_env, read_json
from deploy.local.layout import Layout
from deploy.local.plan import Options, Plan
from deploy.local.processes import PROCESSES, Process
from deploy.local.stack import Stack, scratch_folder
from deploy.sandbox.server import running
from deploy.sandbox.settings import SandboxSettings
from services.notify import __main__ as notify
from services.points import __main__ as points
from services.points.accounts.verifying import verify
from services.points.reports import keeping
from services.scheduler import __main__ as scheduler
from services.scheduler import ticking
from services.webhook import __main__ as webhook
from services.webhook.settings import WebhookSettings
from shared import clock, process
from tests.month import house

TOKYO = ZoneInfo("Asia/Tokyo")
NAME = "moved"
HERE = {
    "webhook-web": (webhook.setup, WebhookSettings),
    "points-web": points.PROCESSES["web"],
    "points-awards": points.PROCESSES["awards"],
    "points-ranks": points.PROCESSES["ranks"],
    "notify-worker": notify.PROCESSES["worker"],
    "notify-broadcasts": notify.PROCESSES["broadcasts"],
    "notify-web": notify.PROCESSES["web"],
    "scheduler-worker": scheduler.PROCESSES["worker"],
    "scheduler-web": scheduler.PROCESSES["web"],
}
"""What runs in this process, by the name that the local start has for it."""

ELSEWHERE = ("migrate", "demo", "edge")
OVER = "SELECT count(*) FROM points.nights WHERE finished_at IS NOT NULL"
DEADLINE = 60.0


@dataclass(frozen=True)
class MovedShop:
    """The shop, open. `env` and `folder` are as a stack has them."""

    env: dict[str, str]
    folder: Path

    async def nights(self, until: datetime) -> int:
        """Let every night up to this moment come and be over, then make it that time; how many."""
        night = clock.now().astimezone(TOKYO).replace(hour=3, minute=31)
        passed = 0
        while (night := night + timedelta(days=1)) < until:
            move_to(night)
            passed += 1
            await self.until(OVER, passed)
        move_to(until)
        kept = (until - timedelta(hours=2)).isoformat()
        await self.until(f"SELECT kept_until > '{kept}' FROM points.figures_state", True)
        return passed

    async def until(self, query: str, value: Any) -> None:
        """Wait until the database answers with this value."""
        deadline = time.monotonic() + DEADLINE
        while (found := await self.value(query)) != value:
            assert time.monotonic() < deadline, (query, found)
            await asyncio.sleep(0.02)

    async def value(self, query: str) -> Any:
        """What the database says, as its administrator."""
        connection = await asyncpg.connect(self.env["DATABASE_URL"])
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def findings(self) -> list[Any]:
        """What is wrong with the ledger, as `tamaru ledger verify` finds it."""
        connection = await asyncpg.connect(
            self.env["DATABASE_URL"], server_settings={"search_path": "points"}
        )
        try:
            pages = [page async for page in verify(connection)]
            assert sum(page.members for page in pages) > 0
            return [finding for page in pages for finding in page.findings]
        finally:
            await connection.close()


def move_to(moment: datetime) -> None:
    """It is this moment now, and time goes on from there."""
    clock.set_offset(timedelta())
    clock.set_offset(moment - clock.now())


@contextlib.asynccontextmanager
async def opened(
    servers: Stack, since: datetime, patch: pytest.MonkeyPatch
) -> AsyncIterator[MovedShop]:
    """The demo shop at this moment, on the servers of a stack."""
    house.quick(patch)
    patch.setattr(ticking, "LONGEST_SLEEP", 0.05)
    patch.setattr(keeping, "LOOK_SECONDS", 0.1)
    stop = asyncio.Event()
    patch.setattr(process, "_stop_signal", lambda: stop)
    move_to(since)
    try:
        async with _database(servers) as env:
            with _edge(servers, env) as (stack, plan):
                await asyncio.to_thread(stack.wait_ready, ELSEWHERE)
                async with _services(plan, stop):
                    yield MovedShop(stack.env, stack.folder)
    finally:
        clock.set_offset(timedelta())


@contextlib.asynccontextmanager
async def _database(servers: Stack) -> AsyncIterator[dict[str, str]]:
    """A place of the shop's own on each server, and what every process is told of it."""
    url = servers.env["DATABASE_URL"]
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE DATABASE {NAME}")
    try:
        yield {
            "DATABASE_URL": f"{url.rpartition('/')[0]}/{NAME}",
            "AMQP_URL": servers.env["AMQP_URL"],
            "REDIS_URL": f"{servers.env['REDIS_URL'].rpartition('/')[0]}/1",
            "BUS_NAMESPACE": NAME,
            "CLOCK_OFFSET_SECONDS": str(clock._offset.total_seconds()),
        }
    finally:
        await connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
        await connection.close()


@contextlib.contextmanager
def _edge(servers: Stack, env: dict[str, str]) -> Iterator[tuple[Stack, Plan]]:
    """A stack of which only the edge goes on to run, and the plan of the others."""
    stack = Stack(scratch_folder(NAME), env, bound=True)
    layout = Layout(stack.folder)
    layout.make()
    # Roles belong to the whole server: their passwords are those that it has already.
    shutil.copy(Layout(servers.folder).secrets, layout.secrets)
    try:
        stack.start(held=[each.name for each in PROCESSES if each.name not in ELSEWHERE])
        base = read_json(layout.state)["port_base"]
        secrets = read_env(layout.secrets)
        yield stack, Plan(Options(env), base, secrets, {}, Path(), stack.folder)
    finally:
        stack.destroy()


@contextlib.asynccontextmanager
async def _services(plan: Plan, stop: asyncio.Event) -> AsyncIterator[None]:
    by_name = {each.name: each for each in PROCESSES}
    sandbox = _settings(SandboxSettings, plan, by_name["sandbox"])
    async with running(sandbox, clock.now), asyncio.TaskGroup() as group:
        for name, (setup, settings, *size) in HERE.items():
            service = name.partition("-")[0]
            group.create_task(
                process._live(
                    name,
                    _settings(settings, plan, by_name[name]),
                    service,
                    setup,
                    *(size or [3]),
                )
            )
        await _ready([plan.address(by_name[name]) + "/readyz" for name in HERE])
        try:
            yield
        finally:
            stop.set()


def _settings(kind: Any, plan: Plan, which: Process) -> Any:
    """As that process would read them from its environment."""
    environment = plan.environment(which)
    return kind(**{name.lower(): value for name, value in environment.items()})


async def _ready(urls: list[str]) -> None:
    deadline = time.monotonic() + DEADLINE
    async with aiohttp.ClientSession() as http:
        for url in urls:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(url) as answer:
                        if answer.status == 200:
                            break
                assert time.monotonic() < deadline, url
                await asyncio.sleep(0.05)
