"""What backing up and restoring ask of the database, and change in it: schemas as a whole."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

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
_HAS_MARK_KEY = "SELECT to_regclass('points.mark_key') IS NOT NULL"
_MARK_KEY = "SELECT id::text, key_name, sealed FROM points.mark_key"
_PUT_BACK_MARK_KEY = """
UPDATE points.mark_key m SET key_name = k.key_name, sealed = k.sealed
FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS k (id, key_name, sealed) WHERE m.id = k.id
"""
_ERASED_OF = """
SELECT id::text FROM points.members WHERE id = ANY($1::uuid[]) AND erased_at IS NOT NULL
"""
_KNOWS_OF_ERASURES = """
SELECT to_regclass('notify.erasures') IS NOT NULL AND EXISTS (
    SELECT FROM information_schema.columns
    WHERE table_schema = 'points' AND table_name = 'members' AND column_name = 'erased_at')
"""
_ERASED = """
SELECT erased_at, id, NULL::text FROM points.members WHERE erased_at IS NOT NULL
UNION SELECT f.at, NULL, f.user_hash FROM points.farewells f
WHERE EXISTS (SELECT FROM points.members m WHERE m.erased_at = f.at)
UNION SELECT at, NULL, user_hash FROM notify.erasures
"""
_NOT_ERASED = """
SELECT id FROM points.members WHERE id = ANY($1::uuid[]) AND erased_at IS NULL
ORDER BY merged_into IS NOT NULL, id
"""
_HEARD_OF = """
SELECT user_hash FROM points.farewells f
JOIN unnest($1::text[], $2::timestamptz[]) AS e (user_hash, at) USING (user_hash)
WHERE f.at >= e.at
"""
_DESTROY_MEMBER_KEYS = """
DELETE FROM points.member_keys WHERE member_id = ANY($2::uuid[]) AND member_id IN (
    SELECT id FROM points.members WHERE id = $1 OR merged_into = $1)
"""
_NAMING_LINE_USERS = """
SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY($1::text[]) AND a.attname = 'line_user_id' AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition
ORDER BY 1
"""
_IS_WANTED = "encode(sha256(convert_to(u, 'UTF8')), 'hex') = ANY($1::text[])"
_LINE_USERS = f"""
SELECT DISTINCT u AS line_user FROM (SELECT line_user_id FROM {{}}) AS t (u) WHERE {_IS_WANTED}
"""
_LINE_USERS_WITHIN = f"""
SELECT DISTINCT u AS line_user FROM (
    SELECT (regexp_matches({{}}, 'U[0-9a-f]{{{{32}}}}', 'g'))[1] FROM {{}}
) AS t (u) WHERE {_IS_WANTED}
"""
_BODY = "encode(body, 'escape')"
_WITHIN = (
    ("who", "points.link_attempts"),
    ("reference", "points.waiting_purchases"),
    *((_BODY, name) for name in ("webhook.spool", "webhook.outbox", "points.outbox")),
    *((_BODY, name) for name in ("notify.outbox", "scheduler.outbox")),
)
"""Where LINE users are named within something else: what is looked through, and where."""

_ADD_MEMBER_KEYS = """
INSERT INTO points.member_keys (member_id, key_name, sealed)
SELECT m.id, k.key_name, k.sealed
FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS k (member_id, key_name, sealed)
JOIN points.members m ON m.id = k.member_id
"""
_PRESENT = "SELECT nspname FROM pg_namespace WHERE nspname = ANY($1::text[]) ORDER BY 1"
_LEFT_AT_WORK = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'pg_restore'
"""
RESTORING = "tamaru_restoring"
_RESTORE_LOCK = 0x746D72E5  # a number of our own
_MARK = f"""
CREATE SCHEMA {RESTORING};
CREATE TABLE {RESTORING}.aside (name text PRIMARY KEY, other text NOT NULL);
"""
_NOTE_ASIDE = f"INSERT INTO {RESTORING}.aside (name, other) VALUES ($1, $2)"
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
    """The data keys of all members, as they are locked away, and the key of marks by its own id."""
    rows: list[asyncpg.Record] = await connection.fetch(_MEMBER_KEYS)
    if await connection.fetchval(_HAS_MARK_KEY):
        rows += await connection.fetch(_MARK_KEY)
    return rows


async def erased_of(connection: asyncpg.Connection, members: list[str]) -> list[str]:
    """Those of these members who were erased."""
    return [row["id"] for row in await connection.fetch(_ERASED_OF, members)]


