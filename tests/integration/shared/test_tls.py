"""PostgreSQL, RabbitMQ and Redis are reached by TLS, and only those that our authority vouches for:
the ways that docs/operate.md describes, through the product's own clients."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from shared import ratelimit
from shared.bus.link import CONNECT_TIMEOUT
from shared.db import open_pool
from tests.tls import SecureWire, authority, certificate

HOST = "127.0.0.1"
SCHEMES = {"postgres": "postgresql", "rabbitmq": "amqps", "redis": "rediss"}
CA = {
    "postgres": "sslmode=verify-full&sslrootcert={}",
    "rabbitmq": "cafile={}",
    "redis": "ssl_ca_certs={}",
}


async def ask_postgres(url: str) -> bool:
    pool = await open_pool(url, schema="public")
    try:
        return bool(await pool.fetchval("SELECT 1"))
    finally:
        await pool.close()


async def ask_rabbitmq(url: str) -> bool:
    connection = await aio_pika.connect(url, timeout=CONNECT_TIMEOUT)  # as the bus does
    await connection.close()
    return True


async def ask_redis(url: str) -> bool:
    redis = ratelimit.connect(url)
    try:
        return bool(await redis.ping())
    finally:
        await redis.aclose()


async def patiently(way: Any, url: str) -> bool:
    """Limits give Redis a quarter of a second and ask again later: so does this."""
    for _ in range(20):
        with contextlib.suppress(RedisTimeout):
            return await ASK[way.name](url)
    return False


REFUSALS = (OSError, RedisError, aio_pika.exceptions.AMQPError)
ASK: dict[str, Callable[[str], Awaitable[bool]]] = {
    "postgres": ask_postgres,
    "rabbitmq": ask_rabbitmq,
    "redis": ask_redis,
}


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our authority, another one, and certificates of two servers."""
    folder = tmp_path_factory.mktemp("tls")
    authority(folder, "ours")
    authority(folder, "theirs")
    return folder


@pytest.fixture(params=list(SCHEMES))
async def way(request: pytest.FixtureRequest, servers: Any, papers: Path) -> AsyncIterator[Any]:
    """`await way(host of the certificate, CA file)`: the URL of a server behind TLS."""
    name = request.param
    plain = {
        "postgres": servers.database_url,
        "rabbitmq": servers.amqp_url,
        "redis": servers.redis_url,
    }[name]
    parts, wires = urlsplit(plain), []

    async def made(host: str, ca: str) -> str:
        target = (parts.hostname or HOST, parts.port or 0)
        context = certificate(papers, "ours", host)
        wires.append(SecureWire(target, context, postgres=name == "postgres"))
        login = parts.netloc.rpartition("@")[0]
        netloc = f"{login}@{HOST}:{await wires[-1].open()}"
        query = CA[name].format(papers / f"{ca}.pem")
        return parts._replace(scheme=SCHEMES[name], netloc=netloc, query=query).geturl()

    made.name, made.plain, made.wires = name, plain, wires  # type: ignore[attr-defined]
    yield made
    for wire in wires:
        await wire.close()


async def test_the_authoritys_server_is_reached(way: Any) -> None:
    assert await patiently(way, await way(HOST, "ours"))
    assert way.wires[0].secured


async def test_another_authoritys_or_anothers_name_is_refused(way: Any) -> None:
    for host, ca in ((HOST, "theirs"), ("elsewhere.example", "ours")):
        url = await way(host, ca)
        with pytest.raises(REFUSALS, match=r"(?i)certificate"):
            await patiently(way, url)


async def test_who_is_told_to_speak_tls_does_not_speak_plainly(way: Any, papers: Path) -> None:
    query = CA[way.name].format(papers / "ours.pem")
    url = urlsplit(way.plain)._replace(scheme=SCHEMES[way.name], query=query).geturl()
    with pytest.raises(REFUSALS):
        await ASK[way.name](url)
