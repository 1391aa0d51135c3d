"""The audit log becomes one of months where it lies, while the version before goes on with it."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.bench.databases import empty
from deploy.schemas import migrations_of
from shared import clock, ids, months
from shared.migrate import ServiceSchema, migrate
from tests.conftest import PASSWORD, ServerUrls

INSERT = """
INSERT INTO points.audit_log (id, at, staff_id, session_id, role, service, act)
VALUES ($1, $2, $1, $1, 'owner', 'points', 'PUT /v1/program') ON CONFLICT DO NOTHING
"""
LIES = "SELECT pg_relation_filenode($1::text::regclass)"


@pytest.fixture
def before(tmp_path: Path) -> ServiceSchema:
    """The migrations up to the one before."""
    for file in migrations_of("points").glob("*.sql"):
        if int(file.name[:4]) < 32:
            shutil.copy(file, tmp_path)
    return ServiceSchema("points", tmp_path, PASSWORD)


async def test_rows_stay_where_they_lie_and_count_once(
    servers: ServerUrls, before: ServiceSchema
) -> None:
    now = clock.now()
    old = [(ids.new_id(), now - timedelta(days=days)) for days in range(0, 700, 7)]
    async with empty(servers.database_url) as url:
        await migrate(url, [before])
        connection: Any = await asyncpg.connect(url)
        try:
            await connection.executemany(INSERT, old)
            known = await connection.prepare(INSERT)  # the version before goes on with it
            lies = await connection.fetchval(LIES, "points.audit_log")
            await migrate(url, [ServiceSchema("points", migrations_of("points"), PASSWORD)])
            assert await connection.fetchval(LIES, "points.audit_log_before") == lies
            again = [*old, (ids.new_id(), now), (ids.new_id(), now + timedelta(days=300))]
            for row in again:
                await known.fetch(*row)
            count = "SELECT count(*) FROM points.audit_log"
            assert await connection.fetchval(count) == len(again)
            assert await connection.fetchval(f"{count}_rest") == 1
            await connection.execute("SET search_path TO points")
            assert await months.ahead(connection, "audit_log", now) >= months.ENOUGH
            built = await connection.fetchval(
                "SELECT bool_and(indisvalid) FROM pg_index"
                " WHERE indrelid IN ('audit_log'::regclass, 'audit_log_before'::regclass)"
            )
            assert built
        finally:
            await connection.close()