async def erased(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """Who was erased: the moment, the member's id or None, the LINE user's hash or None. Of LINE
    users only the last month's for sure. Nobody where there is no shop, or one from before anybody
    could be erased."""
    if not await connection.fetchval(_KNOWS_OF_ERASURES):
        return []
    rows: list[asyncpg.Record] = await connection.fetch(_ERASED)
    return rows


async def not_erased(connection: asyncpg.Connection, members: Iterable[UUID]) -> list[UUID]:
    """Those of these members who are here and were not erased; who was merged comes last."""
    return [row["id"] for row in await connection.fetch(_NOT_ERASED, list(members))]


async def heard_of(connection: asyncpg.Connection, users: Mapping[str, datetime]) -> set[str]:
    """Those of these LINE users, by hash, who are known to have gone at the moment given or
    later."""
    rows = await connection.fetch(_HEARD_OF, list(users), list(users.values()))
    return {row["user_hash"] for row in rows}


async def line_users(
    connection: asyncpg.Connection, schemas: Iterable[str], hashes: Iterable[str]
) -> list[str]:
    """LINE users with these hashes who are named in clear anywhere in these schemas."""
    wanted, found = list(hashes), set()
    tables = [row["name"] for row in await connection.fetch(_NAMING_LINE_USERS, list(schemas))]
    questions = [_LINE_USERS.format(name) for name in tables]
    for question in [*questions, *(_LINE_USERS_WITHIN.format(*each) for each in _WITHIN)]:
        found |= {row["line_user"] for row in await connection.fetch(question, wanted)}
    return sorted(found)


async def destroy_member_keys(
    connection: asyncpg.Connection, member: UUID, only: Iterable[UUID]
) -> None:
    """Delete the data keys of a member and of whoever was merged into them, of these members
    only."""
    await connection.execute(_DESTROY_MEMBER_KEYS, member, list(only))


async def add_member_keys(
    connection: asyncpg.Connection, members: list[str], names: list[str], sealed: list[bytes]
) -> None:
    """Give data keys back to those of these members that there are. The key of marks came with the
    backup, locked away as it was then; if it is among these, it is as they are from now on."""
    await connection.execute(_ADD_MEMBER_KEYS, members, names, sealed)
    if await connection.fetchval(_HAS_MARK_KEY):
        await connection.execute(_PUT_BACK_MARK_KEY, members, names, sealed)


async def present(connection: asyncpg.Connection, schemas: list[str]) -> list[str]:
    """Which of these schemas there are."""
    return [row["nspname"] for row in await connection.fetch(_PRESENT, schemas)]


async def connected(connection: asyncpg.Connection, roles: list[str]) -> int:
    """How many connections these roles have to this database."""
    count: int = await connection.fetchval(_CONNECTED, roles)
    return count


async def only_restore(connection: asyncpg.Connection) -> bool:
    """Whether no other restore of this database is at work; as long as this connection is open."""
    alone: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _RESTORE_LOCK)
    return alone


async def left_at_work(connection: asyncpg.Connection) -> int:
    """How many connections `pg_restore` has to this database: it outlives who started it."""
    count: int = await connection.fetchval(_LEFT_AT_WORK)
    return count


async def restoring(connection: asyncpg.Connection) -> str | None:
    """The mark of a restore that has not come to its end."""
    name: str | None = await connection.fetchval(
        "SELECT nspname FROM pg_namespace WHERE nspname = $1", RESTORING
    )
    return name


async def mark_restoring(connection: asyncpg.Connection, aside: Mapping[str, str]) -> None:
    """Make the mark, with what was set aside: the other names by the names."""
    await connection.execute(_MARK)
    await connection.executemany(_NOTE_ASIDE, list(aside.items()))


async def set_aside(connection: asyncpg.Connection) -> dict[str, str]:
    """What the mark has of it."""
    rows = await connection.fetch(f"SELECT name, other FROM {RESTORING}.aside")
    return {row["name"]: row["other"] for row in rows}


async def rename(connection: asyncpg.Connection, names: Mapping[str, str]) -> None:
    """Give schemas other names, all or none."""
    async with connection.transaction():
        for old, new in names.items():
            await connection.execute(f"ALTER SCHEMA {old} RENAME TO {new}")


async def drop(connection: asyncpg.Connection, schemas: Iterable[str]) -> None:
    """Delete schemas with all that is in them, where they are there."""
    for name in schemas:
        await connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
