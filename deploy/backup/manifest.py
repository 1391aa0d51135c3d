"""What a backup says of itself, so that the way back can be checked against it."""

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec

NAME = "manifest.json"
_CHUNK = 1024 * 1024


class Ledger(msgspec.Struct, frozen=True):
    """The ledger in three numbers; `points` is what all entries add up to."""

    members: int
    entries: int
    points: int


class Manifest(msgspec.Struct, frozen=True):
    """One backup. `server`: PostgreSQL's major version; `rows`: by table, as `schema.name`;
    `migrations`: those applied, by schema; `files`: SHA-256 by path in the dump's folder;
    `recipients`: the public keys that it is encrypted to, none when everybody reads it."""

    taken_at: datetime
    server: int
    ledger: Ledger
    rows: dict[str, int]
    migrations: dict[str, list[int]]
    files: dict[str, str]
    recipients: list[str] = []


def read(folder: Path) -> Manifest:
    """The manifest of a backup. Raises OSError where there is none, msgspec's errors where it is
    not one."""
    return read_known(folder)[0]


def read_known(folder: Path) -> tuple[Manifest, str]:
    """The same, and its SHA-256: whoever has that from elsewhere knows every file of the dump."""
    content = (folder / NAME).read_bytes()
    found = msgspec.json.decode(content, type=Manifest)
    return found, hashlib.sha256(content).hexdigest()


def write(folder: Path, manifest: Manifest) -> None:
    """Put it beside the dump."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / NAME).write_bytes(text + b"\n")


def hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): _hash(path) for path in files}


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
