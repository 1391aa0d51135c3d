"""A queue with its real consumer, as the process itself wires it, whose outgoing events stay in the
outbox; and what a case of a queue is."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from prometheus_client import REGISTRY

from shared import envelope
from shared.bus.bus import Bus
from shared.db import Pool, open_pool
from shared.events import Event
from shared.process import Process, Setup
from shared.settings import ProcessSettings
from tests import tables

DEADLINE = 60.0


class Case(NamedTuple):
    """A queue with the event types that reach it, what happens, and how that must end.

    `events` prepares the service's tables and gives the events in the order in which they happened;
    it gives the same ones every time, except for ids that only that preparation knows. `tables` are
    queries whose rows must come out the same, `said` the fields of emitted events that must. Work
    that goes on after the commit is over when `over` gives true.
    """

    purpose: str
    types: tuple[str, ...]
    settings: type[ProcessSettings]
    setup: Setup
    events: Callable[["Pool[Any]"], Awaitable[list[Event[Any]]]]
    tables: dict[str, str]
    said: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 - a default that nobody changes
    over: str | None = None

    @property
    def schema(self) -> str:
        """The service whose queue it is."""
        return self.purpose.partition(".")[0]


class _Unsent:
    """A relay that sends nothing: what was emitted stays in the outbox."""

    async def hand_over(self, rows: object) -> None:
        pass

    async def run(self) -> None:
        pass


class House:
    """A running consumer of one case's queue."""

    def __init__(
        self, case: Case, bus: Bus, pool: "Pool[Any]", tasks: list[asyncio.Task[None]]
    ) -> None:
        self.pool = pool
        self._tasks = tasks
        self._case = case
        self._bus = bus
        self._handled = self._count()

    async def deliver(self, groups: Iterable[Sequence[Event[Any]]], *, one_by_one: bool) -> None:
        """Put messages into the queue and wait until all of their events had their effect."""
        queue = self._bus.names.queue(self._case.purpose)
        for group in groups:
            body, event_type = envelope.encode_group(group), group[0].type
            await self._bus.publisher.publish_to("", queue, body, event_type, {})
            self._handled += len(group)
            if one_by_one:
                await self._wait()
        await self._wait()

    async def state(self) -> dict[str, list[Any]]:
        """What must not depend on repeats and order."""
        state: dict[str, list[Any]] = {}
        for name, query in self._case.tables.items():
            state[name] = sorted((tuple(row) for row in await self.pool.fetch(query)), key=str)
        if self._case.said:
            state["said"] = await self._said()
        return state

    async def _said(self) -> list[Any]:
        """Emitted events by what they say; one that was emitted again under its id is one."""
        bodies = await self.pool.fetch("SELECT body FROM outbox")
        events = {
            event["id"]: event for row in bodies for event in msgspec.json.decode(row["body"])
        }
        said = [
            (event["type"], *(event["data"].get(field) for field in self._case.said[event["type"]]))
            for event in events.values()
            if event["type"] in self._case.said
        ]
        return sorted(said, key=str)

    def _count(self) -> float:
        labels = {"queue": self._case.purpose}
        return REGISTRY.get_sample_value("tamaru_bus_events_total", labels) or 0

    async def _wait(self) -> None:
        async with asyncio.timeout(DEADLINE):
            while self._count() < self._handled or not await self._is_over():
                for task in self._tasks:
                    if task.done():
                        task.result()  # it died: say of what
                await asyncio.sleep(0.005)

    async def _is_over(self) -> bool:
        return self._case.over is None or bool(await self.pool.fetchval(self._case.over))


@contextlib.asynccontextmanager
async def opened(
    case: Case, settings: ProcessSettings, admin_url: str
) -> AsyncIterator[tuple[House, list[Event[Any]]]]:
    """The case's process on an emptied schema, and its events."""
    await tables.empty(admin_url, case.schema)
    async with contextlib.AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        pool = await open_pool(url, schema=case.schema, size=8)
        stack.push_async_callback(pool.close)
        events = await case.events(pool)
        if case.said:
            await pool.execute("TRUNCATE outbox")
        bus = Bus(settings.amqp_url.get_secret_value(), settings.bus_namespace, "contracts")
        process = Process("contracts", settings, bus, pool, _Unsent())  # type: ignore[arg-type]
        await case.setup(process)
        tasks = await stack.enter_async_context(_running(case, process))
        yield House(case, bus, pool, tasks), events


@contextlib.asynccontextmanager
async def _running(case: Case, process: Process) -> AsyncIterator[list[asyncio.Task[None]]]:
    """The consumers, and the process's own tasks where the case waits for their work."""
    tasks = [asyncio.create_task(work) for work in process._tasks if case.over]
    for work in process._tasks if not case.over else []:
        work.close()
    running = asyncio.create_task(process.bus.run())
    try:
        await asyncio.wait_for(process.bus.wait_up(), DEADLINE)
        yield tasks
    finally:
        await process.bus.stop()
        await running
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if process.on_stop:
            await process.on_stop[-1]()  # the last one closes clients


def twice_and_shuffled(events: Sequence[Event[Any]], seed: int) -> list[list[Event[Any]]]:
    """Every event twice, in any order, in messages of one to five events of one type."""
    chance = random.Random(seed)
    remaining = [*events, *events]
    chance.shuffle(remaining)
    groups: list[list[Event[Any]]] = []
    for event in remaining:
        last = groups[-1] if groups else []
        if last and last[0].type == event.type and len(last) < chance.randint(1, 5):
            last.append(event)
        else:
            groups.append([event])
    return groups
