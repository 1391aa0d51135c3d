"""The roles of the services may do what their service does and nothing more: asked of PostgreSQL
itself, as each of them, on the product's own migrations."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from deploy.schemas import SERVICES

ATTRIBUTES = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolinherit"
DENIED = asyncpg.InsufficientPrivilegeError


@pytest.fixture(params=SERVICES)
async def who(request: pytest.FixtureRequest, database: Any) -> AsyncIterator[Any]:
    """A service's name, and a connection as its role."""
    connection = await asyncpg.connect(database.url(request.param))
    yield request.param, connection
    await connection.close()


@pytest.fixture
async def admin(database: Any) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database.admin_url)
    yield connection
    await connection.close()


async def test_a_role_has_no_attribute_and_belongs_to_nobody(who: Any) -> None:
    _, connection = who
    row = await connection.fetchrow(
        f"SELECT {ATTRIBUTES} FROM pg_roles WHERE rolname = current_user"
    )
    assert not any(row.values()), dict(row)
    assert not await connection.fetchval(
        "SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"
    )


async def test_a_role_sees_its_own_schema_and_no_other(who: Any, admin: Any) -> None:
    name, connection = who
    tables = await admin.fetch(
        "SELECT schemaname AS schema, tablename AS name FROM pg_tables WHERE schemaname = ANY($1)",
        list(SERVICES),
    )
    assert {row["schema"] for row in tables} == set(SERVICES)
    seen = {
        row["schema"]
        for row in tables
        if await connection.fetchval(
            "SELECT has_schema_privilege($1, 'USAGE') OR has_schema_privilege($1, 'CREATE')",
            row["schema"],
        )
    }
    assert seen == {name}
    for row in tables:
        if row["schema"] != name:
            with pytest.raises(DENIED):
                await connection.fetch(f"SELECT FROM {row['schema']}.{row['name']} LIMIT 1")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.intruder (id integer)",
        "CREATE SCHEMA intruder",
        "CREATE TEMPORARY TABLE intruder (id integer)",
        "CREATE ROLE intruder",
        "CREATE DATABASE intruder",
        "SET ROLE postgres",
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "ALTER SYSTEM SET log_statement = 'all'",
    ],
)
async def test_a_role_is_denied(who: Any, statement: str) -> None:
    _, connection = who
    with pytest.raises(DENIED):
        await connection.execute(statement)


async def test_no_role_becomes_another(who: Any) -> None:
    name, connection = who
    for other in set(SERVICES) - {name}:
        with pytest.raises(DENIED):
            await connection.execute(f"SET ROLE tamaru_{other}")


async def test_nobody_connects_who_is_not_named(database: Any, admin: Any) -> None:
    grants = await admin.fetchval(
        "SELECT datacl::text FROM pg_database WHERE datname = current_database()"
    )
    for service in SERVICES:
        assert f"tamaru_{service}=c/" in grants
    assert not await admin.fetchval(
        """SELECT EXISTS (SELECT FROM pg_database, aclexplode(datacl) AS acl
           WHERE datname = current_database() AND acl.grantee = 0)"""
    )
    assert not await admin.fetchval(
        """SELECT EXISTS (SELECT FROM pg_namespace, aclexplode(nspacl) AS acl
           WHERE nspname = 'public' AND acl.grantee = 0 AND acl.privilege_type = 'CREATE')"""
    )
