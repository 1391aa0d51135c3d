"""`tamaru backup`, `tamaru restore`, and `tamaru erased` for what neither of them knows alone."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import msgspec
import typer

from deploy.backup import encryption, erasing_again, manifest, restoring, stopping, taking
from deploy.backup import erased as erased_list
from deploy.backup.encryption import Locked
from deploy.backup.erased import Erased
from deploy.backup.postgres import ToolProblem
from deploy.backup.restoring import Refused
from deploy.backup.stopping import Stopped
from deploy.backup.taking import Busy
from deploy.environment import optional, required
from deploy.schemas import SERVICES, schemas
from shared import clock
from shared.keys import Keys
from shared.migrate import MigrationChanged

DATABASE = (asyncpg.PostgresError, asyncpg.InterfaceError)
Jobs = Annotated[int, typer.Option(min=1, max=32, help="connections at work at the same time")]


def backup(
    into: Annotated[Path, typer.Argument(help="the folder that holds the backups")],
    keep: Annotated[int, typer.Option(min=0, help="delete all but the newest; 0: none")] = 0,
    jobs: Jobs = 2,
    recipient: Annotated[
        list[str] | None,
        typer.Option(help="encrypt it to this public key, age1… (instead of BACKUP_RECIPIENTS)"),
    ] = None,
) -> None:
    """Write a backup of the whole database while the shop goes on (DATABASE_URL: an
    administrator's), encrypted to whom BACKUP_RECIPIENTS names. It holds personal data; keep
    PERSONAL_DATA_KEY, without which some of it is never read again, apart from it."""
    tell = _clock()
    try:
        set_up = [each for each in optional("BACKUP_RECIPIENTS", "").split(",") if each.strip()]
        recipients = encryption.recipients(recipient or set_up)
        work = taking.take(
            required("DATABASE_URL"), SERVICES, into, jobs=jobs, tell=tell, recipients=recipients
        )
        folder = stopping.run(work)
    except (Busy, Stopped, Locked, ToolProblem, asyncpg.PostgresError, OSError) as problem:
        raise _failed("no backup was made", problem) from None
    found, sha256 = manifest.read_known(folder)
    ledger = found.ledger
    tell(f"{folder}: {ledger.members:,} members, {ledger.entries:,} entries")
    tell(f"--sha256 {sha256}: keep this line; by it the way back knows that this is the one")
    tell("PERSONAL_DATA_KEY is not in it: keep it elsewhere, or sealed personal data is lost")
    for old in taking.forget(into, keep) if keep else []:
        tell(f"deleted {old}")
    if not recipients:
        tell("NOT ENCRYPTED: whoever has this folder reads the names of your members.")
        tell("`tamaru backup-key` makes a key; name it in BACKUP_RECIPIENTS: docs/backup.md")


def backup_key(
    file: Annotated[Path, typer.Argument(help="where the secret key goes; not there yet")],
) -> None:
    """Make a key pair for backups: the secret key into a file, the public one for BACKUP_RECIPIENTS
    to standard output. Whoever has the file reads the backups; without it nobody does."""
    try:
        print(f"BACKUP_RECIPIENTS={encryption.new_identity(file, clock.now())}")
    except OSError as problem:
        raise _failed("no key was made", problem) from None
    print(
        f"{file} opens the backups. Keep it at two places, apart from this machine and from the "
        "backups: if it is lost, they are",
        file=sys.stderr,
    )


def restore(
    folder: Annotated[Path, typer.Argument(help="one backup, as `tamaru backup` named it")],
    replace: Annotated[
        bool, typer.Option("--replace", help="set aside the shop that is in the database")
    ] = False,
    jobs: Jobs = 2,
    keys: Annotated[
        Path | None,
        typer.Option(help="the newest member-keys.jsonl, if it is not beside the backup"),
    ] = None,
    erased: Annotated[
        Path | None,
        typer.Option(help="the newest erased-members.jsonl, if it is not beside the backup"),
    ] = None,
    sha256: Annotated[
        str, typer.Option(help="what `tamaru backup` said of it; refuse any other backup")
    ] = "",
    identity: Annotated[
        str | None,
        typer.Option(help="the file of the secret key, if it is encrypted; -: standard input"),
    ] = None,
) -> None:
    """Make a backup the database again, erase again who was erased since, and check it: rows, sums,
    ledger (DATABASE_URL: an administrator's; the services are stopped)."""
    tell = _clock()
    try:
        identities = _identities(identity) if identity else []
    except (Locked, OSError, UnicodeDecodeError) as problem:
        raise _failed("nothing was changed", problem) from None
    work = restoring.restore(
        required("DATABASE_URL"),
        schemas(),
        folder,
        replace=replace,
        jobs=jobs,
        tell=tell,
        key_file=keys,
        erased_file=erased,
        keys=_personal_keys(),
        identities=identities,
        sha256=sha256,
    )
    try:
        done = stopping.run(work)
    except (Refused, Locked, ToolProblem) as problem:
        raise _failed("nothing was changed", problem) from None
    except (Stopped, MigrationChanged, *DATABASE, OSError) as problem:
        raise _failed("the restore did not come to its end", problem) from None
    for name in done.applied:
        tell(f"applied {name}")
    tell(f"erased again: {done.erased_again} members")
    if done.aside:
        tell(f"what was there before: {', '.join(done.aside)}")
    for difference in done.differences:
        print(difference, file=sys.stderr)
    ledger = done.manifest.ledger
    tell(
        f"as of {done.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC: {ledger.members:,} members, "
        f"{ledger.entries:,} entries; {len(done.differences)} differences"
    )
    raise typer.Exit(1 if done.differences else 0)


def erased(
    file: Annotated[Path, typer.Argument(help="erased-members.jsonl beside the backups")],
    again: Annotated[
        bool, typer.Option("--again", help="erase again whom it names and who is here")
    ] = False,
) -> None:
    """Add to the list beside the backups whom this database knows to be erased, as each backup does
    (DATABASE_URL: an administrator's). `--again`: after a way back that was not `tamaru restore`,
    erase again whom the list names; the services may run."""
    try:
        listed = asyncio.run(_written(file))
        print(f"{file}: {len(listed)} erased")
        if again:
            work = erasing_again.erase_again(
                required("DATABASE_URL"), SERVICES, listed, _personal_keys()
            )
            done = asyncio.run(work)
            print(f"erased again: {done.members} members", *done.problems, sep="\n")
            raise typer.Exit(1 if done.problems else 0)
    except (msgspec.DecodeError, asyncpg.PostgresError, OSError) as problem:
        raise _failed("the list is as it was", problem) from None


async def _written(file: Path) -> list[Erased]:
    connection = await asyncpg.connect(required("DATABASE_URL"))
    try:
        return await erased_list.write(connection, file)
    finally:
        await connection.close()


def _personal_keys() -> Keys[str] | None:
    key, old = optional("PERSONAL_DATA_KEY", ""), optional("PERSONAL_DATA_KEY_OLD", "")
    return Keys(key, old or None) if key else None


def _identities(file: str) -> list[Any]:
    return encryption.identities(sys.stdin.read() if file == "-" else Path(file).read_text())


def _clock() -> taking.Progress:
    started = time.monotonic()
    return lambda text: print(f"[{time.monotonic() - started:6.1f}s] {text}", flush=True)


def _failed(what: str, problem: Exception) -> typer.Exit:
    print(f"{what}: {problem}", file=sys.stderr)
    return typer.Exit(1)
