"""A PostgreSQL whose standby takes its place, and the product on it."""

import asyncio
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import asyncpg

from deploy.local import binaries, credentials, ports, server_units, spawn
from deploy.local.layout import Layout
from deploy.local.server_units import ServerPlan
from deploy.local.stack import scratch_folder
from deploy.local.supervise import away_folder, server_folder
from deploy.local.units import Unit
from tests.faults.arena import Arena
from tests.faults.members import Members
from tests.faults.plan import IN_A_PAIR, STANDBY, Fault

MOST = 16
"""So many servers may there have been one after the other, each on a port of its own."""

JOINED_SECONDS = 60.0
MAKING_SECONDS = 60.0
PROMOTED_SECONDS = 60.0
_ITS_OWN = """
synchronous_standby_names = ''
wal_retrieve_retry_interval = '200ms'
"""
"""What a standby does not copy: once it has taken over, it waits for nobody."""


class Pair(Members):
    """A primary, and behind it a standby that is made from it. Who was primary never comes back:
    the next standby is a new one."""

    def __init__(self, folder: Path) -> None:
        self._layout = Layout(folder)
        self._layout.make()
        super().__init__((), self._layout.logs)
        self._base, self._anchor = ports.claim_block(None, MOST)
        self._account = spawn.server_account()
        self._folder = server_folder(self._layout, self._account)
        self._secrets = credentials.generate()
        self._plans: dict[str, ServerPlan] = {}
        self.standby: str | None = None
        self.primary, prepare = self._next()
        self._run(prepare.argv, prepare)
        self.start(self.primary)
        self.wait_ready(self.primary)

    @property
    def url(self) -> str:
        """The administrator's URL of whoever is the primary."""
        return self._plans[self.primary].url("postgres")

    @property
    def port(self) -> int:
        """The standby's port, or the primary's where there is no standby."""
        return self._plans[self.standby or self.primary].port("postgres")

    async def attach(self, url: str, *, synchronous: bool = True) -> None:
        """Make a standby that follows the primary by way of `url`; commits wait for it from now on,
        if it is `synchronous`."""
        name, prepare = self._next()
        data = self._plans[name].folder / "postgres" / "data"
        program = binaries.locate(["postgres"]).postgres.with_name("pg_basebackup")
        way = f"{url}?application_name={STANDBY}"
        words = (str(program), "-w", "-d", way, "-D", str(data), "-R", "-c", "fast")
        await asyncio.to_thread(self._run, words, prepare)
        with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.write(_ITS_OWN)
        self.start(name)
        await asyncio.to_thread(self.wait_ready, name)
        self.standby = name
        await self._follows(synchronous)

    async def _follows(self, synchronous: bool) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            if synchronous:
                await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = {STANDBY}")
                await connection.execute("SELECT pg_reload_conf()")
            wanted = "sync" if synchronous else "async"
            async with asyncio.timeout(JOINED_SECONDS):
                while await connection.fetchval(_STATE) != wanted:
                    await asyncio.sleep(0.1)
        finally:
            await connection.close()

    def lose_primary(self) -> None:
        """Kill it. Raises ProcessLookupError where nobody can take its place."""
        if self.standby is None:
            raise ProcessLookupError("there is no standby")
        self.kill(self.primary)

    async def promote(self) -> None:
        """Let the standby take the killed primary's place. It may be standing still, and is waited
        for."""
        assert self.standby is not None
        self.primary, self.standby = self.standby, None
        async with asyncio.timeout(PROMOTED_SECONDS):
            while not await self._promoted():
                await asyncio.sleep(0.2)

    async def _promoted(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=5)
        except (OSError, asyncpg.PostgresError):
            return False
        try:
            return bool(await connection.fetchval("SELECT pg_promote()", timeout=PROMOTED_SECONDS))
        finally:
            await connection.close()

    def close(self) -> None:
        """End everything and delete it."""
        super().close()
        self._anchor.close()
        shutil.rmtree(away_folder(self._layout.folder), ignore_errors=True)
        shutil.rmtree(self._layout.folder)

    def _next(self) -> tuple[str, Unit]:
        """Another server, which does not run yet, and what makes its data."""
        number = len(self._plans) + 1
        name = f"postgres-{number}"
        folder = server_units.make_folder(self._folder / name, self._account)
        found = binaries.locate(["postgres"])
        plan = ServerPlan(folder, self._base + number - 1, self._secrets, self._account, found)
        self._plans[name] = plan
        prepare, unit = server_units.postgres_units(plan)
        self.add(replace(unit, name=name))
        return name, prepare

    def _run(self, argv: tuple[str, ...], like: Unit) -> None:
        """A command as the servers' user, in the environment of `like`."""
        done = subprocess.run(
            spawn.wrapped(argv, self._account, "KILL"),
            env=dict(like.env),
            cwd=like.cwd,
            capture_output=True,
            text=True,
            timeout=MAKING_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


_STATE = f"SELECT sync_state FROM pg_stat_replication WHERE application_name = '{STANDBY}'"


class OnPair(Arena):
    """An arena whose PostgreSQL has a standby, behind one address that leads to the primary. The
    standby reaches the primary by a cable of its own."""

    name = "pair"
    victims = IN_A_PAIR

    def __init__(self, *, synchronous: bool = True) -> None:
        self.pair = Pair(scratch_folder("pair"))
        self._synchronous = synchronous
        self._promoted = asyncio.Event()
        super().__init__(elsewhere={"postgres": self.pair.url})
        self._way = self.cables.add(STANDBY, self.pair.url)
        asyncio.run(self.pair.attach(self._way, synchronous=synchronous))

    def destroy(self) -> None:
        """Stop everything and delete it."""
        super().destroy()
        self.pair.close()

    async def _promote(self, fault: Fault) -> None:
        """For some seconds the address already leads to the standby, which only reads as yet."""
        self.pair.lose_primary()
        self.cables.lead("postgres", self.pair.port)
        await asyncio.sleep(fault.seconds)
        await self.pair.promote()
        self._promoted.set()

    async def _part(self, fault: Fault) -> None:
        """Until the time is over, or the standby has taken the primary's place."""
        self.cables.part(STANDBY)
        try:
            async with asyncio.timeout(fault.seconds):
                await self._promoted.wait()
        except TimeoutError:
            pass
        finally:
            self.cables.mend(STANDBY)

    async def _pause(self, fault: Fault) -> None:
        if self.pair.standby is None:
            raise ProcessLookupError("there is no standby")
        async with self.pair.frozen(self.pair.standby):
            await asyncio.sleep(fault.seconds)

    async def heal(self) -> None:
        """Wait until everybody is ready again, with a new standby for the one that took over."""
        if self.pair.standby is None:
            self._promoted.clear()
            self.direct["postgres"] = self.pair.url
            self.cables.lead(STANDBY, self.pair.port)
            await self.pair.attach(self._way, synchronous=self._synchronous)
        await super().heal()
