"""What backing up and restoring ask of the database, and change in it: schemas as a whole."""

from collections.abc import Iterable, Mapping

import asyncpg

from deploy.backup.manifest import Ledger

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
_MEMBER_KEYS = """
SELECT member_id::text, key_name, sealed FROM points.member_keys ORDER BY member_id
"""
_ERASED = """
SELECT id::text FROM points.members WHERE id = ANY($1::uuid[]) AND erased_at IS NOT NULL
"""
_ADD_MEMBER_KEYS = """
INSERT INTO points.member_keys (member_id, key_name, sealed)
SELECT m.id, k.key_name, k.sealed
FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS k (member_id, key_name, sealed)
JOIN points.members m ON m.id = k.member_id
"""
_PRESENT = "SELECT nspname FROM pg_namespace WHERE nspname = ANY($1::text[]) ORDER BY 1"
_CONNECTED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename = ANY($1::text[])
"""


async def exported(connection: asyncpg.Connection) -> str:
    """The name by which others may read this transaction's snapshot."""
    name: str = await connection.fetchval("SELECT pg_export_snapshot()")
    return name


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


async def member_keys(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """The data keys of all members, as they are locked away."""
    rows: list[asyncpg.Record] = await connection.fetch(_MEMBER_KEYS)
    return rows


async def erased(connection: asyncpg.Connection, members: list[str]) -> list[str]:
    """Those of these members who were erased."""
    return [row["id"] for row in await connection.fetch(_ERASED, members)]


async def add_member_keys(
    connection: asyncpg.Connection, members: list[str], names: list[str], sealed: list[bytes]
) -> None:
    """Give data keys back to those of these members that there are."""
    await connection.execute(_ADD_MEMBER_KEYS, members, names, sealed)


async def present(connection: asyncpg.Connection, schemas: list[str]) -> list[str]:
    """Which of these schemas there are."""
    return [row["nspname"] for row in await connection.fetch(_PRESENT, schemas)]


async def connected(connection: asyncpg.Connection, roles: list[str]) -> int:
    """How many connections these roles have to this database."""
    count: int = await connection.fetchval(_CONNECTED, roles)
    return count


async def rename(connection: asyncpg.Connection, names: Mapping[str, str]) -> None:
    """Give schemas other names, all or none."""
    async with connection.transaction():
        for old, new in names.items():
            await connection.execute(f"ALTER SCHEMA {old} RENAME TO {new}")


async def drop(connection: asyncpg.Connection, schemas: Iterable[str]) -> None:
    """Delete schemas with all that is in them, where they are there."""
    for name in schemas:
        await connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
