"""`tamaru backup`: all four schemas as of one moment, while the shop goes on.

The dump is PostgreSQL's own (`dumping`); the manifest beside it is counted in the very snapshot
that was dumped. A folder bears its final name once it is whole. One command at a time writes there,
so what stands there unfinished is of one that died. The data keys of members stand apart
(`member_keys`), and so does who was erased (`erased`).
"""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import asyncpg
import msgspec

from deploy.backup import (
    dumping,
    erased,
    files,
    manifest,
    member_keys,
    postgres,
    store,
    unfinished,
)
from deploy.backup.manifest import Manifest
from shared import clock

DUMP = "database"
_PREFIX = "tamaru-"
_PARTIAL = ".partial"
_LOCK = ".tamaru-backup.lock"
Progress = Callable[[str], None]


class Busy(Exception):
    """No backup can be made now; the text says why."""


async def take(
    database_url: str,
    schemas: tuple[str, ...],
    into: Path,
    *,
    jobs: int,
    tell: Progress,
    recipients: Sequence[str] = (),
) -> Path:
    """Write a backup below `into`, encrypted to `recipients` if there are any; returns its folder.
    What a killed run left there goes. Raises Busy, ToolProblem, OSError, asyncpg's errors."""
    connection = await asyncpg.connect(database_url)
    server = connection.get_server_version().major
    pg_dump = await postgres.tool("pg_dump", server)
    now = clock.now()
    folder = into / f"{_PREFIX}{now:%Y%m%dT%H%M%SZ}"
    try:
        if await unfinished.is_marked(connection):
            raise Busy(unfinished.TOLD)
        with _alone(folder, tell) as partial:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                snapshot = await store.exported(connection)
                tell("counting rows")
                found = Manifest(
                    now,
                    server,
                    await store.ledger(connection),
                    await _rows(connection, schemas),
                    await store.migrations(connection, schemas),
                    {},
                    list(recipients),
                )
                how = "encrypted, with one connection" if recipients else f"with {jobs} connections"
                tell(f"dumping {sum(found.rows.values()):,} rows {how}")
                await dumping.write(
                    pg_dump,
                    database_url,
                    *(f"--schema={schema}" for schema in schemas),
                    *(f"--exclude-table-data={member_keys.TABLE}", f"--snapshot={snapshot}"),
                    to=partial / DUMP,
                    jobs=jobs,
                    recipients=recipients,
                )
                if member_keys.SINCE in found.migrations.get("points", []):
                    await member_keys.write(connection, into)
                await erased.write(connection, into / erased.NAME)
            tell("noting what every file has to be")
            hashes = await asyncio.to_thread(manifest.hashes, partial / DUMP)
            manifest.write(partial, msgspec.structs.replace(found, files=hashes))
    finally:
        await connection.close()
    return folder


@contextlib.contextmanager
def _alone(folder: Path, tell: Progress) -> Iterator[Path]:
    """The folder under another name, which it loses at the end; nobody else writes beside it."""
    into, partial = folder.parent, folder.with_name(folder.name + _PARTIAL)
    into.mkdir(parents=True, exist_ok=True)
    try:
        with files.locked(into / _LOCK, wait=False):
            for left in into.glob(f"{_PREFIX}*{_PARTIAL}"):
                shutil.rmtree(left)
                tell(f"deleted {left}, which a killed run left")
            partial.mkdir(mode=0o700)
            try:
                yield partial
                partial.rename(folder)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    except files.Taken:
        raise Busy(f"another `tamaru backup` is at work in {into}: wait for its end") from None


async def _rows(connection: asyncpg.Connection, schemas: tuple[str, ...]) -> dict[str, int]:
    found = await store.rows(connection, schemas)
    return {name: count for name, count in found.items() if name != member_keys.TABLE}


def complete(into: Path) -> list[Path]:
    """The whole backups below a folder, oldest first."""
    found = into.glob(f"{_PREFIX}*/{manifest.NAME}")
    return sorted(each.parent for each in found if each.parent.suffix != _PARTIAL)


def forget(into: Path, keep: int) -> list[Path]:
    """Delete all but the newest `keep` backups; returns what went."""
    old = complete(into)[:-keep] if keep > 0 else []
    for folder in old:
        shutil.rmtree(folder)
    return old
