"""Forward-only migrations: one schema and one role per service, no grants across.

Run as an administrator of the database, once per start (`tamaru migrate`), one at a time.
A migration file is `NNNN_name.sql` and never changes once applied: its checksum is kept. The old
version runs on meanwhile, so what it reads and writes stays as it is until the next version.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from shared import clock

_LOCK = 0x74616D617275  # "tamaru"; only one migration runs at a time
ALONE = "-- without a transaction"
"""First line of a file with one statement that PostgreSQL runs only so, and that may be repeated:
CREATE INDEX CONCURRENTLY IF NOT EXISTS, DROP INDEX CONCURRENTLY IF EXISTS."""

LOCK_SECONDS = 3
"""How long a change waits for a table. Whoever waits for one keeps all others waiting behind it, so
it gives way to the shop and tries again."""

LOCK_TRIES = 100
_PAUSE_SECONDS = 0.5

_BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL
)
"""

_VERSIONS = "SELECT version FROM migrations"
_NOTE = "INSERT INTO migrations VALUES ($1, $2, $3, $4)"
_UNFINISHED = """
SELECT i.indexrelid::regclass AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace
"""

_CLOSE = """
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {roles};
"""


class MigrationChanged(Exception):
    """A file that was applied has other content now. Add a new file instead."""


@dataclass(frozen=True)
class ServiceSchema:
    """A service's schema and role (`tamaru_<name>`), and where its migrations stand."""

    name: str
    migrations: Path
    password: str

    @property
    def role(self) -> str:
        """The role that the service connects as."""
        return f"tamaru_{self.name}"


async def migrate(database_url: str, services: list[ServiceSchema]) -> list[str]:
    """Bring every schema up to date; returns what was applied, as `service/file`."""
    connection = await asyncpg.connect(database_url)
    try:
        # Asked again and again: a query that waits would hold up an index made CONCURRENTLY.
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE_SECONDS)
        applied: list[str] = []
        await prepare_roles(connection, services)
        await _close_to_others(connection, services)
        for service in services:
            await connection.execute(
                f"CREATE SCHEMA IF NOT EXISTS {service.name} AUTHORIZATION {service.role}"
            )
            applied += await _apply(connection, service)
        return applied
    finally:
        await connection.close()


async def missing(database_url: str, name: str, migrations: Path) -> list[str]:
    """What this version's service still needs applied, as `service/file`, asked as its own role.

    Before the first migration there is neither role nor schema: then it is everything. What a newer
    version has applied besides is no matter. Raises what says that the database is away.
    """
    try:
        connection = await asyncpg.connect(database_url, server_settings={"search_path": name})
    except asyncpg.InvalidAuthorizationSpecificationError:
        done: set[int] = set()
    else:
        try:
            done = {row["version"] for row in await connection.fetch(_VERSIONS)}
        except asyncpg.UndefinedTableError:
            done = set()
        finally:
            await connection.close()
    return [
        f"{name}/{file.name}"
        for file in sorted(migrations.glob("[0-9]*.sql"))  # noqa: ASYNC240 - as in _apply_file
        if int(file.name[:4]) not in done
    ]


async def prepare_roles(connection: asyncpg.Connection, services: list[ServiceSchema]) -> None:
    """Create each service's role where it is missing; its password follows the environment."""
    for service in services:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", service.role):
            await connection.execute(f"CREATE ROLE {service.role} NOINHERIT")
        secret = await connection.fetchval("SELECT quote_literal($1::text)", service.password)
        await connection.execute(f"ALTER ROLE {service.role} LOGIN PASSWORD {secret}")
        await connection.execute(f"GRANT {service.role} TO CURRENT_USER")


async def _close_to_others(connection: asyncpg.Connection, services: list[ServiceSchema]) -> None:
    """Only whoever is named may connect here, and nobody makes things outside a schema of theirs.

    Whoever else shall read this database is given CONNECT by name. PostgreSQL only warns where the
    database belongs to somebody else than who migrates.
    """
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    roles = ", ".join(service.role for service in services)
    await connection.execute(_CLOSE.format(database=database, roles=roles))


async def _apply(connection: asyncpg.Connection, service: ServiceSchema) -> list[str]:
    await connection.execute(f"SET ROLE {service.role}")
    await connection.execute(f"SET search_path TO {service.name}")
    try:
        await connection.execute(_BOOKKEEPING)
        rows = await connection.fetch("SELECT version, checksum FROM migrations")
        done = {row["version"]: row["checksum"] for row in rows}
        applied = []
        for file in sorted(service.migrations.glob("[0-9]*.sql")):
            if await _apply_file(connection, file, done):
                applied.append(f"{service.name}/{file.name}")
        return applied
    finally:
        await connection.execute("RESET ROLE")
        await connection.execute("RESET search_path")


async def _apply_file(connection: asyncpg.Connection, file: Path, done: dict[int, str]) -> bool:
    sql = file.read_text()  # noqa: ASYNC240 - nothing else runs in this process
    version, checksum = int(file.name[:4]), hashlib.sha256(sql.encode()).hexdigest()
    if version in done:
        if done[version] != checksum:
            raise MigrationChanged(f"{file} was applied with other content; add a new file")
        return False
    note = (version, file.stem[5:], checksum, clock.now())
    if sql.startswith(ALONE):
        await _drop_unfinished(connection)
        await connection.execute(sql)
        await connection.execute(_NOTE, *note)
        return True
    await _patiently(connection, sql, note)
    return True


async def _patiently(
    connection: asyncpg.Connection, sql: str, note: tuple[int, str, str, datetime]
) -> None:
    """Apply a file whole, as soon as the tables that it changes are free for a moment."""
    for tries_left in reversed(range(LOCK_TRIES)):
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
                await connection.execute(sql)
                await connection.execute(_NOTE, *note)
            return
        except asyncpg.LockNotAvailableError:
            if not tries_left:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


async def _drop_unfinished(connection: asyncpg.Connection) -> None:
    """What a killed CONCURRENTLY left: an index that is written and never read."""
    for row in await connection.fetch(_UNFINISHED):
        await connection.execute(f"DROP INDEX CONCURRENTLY {row['name']}")
