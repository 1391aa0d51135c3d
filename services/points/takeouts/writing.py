"""A takeout is written: section by section into a ZIP that leaves for the database as it grows, all
of one snapshot. Memory follows neither the number of rows nor the size of the ZIP.

Whoever writes one holds its lock for as long as the snapshot lives; when they die, whoever looks
next writes it anew.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.points.programs.rulebook import Rulebook
from services.points.rules import explain
from services.points.rules.importing import export
from services.points.store import takeout_sections as sections
from services.points.store import takeouts as store
from services.points.store.takeouts import Takeout
from services.points.takeouts import people
from services.points.takeouts.zipping import Zip
from shared import clock, logs
from shared.bus.handling import Connection
from shared.db import CONFLICTS, UNREACHABLE, Pool

PAGE = 1_000
PART = 512 * 1024
ATTEMPTS = 5
POLL_SECONDS = 2.0
MEMBERS = "members"

log = logs.logger(__name__)

Rows = AsyncIterator[tuple[Sequence[str], Sequence[Sequence[Any]]]]
"""Pages of rows, each with the names of its columns."""


class Cancelled(Exception):
    """The takeout was taken back while it was written."""


async def work(pool: "Pool[Any]", rulebook: Rulebook) -> None:
    """Write what was asked for, one after another, until cancelled."""
    while True:
        try:
            while await write_one(pool, rulebook):
                pass
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("a takeout was cut off and is begun anew", problem=repr(problem))
        await asyncio.sleep(POLL_SECONDS)


async def write_one(pool: "Pool[Any]", rulebook: Rulebook) -> bool:
    """Take the oldest takeout that nobody has, and write it; False when there is none."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        for id in await store.unfinished(connection, 20):
            if await store.claim(connection, id):
                begun = await store.begin(pool, id, clock.now())
                if begun is not None:
                    await _do(pool, connection, rulebook, begun)
                    return True
    return False


async def _do(
    pool: "Pool[Any]", connection: Connection, rulebook: Rulebook, begun: Takeout
) -> None:
    try:
        if begun.attempts > ATTEMPTS:
            raise RuntimeError(f"given up after {ATTEMPTS} attempts")
        await rulebook.refresh(connection)
        zone = ZoneInfo("UTC") if rulebook.empty else rulebook.current().program.zone
        await _Writing(pool, connection, begun, zone).write()
    except Cancelled:
        await store.empty(pool, begun.id)
        log.info("takeout cancelled", takeout=str(begun.id))
        return
    except (*UNREACHABLE, *CONFLICTS):
        raise
    except Exception as problem:  # said on the takeout, for whoever asked
        log.error("takeout failed", takeout=str(begun.id), exc_info=problem)
        await store.finish(pool, begun.id, "failed", clock.now())
        await store.empty(pool, begun.id)
        return
    await store.finish(pool, begun.id, "done", clock.now())
    log.info("takeout written", takeout=str(begun.id))


class _Writing:
    """One takeout while it is written."""

    def __init__(
        self, pool: "Pool[Any]", connection: Connection, begun: Takeout, zone: ZoneInfo
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._id: UUID = begun.id
        self._now: datetime = begun.taken_at or clock.now()
        self._zone = zone
        self._zip = Zip()
        self._parts = 0
        self._rows = 0
        self._counts: dict[str, int] = {}

    async def write(self) -> None:
        """All sections, each for people and for machines, and what there is."""
        for section in (MEMBERS, *sections.SECTIONS):
            await self._section(section)
        manifest = {"taken_at": self._now, "time_zone": str(self._zone), "rows": self._counts}
        with self._zip.file("manifest.json") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        self._zip.close()
        await self._let_go("manifest", all_=True)

    async def _section(self, section: str) -> None:
        headings: Sequence[str] = people.HEADINGS if section == MEMBERS else ()
        with self._zip.file(f"csv/{section}.csv") as file:
            file.write(export.BOM.encode())
            if headings:
                file.write(export.csv_lines([headings]).encode())
            async for names, rows in self._read(section):
                if not headings:
                    headings = names
                    file.write(export.csv_lines([names]).encode())
                await self._put(file, export.csv_lines(rows).encode(), section)
                self._rows += len(rows)
                self._counts[section] = self._counts.get(section, 0) + len(rows)
        with self._zip.file(f"jsonl/{section}.jsonl") as file:
            async for names, rows in self._read(section):
                await self._put(file, export.json_lines(names, rows), section)

    async def _put(self, file: Any, body: bytes, section: str) -> None:
        await asyncio.to_thread(file.write, body)
        await self._let_go(section)

    async def _let_go(self, section: str, *, all_: bool = False) -> None:
        """Let what has been zipped leave. Raises Cancelled."""
        for part in self._zip.parts(PART, all_=all_):
            kept = await store.keep(self._pool, self._id, self._parts, part, section, self._rows)
            if not kept:
                raise Cancelled
            self._parts += 1

    async def _read(self, section: str) -> Rows:
        if section == MEMBERS:
            after: UUID | None = UUID(int=0)
            while after is not None:
                after, page = await people.page(
                    self._connection, after, PAGE, self._zone, self._now
                )
                yield people.NAMES, page
            return
        async for rows in sections.rows(self._connection, section, PAGE):
            names = list(rows[0].keys())
            if section == "entries":
                yield [*names, "words_ja", "words_en"], [_with_words(row) for row in rows]
            else:
                yield names, [tuple(row.values()) for row in rows]


def _with_words(row: Any) -> Sequence[Any]:
    """An entry with why in words."""
    facts = msgspec.json.decode(row["explanation"])
    words = explain.text(row["kind"], row["source"], row["amount"], facts)
    return [*row, words["ja"], words["en"]]
