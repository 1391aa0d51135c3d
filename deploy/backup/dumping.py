"""The dump, out of the database and into it: a folder of compressed files that several connections
write, or, encrypted, one file that one connection writes. Several read either."""

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from deploy.backup import encryption, postgres
from deploy.backup.encryption import Locked

ENCRYPTED = "dump.age"


async def write(
    pg_dump: Path,
    database_url: str,
    *what: str,
    to: Path,
    jobs: int,
    recipients: Sequence[str],
) -> None:
    """Dump what is said in `pg_dump`'s words into a new folder. Raises ToolProblem, OSError."""
    words = ("--no-password", *what)
    if not recipients:
        form = ("--format=directory", f"--file={to}", f"--jobs={jobs}")
        await postgres.run(pg_dump, *form, *words, database_url=database_url)
        return
    async with encryption.written(to / ENCRYPTED, recipients) as out:
        await postgres.run(pg_dump, "--format=custom", *words, database_url=database_url, out=out)


class Dump(msgspec.Struct, frozen=True):
    """Where `pg_restore` finds it, and the descriptors that it needs for that."""

    place: str
    descriptors: tuple[int, ...] = ()


@contextlib.asynccontextmanager
async def readable(
    folder: Path, recipients: Sequence[str], keys: Sequence[Any]
) -> AsyncIterator[Dump]:
    """A dump as `pg_restore` reads it; what is decrypted lies where TMPDIR says, else beside the
    backup. Raises Locked."""
    if not recipients:
        yield Dump(str(folder))
        return
    told = f"the backup is encrypted to {', '.join(recipients)}"
    if not keys:
        raise Locked(f"{told}: give the secret key of one of them with --identity")
    place = Path(os.environ.get("TMPDIR") or folder.parent.parent)
    async with encryption.opened(folder / ENCRYPTED, keys, place) as descriptor:
        yield Dump(f"/proc/self/fd/{descriptor}", (descriptor,))


async def restore(pg_restore: Path, database_url: str, dump: Dump, *, jobs: int) -> None:
    """Into a database that has none of its schemas. Raises ToolProblem."""
    await postgres.run(
        pg_restore,
        *(f"--jobs={jobs}", "--exit-on-error", "--no-password"),
        f"--dbname={postgres.access(database_url)['PGDATABASE']}",
        dump.place,
        database_url=database_url,
        open_too=dump.descriptors,
    )
