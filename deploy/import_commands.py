"""`tamaru import members FILE`: members and balances from a file, tried out first.

Does the work itself, page by page like the `imports` process, so it needs the database and
PERSONAL_DATA_KEY only; when it is killed, that process goes on.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from deploy.environment import optional, required
from services.points.errors import NotNow
from services.points.imports import choices, intake, report, steps
from services.points.imports.choices import BadChoice
from services.points.imports.taking import Taking
from services.points.imports.work import ImportWork
from services.points.members.enrolment import Enrolment
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.rules.importing import words
from services.points.rules.importing.columns import PRESETS
from services.points.store import import_rows, sealed
from services.points.store import imports as store
from services.points.store.imports import Import
from shared import clock, ids
from shared.db import Pool, open_pool
from shared.keys import Keys

app = typer.Typer(no_args_is_help=True, help="Members and balances from elsewhere.")
MOST_SHOWN = 20
ACTOR = "command"
PART = 256 * 1024


@app.callback()
def main() -> None:
    """Members and balances from elsewhere."""


@app.command()
def members(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a CSV file")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="try it out, take nothing in")] = False,
    preset: Annotated[str, typer.Option(help=", ".join(PRESETS))] = "other",
    column: Annotated[
        list[str] | None, typer.Option(help="what a column holds, from 0: 2=points; repeatable")
    ] = None,
    consent: Annotated[
        str | None, typer.Option(help="where customers agreed that their names are kept")
    ] = None,
    refuse_bad: Annotated[
        bool, typer.Option("--refuse-bad", help="take in nothing while a row is bad")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="also for who had points brought along before")
    ] = False,
    errors: Annotated[Path | None, typer.Option(help="write the bad rows to this file")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="take it in without asking")] = False,
) -> None:
    """Take members and balances in from a file; nobody is told in LINE."""
    if preset not in PRESETS:
        raise typer.BadParameter(f"preset is one of {', '.join(PRESETS)}")
    made: dict[str, Any] = {"consent": consent, "again": again}
    made["bad_rows"] = "refuse" if refuse_bad else "leave_out"
    if column:
        made["columns"] = dict(_pair(each) for each in column)
    try:
        asyncio.run(_Command(file, preset, made, errors).run(dry_run=dry_run, yes=yes))
    except (NotNow, BadChoice, intake.TooLarge) as problem:
        print(str(problem) or "the file is larger than 20 MB")
        raise typer.Exit(1) from None


def _pair(text: str) -> tuple[str, str]:
    place, _, field = text.partition("=")
    if field not in words.FIELDS:
        raise typer.BadParameter(f"{text}: a column holds one of {', '.join(words.FIELDS)}")
    return place, field


class _Command:
    """One import by hand."""

    def __init__(self, file: Path, preset: str, made: dict[str, Any], errors: Path | None) -> None:
        self._file = file
        self._preset = preset
        self._made = made
        self._errors = errors
        rulebook = Rulebook()
        awards = Awards(rulebook, Keys(b""))  # what waits for a name shows no rotating code
        taking = Taking(rulebook, awards, Enrolment(rulebook, awards))
        self._work = ImportWork(rulebook, taking)

    async def run(self, *, dry_run: bool, yes: bool) -> None:
        """Try it out, say what would come of it, and take it in if that is wanted."""
        old = optional("PERSONAL_DATA_KEY_OLD", "") or None
        sealed.use(Keys(required("PERSONAL_DATA_KEY"), old))
        pool = await open_pool(required("DATABASE_URL"), schema="points", size=2)
        try:
            found = await self._tried(pool)
            await self._say(pool, found)
            if dry_run or not (yes or typer.confirm("Take it in?")):
                print(f"nothing was taken in; the import is {found.id}")
                return
            done = await self._taken(pool, found.id)
            print(f"{done.state}: {done.position} rows; the import is {done.id}")
        finally:
            await pool.close()

    async def _tried(self, pool: "Pool[Any]") -> Import:
        sent = await intake.take(pool, _parts(self._file))
        id = ids.new_id()
        async with pool.acquire() as connection, connection.transaction():
            await store.add(
                connection,
                id,
                upload=sent.upload,
                size=sent.size,
                sha256=sent.sha256,
                file_name=self._file.name[:200],
                preset=self._preset,
                by=ACTOR,
                now=clock.now(),
            )
        found = await self._until(pool, id, ("mapping", "failed"))
        if found.problem:
            raise NotNow("failed", found.problem["ja"], found.problem["en"])
        async with pool.acquire() as connection, connection.transaction():
            made = msgspec.structs.replace(choices.guessed(found), **self._made)
            await steps.check(connection, found, made)
        return await self._until(pool, id, ("checked", "mapping"))

    async def _taken(self, pool: "Pool[Any]", id: UUID) -> Import:
        async with pool.acquire() as connection, connection.transaction():
            found = await store.lock(connection, id)
            assert found is not None  # noqa: S101 - made above
            await steps.run(connection, found)
        return await self._until(pool, id, ("done", "paused"))

    async def _until(self, pool: "Pool[Any]", id: UUID, states: tuple[str, ...]) -> Import:
        """Work until it is in one of these states, or the process that runs beside has done it."""
        while True:
            async with pool.acquire() as connection:
                found = await store.one(connection, id)
            assert found is not None  # noqa: S101 - made above
            if found.state in states:
                return found
            if found.rows:
                print(f"{found.state}: row {found.position} of {found.rows}", end="\r")
            if not await self._work.page(pool, _Silent()):
                await asyncio.sleep(0.2)

    async def _say(self, pool: "Pool[Any]", found: Import) -> None:
        columns = choices.chosen(found).places
        for place, heading in enumerate(found.headings or []):
            print(f"column {place} ({heading}): {columns.get(place, 'not read')}")
        async with pool.acquire() as connection:
            bad = await import_rows.shown(connection, found.id, 0, MOST_SHOWN, fates=["bad"])
        for row in bad:
            print(f"row {row.number}: {words.sentences(row.faults).en}")
        print(", ".join(f"{name} {count:,}" for name, count in (found.totals or {}).items()))
        if self._errors is not None:
            with self._errors.open("wb") as file:
                async for part in report.errors(pool, found):
                    file.write(part)


class _Silent:
    """Leaves events in the outbox, for the service's own sweep."""

    async def hand_over(self, rows: object) -> None:
        return None


async def _parts(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while part := opened.read(PART):
            yield part
