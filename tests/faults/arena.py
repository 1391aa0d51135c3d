"""The whole product with cables to its servers, and the hand that does what a plan says.

Two stacks: the three servers, and the product's processes that reach them through cables. The
arena is reused from seed to seed.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import redis.asyncio

from deploy.bench.at_once import nothing_waits
from deploy.local import binaries
from deploy.local.plan import URL_NAMES
from deploy.local.processes import PROCESSES, Process
from deploy.local.servers import Servers, start_servers
from deploy.local.stack import Stack, scratch_folder
from tests.faults import versions
from tests.faults.cables import Cables
from tests.faults.line_side import LineSide
from tests.faults.plan import LINE, SERVERS, SERVICES, VICTIMS, Fault
from tests.full_disk import FULL, ROOM

READY_SECONDS = 180.0
BACK_SECONDS = 120.0
SLOW_SECONDS = 0.05
"""Each way and packet, so a round trip to the server takes a tenth of a second."""

NOTIFY = ("notify-worker", "notify-broadcasts")
_OTHER_CLOCK = """CLOCK_OFFSET_SECONDS=$(cat "$0" 2>/dev/null || echo 0)
export CLOCK_OFFSET_SECONDS
exec "$@"
"""
_CLOCKED = ("/bin/sh", "-c", _OTHER_CLOCK)


def needed() -> str:
    """The packages that are missing to start servers; none if all is there."""
    return " ".join(binaries.missing_packages(binaries.wanted_programs(SERVERS, edge=True)))


class Arena:
    """`stack` is the product; `code` is the folder that it runs from, if it is not this clone.
    `elsewhere` are the URLs of servers that somebody else starts and breaks. `victims` is what can
    befall whom here."""

    name = "seeds"
    victims: Mapping[str, Sequence[str]] = VICTIMS

    def __init__(
        self, code: Path | None = None, elsewhere: Mapping[str, str] | None = None
    ) -> None:
        elsewhere = elsewhere or {}
        ours = [name for name in SERVERS if name not in elsewhere]
        self.servers: Servers = start_servers(scratch_folder("seeds-servers"), ours)
        urls = {name: self.servers.stack.env[URL_NAMES[name]] for name in ours} | dict(elsewhere)
        self.direct = urls
        self.cables = Cables(urls)
        folder = scratch_folder("seeds")
        self._clocks = folder / "clocks"
        env = {URL_NAMES[name]: url for name, url in self.cables.urls.items()}
        self.stack = Stack(folder, env, processes=self._processes(code), bound=True)
        self.line = LineSide(self.stack)

    def _processes(self, code: Path | None) -> tuple[Process, ...]:
        """Services take their clock from a file when they start."""
        clocked = [
            replace(
                each,
                command=(*_CLOCKED, str(self._clocks / each.name), *each.command),
            )
            if each.name in SERVICES
            else each
            for each in PROCESSES
        ]
        return tuple(clocked) if code is None else versions.of(code, clocked)

    def start(self) -> None:
        """Everything runs; notices come one by one."""
        self._clocks.mkdir(parents=True, exist_ok=True)
        self.stack.start(held=NOTIFY)
        self.stack.wait_ready(("migrate",), seconds=READY_SECONDS)
        asyncio.run(nothing_waits(self.direct["postgres"]))
        self.stack.release(*NOTIFY)
        self.stack.wait_ready(seconds=READY_SECONDS)

    def destroy(self) -> None:
        """Stop everything and delete it."""
        self.stack.stop()
        shutil.rmtree(self._clocks, ignore_errors=True)
        self.stack.destroy()
        self.cables.close()
        self.servers.stack.destroy()

    # -- what befalls it

    async def strike(self, fault: Fault) -> bool:
        """Do what the plan says, for as long as it says; whether it could be done.

        Who is just being started again cannot be hit a second time."""
        act: Any = self._at_line if fault.victim == LINE else getattr(self, f"_{fault.kind}")
        try:
            await act(fault)
        except ProcessLookupError:
            return False
        return True

    def _home(self, victim: str) -> Stack:
        return self.servers.stack if victim in SERVERS else self.stack

    async def _kill(self, fault: Fault) -> None:
        self._home(fault.victim).kill(fault.victim)

    async def _stop(self, fault: Fault) -> None:
        self._home(fault.victim).kill(fault.victim, signal.SIGTERM)

    async def _pause(self, fault: Fault) -> None:
        pid = self._home(fault.victim).kill(fault.victim, signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def _cut(self, fault: Fault) -> None:
        self.cables.cut(fault.victim)

    async def _slow(self, fault: Fault) -> None:
        self.cables.slow(fault.victim, SLOW_SECONDS)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self.cables.mend(fault.victim)

    async def _silence(self, fault: Fault) -> None:
        self.cables.silence(fault.victim)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self.cables.mend(fault.victim)

    async def _at_line(self, fault: Fault) -> None:
        async with self.line.befallen(fault.kind):
            await asyncio.sleep(fault.seconds)

    async def _clock(self, fault: Fault) -> None:
        """Never behind the tills' clocks: points for what has not happened yet rightly wait for it,
        and the verdict does not know how long."""
        file = self._clocks / fault.victim
        before = int(file.read_text()) if file.exists() else 0
        file.write_text(str(max(0, before + fault.jump)))
        self.stack.kill(fault.victim)

    async def _forget(self, fault: Fault) -> None:
        async with redis.asyncio.from_url(self.direct["redis"]) as client:
            with contextlib.suppress(redis.RedisError, OSError):
                await client.flushall()
        self.servers.kill("redis")  # it keeps nothing on disk

    async def _full(self, fault: Fault) -> None:
        """No room for the spool just when it is needed: the broker carries nothing either."""
        try:
            await self._execute(FULL)
        except (OSError, asyncpg.PostgresError) as problem:
            raise ProcessLookupError("the database is away") from problem
        self.cables.silence("rabbitmq")
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self.cables.mend("rabbitmq")
            await self._room()

    async def _room(self) -> None:
        deadline = time.monotonic() + BACK_SECONDS
        while True:
            try:
                return await self._execute(ROOM)
            except (OSError, asyncpg.PostgresError):
                assert time.monotonic() < deadline, "the database does not come back"
                await asyncio.sleep(0.2)

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.direct["postgres"], timeout=5)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def heal(self) -> None:
        """Wait until everybody is ready again."""
        await asyncio.to_thread(self.servers.stack.wait_ready, seconds=BACK_SECONDS)
        await asyncio.to_thread(self.stack.wait_ready, self._lasting(), BACK_SECONDS)

    def _lasting(self) -> Iterable[str]:
        return [each.name for each in self.stack.options.processes if not each.one_shot]
