"""Who was erased stands apart from the backups: one file beside them all, which only grows.

A backup from before an erasure brings its member back, and cannot know. So the file says whom to
erase again: members by their id, which names nobody any more, and LINE users by the SHA-256 of
their id, from which nobody finds the way back (128 random bits). Nothing else stands in it.
"""

import asyncio
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from deploy.backup import files, store

NAME = "erased-members.jsonl"


class Erased(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member, or a LINE user, who was erased at a moment; one erasure may reach several."""

    at: datetime
    member: UUID | None = None
    line_user: str | None = None


async def write(connection: asyncpg.Connection, path: Path) -> list[Erased]:
    """Add to the file whom this database knows to be erased; all that it has then. A file that
    would gain nothing is not touched. Raises OSError, msgspec's errors."""
    kept, here = _kept(path), {Erased(*row) for row in await store.erased(connection)}
    if kept is not None and here <= kept:
        return _sorted(kept)
    with files.locked(path.with_name(f".{path.name}.lock"), wait=True):
        rows = _sorted((_kept(path) or set()) | here)  # another command may have added meanwhile
        await asyncio.to_thread(files.replace, path, rows)
    return rows


def _sorted(rows: set[Erased]) -> list[Erased]:
    return sorted(rows, key=lambda each: (each.at, each.line_user or ""))


def _kept(path: Path) -> set[Erased] | None:
    return set(read(path)) if path.exists() else None


def read(path: Path) -> list[Erased]:
    """The file's rows. Raises OSError where there is none, msgspec's errors where it is not one."""
    return msgspec.json.Decoder(Erased).decode_lines(path.read_bytes())
