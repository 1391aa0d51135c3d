"""`tamaru backup`: all four schemas as of one moment, while the shop goes on.

The dump is PostgreSQL's own (`dumping`); the manifest beside it is counted in the very snapshot
that was dumped. A folder bears its final name once it is whole. The data keys of members stand
apart (`member_keys`), and so does who was erased (`erased`).
"""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncpg
import msgspec

from deploy.backup import dumping, erased, manifest, member_keys, postgres, store
from deploy.backup.manifest import Manifest
from shared import clock

DUMP = "database"
_PREFIX = "tamaru-"
_PARTIAL = ".partial"
Progress = Callable[[str], None]


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
    Raises ToolProblem, OSError, asyncpg's errors."""
    connection = await asyncpg.connect(database_url)
    server = connection.get_server_version().major
    pg_dump = await postgres.tool("pg_dump", server)
    now = clock.now()
    folder = into / f"{_PREFIX}{now:%Y%m%dT%H%M%SZ}"
    partial = folder.with_name(folder.name + _PARTIAL)
    partial.mkdir(parents=True, mode=0o700)
    try:
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
        files = await asyncio.to_thread(manifest.hashes, partial / DUMP)
        manifest.write(partial, msgspec.structs.replace(found, files=files))
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        await connection.close()
    return folder


async def _rows(connection: asyncpg.Connection, schemas: tuple[str, ...]) -> dict[str, int]:
    found = await store.rows(connection, schemas)
    return {name: count for name, count in found.items() if name != member_keys.TABLE}


def complete(into: Path) -> list[Path]:
    """The whole backups below a folder, oldest first."""
    found = into.glob(f"{_PREFIX}*/{manifest.NAME}")
    return sorted(each.parent for each in found if each.parent.suffix != _PARTIAL)


def forget(into: Path, keep: int) -> list[Path]:
    """Delete all but the newest `keep` backups, and what a killed run left; returns what went."""
    old = complete(into)[:-keep] if keep > 0 else []
    old += into.glob(f"{_PREFIX}*{_PARTIAL}")
    for folder in old:
        shutil.rmtree(folder)
    return old
