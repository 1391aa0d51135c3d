"""`tamaru restore`: a backup becomes the database again, and is held against its manifest.

What stood there before is set aside under another name, never deleted: a restore of the wrong
backup can be undone. Then this version's migrations follow, and who was erased since is erased
again. Whatever breaks it off up to here, what stood there before is put back, at once or by the
next run (`unfinished`). At last the ledger is derived again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from deploy.backup import (
    dumping,
    erased,
    erasing_again,
    manifest,
    member_keys,
    postgres,
    store,
    unfinished,
)
from deploy.backup.erased import Erased
from deploy.backup.manifest import Manifest
from deploy.backup.member_keys import MemberKey
from deploy.backup.taking import DUMP, Progress
from services.points.accounts import verifying
from shared import clock
from shared.keys import Keys
from shared.migrate import ServiceSchema, migrate, prepare_roles


class Refused(Exception):
    """Nothing was changed; the text says why and what to do."""


class Restored(msgspec.Struct, frozen=True):
    """What came back. `differences` is empty when all is as the manifest says, who had to be erased
    again is, and the ledger adds up; `aside`: the schemas that what was there before has now."""

    manifest: Manifest
    aside: list[str]
    applied: list[str]
    erased_again: int
    differences: list[str]


async def restore(
    database_url: str,
    services: list[ServiceSchema],
    folder: Path,
    *,
    replace: bool,
    jobs: int,
    tell: Progress,
    key_file: Path | None = None,
    erased_file: Path | None = None,
    keys: Keys[str] | None = None,
    identities: Sequence[Any] = (),
    sha256: str = "",
) -> Restored:
    """Raises Refused, Locked, ToolProblem, asyncpg's errors; then the database is as it was.
    `key_file` has the members' data keys and `erased_file` who was erased, if they are not those
    beside the backup; `keys` is PERSONAL_DATA_KEY, if it is known; `identities` are the secret keys
    that may open the backup, if it is encrypted; `sha256`, if it is known, is its manifest's."""
    connection = await asyncpg.connect(database_url)
    try:
        await _take_back(connection, services, tell)
        found = await _readable(folder, services, sha256.lower())
        tell("comparing the files with the manifest")
        _intact(folder, found)
        data_keys = _keys(found, key_file or folder.parent / member_keys.NAME)
        server = connection.get_server_version().major
        if server < found.server:
            raise Refused(f"this server is PostgreSQL {server}, the backup of {found.server}")
        pg_restore = await postgres.tool("pg_restore", max(server, found.server))
        async with dumping.readable(folder / DUMP, found.recipients, identities) as dump:
            listed = await _listed(connection, erased_file or folder.parent / erased.NAME)
            try:
                aside = await _set_aside(connection, services, replace=replace)
                tell(f"restoring {sum(found.rows.values()):,} rows with {jobs} connections")
                await prepare_roles(connection, services)
                await dumping.restore(pg_restore, database_url, dump, jobs=jobs)
                await member_keys.put_back(connection, data_keys)
                tell("counting rows")
                differences = await _compared(connection, found, services)
                applied = await migrate(database_url, services)
                tell("erasing again who was erased since")
                names = _names(services)
                again = await erasing_again.erase_again(database_url, names, listed, keys)
                await unfinished.end(connection)
            except BaseException:
                await _put_back(connection, services, tell)
                raise
    finally:
        await connection.close()
    tell("deriving the ledger again")
    try:
        differences += [*again.problems, *await _verified(database_url)]
    except BaseException:
        tell("the backup is restored. The ledger was not looked at: `tamaru ledger verify` does it")
        raise
    return Restored(found, list(aside.values()), applied, again.members, differences)


async def _readable(folder: Path, services: list[ServiceSchema], sha256: str) -> Manifest:
    try:
        found, told = manifest.read_known(folder)
    except (OSError, msgspec.DecodeError) as problem:
        raise Refused(f"{folder} is no whole backup: {problem}") from None
    if sha256 and sha256 != told:
        raise Refused(f"this is another backup, or it was changed: its manifest has SHA-256 {told}")
    for service in services:
        known = {int(file.name[:4]) for file in service.migrations.glob("[0-9]*.sql")}
        if newer := sorted(set(found.migrations.get(service.name, [])) - known):
            raise Refused(
                f"a newer version of Tamaru made this backup ({service.name} {newer[0]:04d}): "
                "restore it with that version or a later one"
            )
    return found


