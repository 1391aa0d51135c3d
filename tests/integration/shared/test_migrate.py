"""Migrations on a real database: once each, in order, whole or not at all, one role per schema."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import pytest

from deploy import migration_wait
from shared.migrate import MigrationChanged, ServiceSchema, migrate, missing

FIRST = "CREATE TABLE things (id integer PRIMARY KEY);"
SECOND = "INSERT INTO things VALUES (1); ALTER TABLE things ADD COLUMN name text;"


@pytest.fixture
async def services(servers, tmp_path: Path) -> AsyncIterator[list[ServiceSchema]]:
    """Two services of made-up names, the second with one migration of its own."""
    made = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "0001_first.sql").write_text(FIRST)
        made.append(ServiceSchema(f"m{uuid.uuid4().hex[:8]}", folder, f"it's a secret {number}"))
    yield made
    admin = await asyncpg.connect(servers.database_url)
    for service in made:
        await admin.execute(f"DROP ROLE IF EXISTS {service.role}")
    await admin.close()


@pytest.fixture
async def url(servers, services) -> AsyncIterator[str]:
    """An empty database, gone before the roles that own things in it."""
    name = f"migrate_{uuid.uuid4().hex[:8]}"
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(f"CREATE DATABASE {name}")
    yield urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def query(url: str, sql: str, **options):
    connection = await asyncpg.connect(url, **options)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_each_is_applied_once_and_in_order(url, services):
    first, second = services
    assert await migrate(url, services) == [
        f"{first.name}/0001_first.sql",
        f"{second.name}/0001_first.sql",
    ]
    assert await migrate(url, services) == []
    (first.migrations / "0002_second.sql").write_text(SECOND)
    assert await migrate(url, services) == [f"{first.name}/0002_second.sql"]
    assert await query(url, f"SELECT count(*) FROM {first.name}.things") == 1


async def test_many_at_once_apply_each_once(url, services):
    applied = await asyncio.gather(*(migrate(url, services) for _ in range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, 2]


async def test_one_that_changed_after_it_was_applied_is_refused(url, services):
    await migrate(url, services)
    (services[0].migrations / "0001_first.sql").write_text(FIRST + "-- a word")
    (services[0].migrations / "0002_second.sql").write_text(SECOND)
    with pytest.raises(MigrationChanged, match=r"0001_first\.sql"):
        await migrate(url, services)
    assert await query(url, f"SELECT count(*) FROM {services[0].name}.things") == 0


async def test_one_that_fails_leaves_nothing_of_itself(url, services):
    (services[0].migrations / "0002_second.sql").write_text(SECOND + "SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(url, services)
    assert await query(url, f"SELECT count(*) FROM {services[0].name}.things") == 0
    (services[0].migrations / "0002_second.sql").write_text(SECOND)
    assert len(await migrate(url, services)) == 2


async def test_a_role_logs_in_and_sees_its_own_schema_only(url, services):
    await migrate(url, services)
    first, second = services
    login = {"user": first.role, "password": first.password}
    assert await query(url, f"SELECT count(*) FROM {first.name}.things", **login) == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await query(url, f"SELECT count(*) FROM {second.name}.things", **login)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await query(url, "CREATE ROLE intruder", **login)


async def test_the_password_follows_the_environment(url, services):
    await migrate(url, services)
    changed = ServiceSchema(services[0].name, services[0].migrations, "another")
    await migrate(url, [changed])
    assert await query(url, "SELECT 1", user=changed.role, password="another") == 1
    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(url, "SELECT 1", user=changed.role, password=services[0].password)


def own_url(url: str, service: ServiceSchema) -> str:
    """The database's URL with the service's own role."""
    parts = urlsplit(url)
    login = f"{service.role}:{quote(service.password, safe='')}"
    return parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}").geturl()


async def test_a_service_learns_with_its_own_role_what_is_missing(url, services):
    service = services[0]
    mine = own_url(url, service)
    first, second = (f"{service.name}/{name}.sql" for name in ("0001_first", "0002_second"))
    assert await missing(mine, service.name, service.migrations) == [first]
    await migrate(url, services)
    assert await missing(mine, service.name, service.migrations) == []
    (service.migrations / "0002_second.sql").write_text(SECOND)
    assert await missing(mine, service.name, service.migrations) == [second]


async def test_what_a_newer_version_applied_is_no_matter_to_an_older_one(url, services):
    service = services[0]
    (service.migrations / "0002_second.sql").write_text(SECOND)
    await migrate(url, services)
    (service.migrations / "0002_second.sql").unlink()
    assert await missing(own_url(url, service), service.name, service.migrations) == []


async def test_a_process_that_waits_goes_on_once_its_migrations_are_there(url, services):
    service, told = services[0], []
    waiting = asyncio.create_task(
        migration_wait.wait(
            own_url(url, service), service.name, service.migrations, 30, told.append
        )
    )
    async with asyncio.timeout(10):
        while not told:
            await asyncio.sleep(0.01)
    assert told == [f"waiting for 1 migrations from {service.name}/0001_first.sql on"]
    await migrate(url, services)
    assert await waiting
    assert told[1:] == [f"the schema {service.name} is up to date"]


async def test_a_process_does_not_wait_for_ever(url, services):
    service, told = services[0], []
    wait = migration_wait.wait(
        own_url(url, service), service.name, service.migrations, 0.1, told.append
    )
    assert not await wait
    assert "tamaru migrate" in told[-1]
    away = "postgresql://nobody@127.0.0.1:1/nothing"
    assert not await migration_wait.wait(away, service.name, service.migrations, 0.1, told.append)
    assert "the database does not answer" in told[-2]


async def test_no_superuser_is_needed(url, services):
    """The owner of the database who may create roles is enough, as in CloudNativePG."""
    owner = f"o{uuid.uuid4().hex[:8]}"
    await query(url, f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'x'")
    name = urlsplit(url).path[1:]
    await query(url, f"ALTER DATABASE {name} OWNER TO {owner}")
    parts = urlsplit(url)
    mine = parts._replace(netloc=f"{owner}:x@{parts.netloc.rpartition('@')[2]}").geturl()
    try:
        assert len(await migrate(mine, services)) == 2
        assert await migrate(mine, services) == []
    finally:
        await query(url, f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
        for service in services:
            await query(url, f"DROP OWNED BY {service.role} CASCADE")
        await query(url, f"DROP OWNED BY {owner} CASCADE")
        await query(url, f"DROP ROLE {owner}")


async def test_a_change_gives_way_to_a_busy_table_and_comes_later(url, services, monkeypatch):
    monkeypatch.setattr("shared.migrate.LOCK_SECONDS", 1)
    service = services[0]
    await migrate(url, [service])
    (service.migrations / "0002_second.sql").write_text(SECOND)
    busy = await asyncpg.connect(url, server_settings={"search_path": service.name})
    other = await asyncpg.connect(url, server_settings={"search_path": service.name})
    async with busy.transaction():
        await busy.execute("SELECT FROM things")
        changing = asyncio.create_task(migrate(url, [service]))
        waited = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'things'::regclass"
        async with asyncio.timeout(20):
            while not await other.fetchval(waited):
                await asyncio.sleep(0.01)
            while await other.fetchval(waited):
                await asyncio.sleep(0.01)
        await asyncio.wait_for(other.execute("INSERT INTO things VALUES (7)"), 5)
        assert not changing.done()
    assert await changing == [f"{service.name}/0002_second.sql"]
    assert await other.fetchval("SELECT count(*) FROM things") == 2
    await busy.close()
    await other.close()


async def test_an_index_is_made_beside_a_writing_shop(url, services):
    service = services[0]
    await migrate(url, [service])
    (service.migrations / "0002_index.sql").write_text(
        "-- without a transaction\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS things_by_id ON things (id);"
    )
    left = await asyncpg.connect(url, server_settings={"search_path": service.name})
    await left.execute("CREATE INDEX half ON things (id)")
    await left.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'half'::regclass")
    assert await asyncio.gather(migrate(url, [service]), migrate(url, [service])) in (
        [[f"{service.name}/0002_index.sql"], []],
        [[], [f"{service.name}/0002_index.sql"]],
    )
    names = await left.fetch("SELECT indexname FROM pg_indexes WHERE tablename = 'things'")
    assert {row["indexname"] for row in names} == {"things_pkey", "things_by_id"}
    await left.close()
