"""Backups that only the holder of a key reads: age files (https://age-encryption.org/v1).

Who makes a backup knows the public half only. What is dumped passes through here on its way to the
disk, and what is restored lies in a file without a name, so that nothing readable ever stands in a
folder: whatever kills a run, nothing has to be swept up after it. Encrypted to a public key, a file
may be anybody's; that it is whole and the one that was written, the manifest says.
"""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pyrage import (
    DecryptError,
    EncryptError,
    IdentityError,
    RecipientError,
    decrypt_io,
    encrypt_io,
    x25519,
)


class Locked(Exception):
    """A key is none or not the one, or there is no room to decrypt; the text says so."""


def recipients(texts: Iterable[str]) -> list[str]:
    """The public keys that are named, each once. Raises Locked for what is none, and does not say
    it: it may be the secret one."""
    named = list(dict.fromkeys(text.strip() for text in texts))
    for number, text in enumerate(named, 1):
        try:
            x25519.Recipient.from_str(text)
        except RecipientError:
            raise Locked(
                f"recipient {number} of {len(named)} is none: one begins with age1 and has 62 signs"
            ) from None
    return named


def identities(text: str) -> list[Any]:
    """The secret keys of a file as `tamaru backup-key` and `age-keygen` write it. Raises Locked
    when there is none."""
    lines = [line.strip() for line in text.splitlines()]
    try:
        found = [x25519.Identity.from_str(line) for line in lines if line and line[0] != "#"]
    except IdentityError:
        found = []
    if not found:
        raise Locked("the identity is none: a file with a line AGE-SECRET-KEY-1… is wanted")
    return found


def new_identity(path: Path, now: datetime) -> str:
    """Write a secret key into a file that is not there yet; returns its recipient. Raises
    OSError."""
    identity = x25519.Identity.generate()
    recipient = str(identity.to_public())
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode=0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"# created: {now:%Y-%m-%dT%H:%M:%SZ}\n# public key: {recipient}\n{identity}\n")
    return recipient


@contextlib.asynccontextmanager
async def written(path: Path, to: Sequence[str]) -> AsyncIterator[int]:
    """A descriptor to write to; what was written stands in a new file, in a new folder, encrypted
    when this ends. Raises OSError if it does not."""
    read, write = os.pipe()
    work = asyncio.create_task(asyncio.to_thread(_encrypt, read, path, to))
    try:
        yield write
    finally:
        os.close(write)
        await work


def _encrypt(read: int, path: Path, to: Sequence[str]) -> None:
    with os.fdopen(read, "rb") as clear:
        path.parent.mkdir(mode=0o700)
        keys = [x25519.Recipient.from_str(each) for each in to]
        try:
            with path.open("xb") as shut:
                encrypt_io(clear, shut, keys)
        except EncryptError as problem:
            raise OSError(f"{path}: {problem}") from None


@contextlib.asynccontextmanager
async def opened(path: Path, keys: Sequence[Any], place: Path) -> AsyncIterator[int]:
    """The descriptor of a file without a name, on the disk of `place`, that has what was encrypted.
    Raises Locked."""
    with contextlib.ExitStack() as stack:
        try:
            _room(path, place)
            clear = stack.enter_context(tempfile.TemporaryFile(dir=place))
            await asyncio.to_thread(_decrypt, path, clear, keys)
        except DecryptError:
            raise Locked("the identity that was given does not open it") from None
        except OSError as problem:
            raise Locked(f"it cannot be decrypted in {place}: {problem}") from None
        yield clear.fileno()


def _room(path: Path, place: Path) -> None:
    needed, free = path.stat().st_size, shutil.disk_usage(place).free
    if needed > free:
        raise Locked(
            f"{needed >> 20:,} MiB are needed to decrypt it, {place} has {free >> 20:,}: name "
            "another place with TMPDIR"
        )


def _decrypt(path: Path, clear: Any, keys: Sequence[Any]) -> None:
    with path.open("rb") as shut:
        decrypt_io(shut, clear, keys)
    clear.flush()