def _intact(folder: Path, found: Manifest) -> None:
    here = manifest.hashes(folder / DUMP)
    wrong = sorted(name for name, hash in found.files.items() if here.get(name) != hash)
    if wrong:
        raise Refused(f"{len(wrong)} files are missing or damaged, the first is {wrong[0]}")


def _keys(found: Manifest, path: Path) -> list[MemberKey]:
    """Members' data keys; none for a backup from before there were any."""
    if member_keys.SINCE not in found.migrations.get("points", []):
        return []
    try:
        return member_keys.read(path)
    except (OSError, msgspec.DecodeError) as problem:
        raise Refused(
            f"the members' data keys are missing ({problem}). Give the newest {member_keys.NAME} "
            "with --keys; without it, all that is locked away of people would be lost. If it is "
            "lost, an empty file brings back the rest"
        ) from None


async def _listed(connection: asyncpg.Connection, path: Path) -> list[Erased]:
    """Who was erased: as the file says, and the database as it is, before it is set aside."""
    try:
        erased.read(path)
        return await erased.write(connection, path)
    except (OSError, msgspec.DecodeError) as problem:
        raise Refused(
            f"nobody says who was erased since the backup ({problem}). Give the newest "
            f"{erased.NAME} with --erased, in a folder that can be written to; without it, they "
            "would be back. If there is none, `tamaru erased` makes one of a database that is "
            "still there; an empty file erases nobody again"
        ) from None


async def _take_back(
    connection: asyncpg.Connection, services: list[ServiceSchema], tell: Progress
) -> None:
    """What a restore left that died in the middle."""
    if not await store.only_restore(connection):
        raise Refused("another `tamaru restore` is at work here: wait for its end")
    if await unfinished.is_marked(connection):
        tell("a restore was broken off here")
        if left := await store.left_at_work(connection):  # or its rows would go into what is back
            raise Refused(f"its pg_restore goes on ({left} connections): end it first")
        await _nobody_connected(connection, services)
    await _put_back(connection, services, tell)


async def _nobody_connected(connection: asyncpg.Connection, services: list[ServiceSchema]) -> None:
    if busy := await store.connected(connection, [each.role for each in services]):
        raise Refused(f"{busy} connections of services are open: stop the services first")


async def _set_aside(
    connection: asyncpg.Connection, services: list[ServiceSchema], *, replace: bool
) -> dict[str, str]:
    """Rename what is there, and mark what is to come as unfinished; the new names by the old
    ones."""
    present = await store.present(connection, _names(services))
    if present and not replace:
        raise Refused(
            "the database has a shop already. With --replace it is set aside under another name"
        )
    if present:
        await _nobody_connected(connection, services)
    aside = {name: f"{name}_before_{clock.now():%Y%m%d_%H%M%S}" for name in present}
    await unfinished.begin(connection, aside)
    return aside


async def _put_back(
    connection: asyncpg.Connection, services: list[ServiceSchema], tell: Progress
) -> None:
    if not await unfinished.is_marked(connection):
        return
    tell("putting back what was there before")
    if not await unfinished.put_back(connection, _names(services)):
        tell("that was no shop: the database is empty")


async def _compared(
    connection: asyncpg.Connection, found: Manifest, services: list[ServiceSchema]
) -> list[str]:
    here = await store.rows(connection, _names(services))
    here.pop(member_keys.TABLE, None)
    told = [
        f"{name}: {found.rows.get(name, 0)} rows in the backup, {here.get(name, 0)} here"
        for name in sorted(found.rows.keys() | here.keys())
        if found.rows.get(name) != here.get(name)
    ]
    ledger = await store.ledger(connection)
    if ledger != found.ledger:
        told.append(f"ledger: {found.ledger} in the backup, {ledger} here")
    return told


async def _verified(database_url: str) -> list[str]:
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "points"})
    try:
        return [
            f"member {finding.member_id}: {finding.what}: entries say {finding.entries}, "
            f"stored {finding.stored}"
            async for page in verifying.verify(connection)
            for finding in page.findings
        ]
    finally:
        await connection.close()


def _names(services: list[ServiceSchema]) -> list[str]:
    return [service.name for service in services]
