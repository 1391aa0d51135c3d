"""Small files that other processes read while they are rewritten: atomic, mode 600."""

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def write_private(path: Path, text: str) -> None:
    """Replace `path` with `text` in one step; a reader sees the old or the new file, whole."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_text(path: Path) -> str:
    """The file's text, or "" when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def read_json(path: Path) -> dict[str, Any]:
    """The file's object, or {} when it is missing, cut off or something else."""
    try:
        value = json.loads(read_text(path))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    write_private(path, json.dumps(value, indent=1) + "\n")


def parse_env(text: str) -> dict[str, str]:
    """`KEY=value` lines; blank lines and `#` comments are skipped; values are taken as they are."""
    pairs = (line.split("=", 1) for line in text.splitlines() if line and line[0] != "#")
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def format_env(values: Mapping[str, str]) -> str:
    """`KEY=value` lines in the order given. A line break in a value raises ValueError."""
    for key, value in values.items():
        if "\n" in value or "\r" in value:
            raise ValueError(f"{key} must not contain a line break")
    return "".join(f"{key}={value}\n" for key, value in values.items())


def read_env(path: Path) -> dict[str, str]:
    return parse_env(read_text(path))


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log."""
    return "\n".join(read_text(path).splitlines()[-lines:])


def try_lock(path: Path) -> int | None:
    """Take the lock and return its descriptor (keep it open), or None when another holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock."""
    if not path.exists():
        return False
    handle = try_lock(path)
    if handle is not None:
        os.close(handle)
    return handle is None


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock, waiting for it up to `seconds`. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while (handle := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"another `make up` or `make down` holds {path}")
        time.sleep(0.1)
    try:
        yield
    finally:
        os.close(handle)
