"""(i) A shop moves in: 100,000 rows, 1 % of them bad, tried out and taken in; then everything out.

The work is done by a process of its own, as `points imports` does it, which rests as long as it
works. Of the rows 1 % are of members who are there. Then the same again with other cards while the
process is killed five times: the result must be the same, to the point. Beside it: a plain `COPY`
of the rows, which checks nothing.
"""

import asyncio
import io
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from deploy.bench import working
from deploy.bench.awards import _forget
from deploy.bench.house import House
from deploy.bench.night import _service_url
from deploy.bench.results import Line
from deploy.bench.shop import Shop, shop
from services.points.accounts.verifying import verify
from services.points.imports import choices, intake, steps
from services.points.imports.taking import Taking
from services.points.imports.work import ImportWork
from services.points.members.enrolment import Enrolment
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.store import import_rows, sealed, takeouts
from services.points.store import imports as store
from services.points.store.imports import Import
from services.points.takeouts import writing
from shared import clock, ids, outbox
from shared.bus.bus import Bus
from shared.db import open_pool
from shared.keys import Keys

ROWS, THERE = 100_000, 2_000
BAD_EACH, MATCHED_EACH = 100, 100
KILLS = 5
HEADINGS = "会員ID,カード番号,電話番号,氏名,生年月日,タグ,ポイント残高,有効期限,入会日,最終来店日"
_FAULTS = ("-5", "1.5", "many", "99999999999")
_SUMS = """
SELECT count(*) AS rows, count(DISTINCT member_id) AS members, sum(e.points) AS points,
    (SELECT count(*) FROM entries n WHERE n.source = 'import'
        AND n.explanation ->> 'import' = $1::text) AS entries,
    (SELECT sum(amount) FROM entries n WHERE n.source = 'import'
        AND n.explanation ->> 'import' = $1::text) AS amount
FROM import_effects e WHERE import_id = ($1::text)::uuid AND fate IN ('new', 'matched')
"""


async def measure(house: House, scale: float) -> list[Line]:
    """A smaller file for a smaller scale."""
    rows = int(ROWS * scale)
    async with shop(house.database_url, THERE) as open_shop:
        namespace = f"bench-{ids.new_id().hex[:12]}"
        url = await _service_url(open_shop)
        desk = _Desk(open_shop, (url, house.amqp_url, namespace))
        try:
            house.tell(f"(i) {rows:,} rows")
            lines = await desk.undisturbed(rows)
            house.tell(f"(i) killed {KILLS} times")
            lines += await desk.killed(rows)
            house.tell("(i) everything out")
            lines += await desk.out()
        finally:
            desk.end()
        await _forget(house.amqp_url, namespace)
    return lines


