"""Files that stand beside the backups, one for all of them: replaced whole, readable by their owner
only. And what keeps two commands from writing there at once."""

import contextlib
import fcntl
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec


class Taken(Exception):
    """Another process holds the lock."""


def replace(path: Path, rows: Iterable[Any]) -> None:
    """Put rows into a file, a line each, in place of what it had. Raises OSError."""
    new = path.with_name(path.name + ".partial")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_bytes(msgspec.json.Encoder().encode_lines(rows))
    new.replace(path)


@contextlib.contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold a lock for as long as this lasts; a process that dies gives it up. Its file is empty and
    stays: one that is deleted is another one to who waits for it. Raises Taken unless it may
    `wait`, OSError."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Taken from None
        yield
