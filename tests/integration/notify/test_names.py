"""What LINE calls people is told to the shop: what was known before, what is new, what changes."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from services.notify.preferences import names
from services.notify.store import profiles as store
from services.notify.store.profiles import Told
from shared import clock
from shared.db import open_pool
from tests import tables

USER, OTHER, SILENT = ("U" + letter * 32 for letter in "abc")
_KNOWN = """
INSERT INTO recipients (line_user_id, language, display_name, blocked, changed_at)
VALUES ($1, 'ja', $2, false, $3)
"""


class Nowhere:
    """Hands nothing over: what is said stays in the outbox, to be read there."""

    async def hand_over(self, rows: Any) -> None:
        pass


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Any]:
    await tables.empty(database.admin_url, "notify")
    pool = await open_pool(database.url("notify"), schema="notify")
    yield pool
    await pool.close()


async def said(pool: Any) -> list[tuple[str, str | None]]:
    """Whom the shop was told of since this was last asked, and by which name."""
    rows = await pool.fetch("DELETE FROM outbox RETURNING type, body")
    assert {row["type"] for row in rows} <= {"recipient.named.v1"}
    data = [event["data"] for row in rows for event in msgspec.json.decode(row["body"])]
    return sorted((each["line_user_id"], each.get("name")) for each in data)


async def learn(pool: Any, user: str, name: str | None) -> None:
    now = clock.now()
    async with pool.acquire() as connection, connection.transaction():
        await store.note(connection, [Told(user, name, "ja")], now, now)


async def tell(pool: Any) -> None:
    relay: Any = Nowhere()
    while await names.tell(pool, relay):
        pass


async def test_each_name_is_told_once_and_again_when_it_changes(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "PAGE", 1)
    for user, name in ((USER, "花"), (OTHER, None), (SILENT, None)):
        await pool.execute(_KNOWN, user, name, clock.now())
    await tell(pool)
    assert await said(pool) == [(USER, "花")], "what was known before"
    await learn(pool, USER, "花")
    await learn(pool, OTHER, "太郎")
    await tell(pool)
    assert await said(pool) == [(OTHER, "太郎")], "what is new, and not what is the same"
    await learn(pool, USER, "花子")
    await learn(pool, OTHER, None)
    await tell(pool)
    assert await said(pool) == [(USER, "花子"), (OTHER, None)]
    await tell(pool)
    assert await said(pool) == []
