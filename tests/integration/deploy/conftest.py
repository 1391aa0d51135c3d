"""Databases for commands."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared import ids
from tests.integration.deploy.operator import Operator, execute


@pytest.fixture
async def empty(servers: Any) -> AsyncIterator[Operator]:
    """A new database, dropped at the end."""
    name = f"test_{ids.new_id().hex[:16]}"
    await execute(servers.database_url, f"CREATE DATABASE {name}")
    yield Operator(f"{servers.database_url.rsplit('/', 1)[0]}/{name}")
    await execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")
