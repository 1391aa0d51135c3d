"""Databases and a shop for commands."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared import ids
from tests.integration.deploy.operator import Operator, execute

MEMBERS = "card,points,name,phone\n" + "".join(
    f"old-{n},{n},貯丸さくら{n},0907777{n:04d}\n" for n in range(1, 31)
)
COLUMNS = ["card", "points", "name", "phone"]


@pytest.fixture
async def empty(servers: Any) -> AsyncIterator[Operator]:
    """A new database, dropped at the end."""
    name = f"test_{ids.new_id().hex[:16]}"
    await execute(servers.database_url, f"CREATE DATABASE {name}")
    yield Operator(f"{servers.database_url.rsplit('/', 1)[0]}/{name}")
    await execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def shop(database: Any, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """A shop with members and a ledger."""
    operator = Operator(database.admin_url)
    assert operator("demo")[0] == 0
    file = tmp_path_factory.mktemp("members") / "members.csv"
    file.write_text(MEMBERS)
    columns = [word for n, what in enumerate(COLUMNS) for word in ("--column", f"{n}={what}")]
    code, said = operator("import", "members", str(file), *columns, "--yes")
    assert code == 0, said
    return operator
