"""What a backup says of itself, so that the way back can be checked against it."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

NAME = "manifest.json"
_CHUNK = 1024 * 1024

_TABLES = """
SELECT n.nspname AS schema, c.relname AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY($1::text[]) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1, 2
"""
_LEDGER = """
SELECT (SELECT count(*) FROM points.members) AS members, count(*) AS entries,
    coalesce(sum(amount), 0)::bigint AS points
FROM points.entries WHERE unit = 'point'
"""


class Ledger(msgspec.Struct, frozen=True):
    """The ledger in three numbers; `points` is what all entries add up to."""

    members: int
    entries: int
    points: int


class Manifest(msgspec.Struct, frozen=True):
    """One backup. `server`: PostgreSQL's major version; `rows`: by table, as `schema.name`;
    `migrations`: those applied, by schema; `files`: SHA-256 by path in the dump's folder."""

    taken_at: datetime
    server: int
    ledger: Ledger
    rows: dict[str, int]
    migrations: dict[str, list[int]]
    files: dict[str, str]


def read(folder: Path) -> Manifest:
    """The manifest of a backup. Raises OSError where there is none, msgspec's errors where it is
    not one."""
    return msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)


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


async def rows(connection: asyncpg.Connection, schemas: Iterable[str]) -> dict[str, int]:
    """How many rows each table of these schemas has."""
    tables = await connection.fetch(_TABLES, list(schemas))
    names = {f"{each['schema']}.{each['name']}": each for each in tables}
    return {
        name: await connection.fetchval(f'SELECT count(*) FROM "{each["schema"]}"."{each["name"]}"')
        for name, each in names.items()
    }


async def ledger(connection: asyncpg.Connection) -> Ledger:
    """The ledger as it is."""
    row = await connection.fetchrow(_LEDGER)
    return Ledger(**dict(row or {}))


async def migrations(
    connection: asyncpg.Connection, schemas: Iterable[str]
) -> dict[str, list[int]]:
    """The migrations that each of these schemas has had."""
    return {
        schema: [
            each["version"]
            for each in await connection.fetch(
                f"SELECT version FROM {schema}.migrations ORDER BY version"
            )
        ]
        for schema in schemas
    }
