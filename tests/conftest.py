"""Fixtures for the whole suite. `servers`: PostgreSQL, RabbitMQ and Redis to test against."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack

import asyncpg
import pytest
from xdist.scheduler import LoadScopeScheduling

from deploy.local import probes
from deploy.local.servers import ServerUrls, start_servers
from deploy.local.stack import scratch_folder
from deploy.local.up import given_urls, wants_docker
from deploy.schemas import SERVICES, migrations_of
from shared import ids
from shared.migrate import ServiceSchema, migrate
from tests import namespaces

PASSWORD = "of-a-throw-away-database"


class ByPlace(LoadScopeScheduling):
    """Who runs which tests, where several processes share them. A file stays whole: its database is
    made once. And so do those that need a whole running system: one at a time is enough here."""

    SYSTEM = ("tests/e2e/", "tests/faults/", "tests/month/")

    def _split_scope(self, nodeid: str) -> str:
        return "system" if nodeid.startswith(self.SYSTEM) else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByPlace:
    return ByPlace(config, log)  # type: ignore[arg-type]  # a Producer, which xdist does not export


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what went wrong at first wherever a second try went well: it is a race to be mended."""
    failed = {report.nodeid for report in terminalreporter.getreports("failed")}
    for report in terminalreporter.getreports("rerun"):
        if report.nodeid not in failed:
            terminalreporter.section(f"PASSED ONLY WHEN TRIED AGAIN: {report.nodeid}")
            report.toterminal(terminalreporter._tw)


@pytest.fixture(scope="session")
def servers() -> Iterator[ServerUrls]:
    """Those named by DATABASE_URL, AMQP_URL and REDIS_URL (all three); else containers where a
    Docker engine answers; else private instances, destroyed at the end."""
    given = given_urls(os.environ)
    if len(given) == 3:
        yield ServerUrls(given["DATABASE_URL"], given["AMQP_URL"], given["REDIS_URL"])
    elif given:
        pytest.fail(f"only {', '.join(given)} given: name all three servers by URL, or none")
    elif wants_docker(os.environ):
        yield from _containers()
    else:
        with start_servers(scratch_folder("test")) as private:
            yield private.urls


def _containers() -> Iterator[ServerUrls]:
    with ExitStack() as stack:
        postgres = _container(
            stack, "postgres:17-alpine", 5432, POSTGRES_PASSWORD="test", POSTGRES_DB="tamaru"
        )
        rabbitmq = _container(
            stack, "rabbitmq:4-alpine", 5672, RABBITMQ_DEFAULT_USER="t", RABBITMQ_DEFAULT_PASS="t"
        )
        redis = _container(stack, "redis:7-alpine", 6379)
        _wait(probes.postgres(postgres))
        _wait(probes.tcp(redis))
        _wait(probes.rabbitmq(rabbitmq))
        yield ServerUrls(
            f"postgresql://postgres:test@127.0.0.1:{postgres}/tamaru",
            f"amqp://t:t@127.0.0.1:{rabbitmq}/",
            f"redis://127.0.0.1:{redis}/0",
        )


def _container(stack: ExitStack, image: str, port: int, **env: str) -> int:
    """Start a container that ends with `stack`; its port on this machine."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415  (needs an engine)

    container = DockerContainer(image).with_exposed_ports(port)
    for name, value in env.items():
        container = container.with_env(name, value)
    stack.enter_context(container)
    return int(container.get_exposed_port(port))


def _wait(probe: probes.Probe, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < deadline, "a container does not answer"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def spare_namespaces() -> list[str]:
    """Namespaces of the bus that were used and are empty."""
    return []


@pytest.fixture
def namespace(servers: ServerUrls, spare_namespaces: list[str]) -> Iterator[str]:
    """A namespace of the bus, and of Redis, that nobody else uses, with nothing in it."""
    with namespaces.lent(spare_namespaces, servers.amqp_url, servers.redis_url) as name:
        yield name


@pytest.fixture(scope="module")
def database(servers: ServerUrls) -> Iterator["Database"]:
    """A fresh database with every service's schema, dropped after the module's tests."""
    name = f"test_{ids.new_id().hex[:16]}"
    asyncio.run(_execute(servers.database_url, f"CREATE DATABASE {name}"))
    admin_url = f"{servers.database_url.rsplit('/', 1)[0]}/{name}"
    services = [ServiceSchema(each, migrations_of(each), PASSWORD) for each in SERVICES]
    try:
        asyncio.run(migrate(admin_url, services))
        yield Database(admin_url)
    finally:
        asyncio.run(_execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)"))


class Database:
    """A migrated database: an administrator's URL, and each service's own."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url

    def url(self, service: str) -> str:
        """The URL that connects as the service's role."""
        host = self.admin_url.split("@", 1)[1]
        return f"postgresql://tamaru_{service}:{PASSWORD}@{host}"


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