class _Desk:
    """The owner's side, and the process that works for it."""

    def __init__(self, open_shop: Shop, where: tuple[str, str, str]) -> None:
        self._shop = open_shop
        self._pool = open_shop.pool
        self._where = where
        self._worker: asyncio.subprocess.Process | None = None

    async def undisturbed(self, rows: int) -> list[Line]:
        """Read, tried out and taken in, with the time of each and the memory of the process."""
        body = _file("a", rows)
        await self._start()
        found, read = await self._timed(self._sent(body), "mapping")
        found, tried = await self._timed(self._checked(found), "checked")
        await self._all_named(found, rows)
        found, ran = await self._timed(self._running(found), "done")
        memory = await self._stop()
        await self._as_told(found, rows)
        copied = await self._copied(body)
        note = f"{rows:,} rows, {len(body) / 2**20:.1f} MiB; 1 % bad, all of them named"
        return [
            Line("(i) import: read", read, "s", "COPY of the rows", copied, note=note),
            Line("(i) import: dry run", tried, "s", "COPY of the rows", copied),
            Line("(i) import: run", ran, "s", "COPY of the rows", copied),
            Line("(i) import: rows taken in", rows * 0.99 / ran),
            Line("(i) memory of the imports process at most", memory, "MiB"),
        ]

    async def killed(self, rows: int) -> list[Line]:
        """The same with other cards, and a process that is killed again and again."""
        body = _file("b", rows)
        await self._start()
        found, _ = await self._timed(self._sent(body), "mapping")
        found, _ = await self._timed(self._checked(found), "checked")
        await self._running(found)
        for kill in range(1, KILLS + 1):
            await self._past(found.id, rows * kill // (KILLS + 1))
            assert self._worker is not None  # noqa: S101 - started above
            self._worker.kill()
            await self._worker.wait()
            await self._start()
        begin = time.perf_counter()
        found = await self._until(found.id, "done")
        took = time.perf_counter() - begin
        await self._stop()
        await self._as_told(found, rows)
        return [Line(f"(i) import killed {KILLS} times: the same result, last stretch", took, "s")]

    async def out(self) -> list[Line]:
        """Everything as a ZIP, by the same kind of process."""
        id = ids.new_id()
        await self._start()
        begin = time.perf_counter()
        async with self._pool.acquire() as connection:
            await takeouts.add(connection, id, "bench", clock.now())
        while True:
            found = await takeouts.one(self._pool, id)
            if found is None or found.status in ("done", "failed"):
                break
            await asyncio.sleep(0.1)
        took = time.perf_counter() - begin
        memory = await self._stop()
        if found is None or found.status != "done":
            raise SystemExit(f"the export failed: {found}")
        note = f"{found.rows:,} rows in CSV and JSON, {found.size / 2**20:.1f} MiB as a ZIP"
        return [
            Line("(i) export of everything", took, "s", note=note),
            Line("(i) memory while exporting at most", memory, "MiB"),
        ]

    def end(self) -> None:
        """Leave no process, whatever happened."""
        if self._worker is not None and self._worker.returncode is None:
            self._worker.kill()

    async def _timed(self, doing: Any, state: str) -> tuple[Import, float]:
        begin = time.perf_counter()
        id = await doing
        found = await self._until(id, state)
        return found, time.perf_counter() - begin

    async def _sent(self, body: bytes) -> UUID:
        sent = await intake.take(self._pool, _parts(body))
        id = ids.new_id()
        async with self._pool.acquire() as connection, connection.transaction():
            await store.add(
                connection,
                id,
                upload=sent.upload,
                size=sent.size,
                sha256=sent.sha256,
                file_name="bench.csv",
                preset="other",
                by="bench",
                now=clock.now(),
            )
        return id

    async def _checked(self, found: Import) -> UUID:
        async with self._pool.acquire() as connection, connection.transaction():
            made = choices.guessed(found)
            consented = choices.Choices(made.columns, made.has_headings, consent="bench")
            await steps.check(connection, found, consented)
        return found.id

    async def _running(self, found: Import) -> UUID:
        async with self._pool.acquire() as connection, connection.transaction():
            await steps.run(connection, found)
        return found.id

    async def _until(self, id: UUID, state: str) -> Import:
        return await self._when(id, lambda found: found.state == state)

    async def _past(self, id: UUID, row: int) -> Import:
        return await self._when(id, lambda found: found.position >= row or found.state == "done")

    async def _when(self, id: UUID, holds: Callable[[Import], bool]) -> Import:
        while True:
            async with self._pool.acquire() as connection:
                found = await store.one(connection, id)
            if found is None or found.problem:
                raise SystemExit(f"the import stopped: {found}")
            if holds(found):
                return found
            await asyncio.sleep(0.05)

    async def _all_named(self, found: Import, rows: int) -> None:
        """A dry run that does not name every bad row would be no figure."""
        named: set[int] = set()
        async with self._pool.acquire() as connection:
            while page := await import_rows.shown(
                connection, found.id, max(named, default=0), 1_000, fates=["bad"]
            ):
                named |= {row.number for row in page}
        wanted = {number + 1 for number in range(1, rows + 1) if _bad(number)}
        if named != wanted:
            raise SystemExit(f"not the bad rows: {sorted(named ^ wanted)[:10]}")

    async def _as_told(self, found: Import, rows: int) -> None:
        """What was done is what the file says, once, and the ledger adds up."""
        wanted = [_points(number) for number in range(1, rows + 1) if not _bad(number)]
        row: Any = await self._pool.fetchrow(_SUMS, str(found.id), timeout=600)
        told = (row["rows"], row["members"], row["points"], row["entries"], row["amount"])
        entries = sum(1 for points in wanted if points)
        if told != (len(wanted), len(wanted), sum(wanted), entries, sum(wanted)):
            raise SystemExit(f"the import did {told}, the file has {len(wanted)}, {sum(wanted)}")
        async with self._pool.acquire() as connection:
            findings = [each async for page in verify(connection) for each in page.findings]
        if findings:
            raise SystemExit(f"the ledger does not add up: {findings[:3]}")

    async def _copied(self, body: bytes) -> float:
        """The seconds in which the database takes the rows by itself."""
        admin = await asyncpg.connect(self._shop.admin_url)
        columns = ", ".join(f"c{place} text" for place in range(HEADINGS.count(",") + 1))
        await admin.execute(f"CREATE UNLOGGED TABLE plain ({columns})")
        begin = time.perf_counter()
        await admin.copy_to_table(
            "plain", source=io.BytesIO(body), format="csv", header=True, encoding="sjis"
        )
        took = time.perf_counter() - begin
        await admin.execute("DROP TABLE plain")
        await admin.close()
        return took

    async def _start(self) -> None:
        self._worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.bench.imports", *self._where),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._worker.stdout is not None  # noqa: S101 - it is a pipe
        await self._worker.stdout.readline()

    async def _stop(self) -> float:
        """End the process; the most memory that it had, in MiB."""
        assert self._worker is not None  # noqa: S101 - started before
        self._worker.terminate()
        told, _ = await self._worker.communicate()
        return float(told.split()[-1])


def _file(name: str, rows: int) -> bytes:
    """A file as Excel in Japan writes it."""
    lines = [HEADINGS, *(_row(name, number) for number in range(1, rows + 1))]
    return "\r\n".join(lines).encode("cp932")


def _row(name: str, number: int) -> str:
    there = number % MATCHED_EACH == 7 and number // MATCHED_EACH < THERE // 2
    place = number // MATCHED_EACH + (THERE // 2 if name == "b" else 0)
    external = f"bench-{place}" if there else f"{name}-{number}"
    points = _FAULTS[number // BAD_EACH % len(_FAULTS)] if _bad(number) else str(_points(number))
    until = date(2099, number % 12 + 1, 28)
    area = "080" if name == "a" else "090"
    born = f"昭和{number % 60 + 1}年{number % 12 + 1}月{number % 28 + 1}日"
    return (
        f"{external},{name}{number:08},{area}{number:08},会員 {number},{born},"
        f"常連,{points},{until:%Y/%m/%d},2020/4/1,2024/{number % 12 + 1}/{number % 28 + 1}"
    )


def _bad(number: int) -> bool:
    return number % BAD_EACH == 0


def _points(number: int) -> int:
    return number % 300


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), intake.PART):
        yield body[start : start + intake.PART]


async def _work(url: str, amqp: str, namespace: str) -> None:
    """What the `imports` process does, until it is told to stop; says its memory then."""
    pool = await open_pool(url, schema="points", size=6)
    bus = Bus(amqp, namespace, "bench-imports")
    relay = outbox.Relay(pool, bus.publisher)
    rulebook = Rulebook()
    sealed.use(Keys("bench" * 8))
    awards = Awards(rulebook, Keys(b"bench" * 8))
    work = ImportWork(rulebook, Taking(rulebook, awards, Enrolment(rulebook, awards)))
    works = (work.run(pool, relay), writing.work(pool, rulebook), relay.run())
    await working.until_told(bus, pool, relay, *works)


if __name__ == "__main__":
    working.main("bench-imports", _work(*sys.argv[1:]))
