"""`tamaru ledger explain`: everything about an entry, for whoever has to answer for it."""

import asyncio
import os
import sys
from typing import Any
from uuid import UUID

from services.points.accounts import disclosing
from shared import ids
from shared.events import MemberRef
from tests.integration.points.shop import Points, owner, submitted

USER = "U" + "9" * 32


async def command(database: Any, *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "deploy.cli", "ledger", "explain", *words),
        env={**os.environ, "DATABASE_URL": database.admin_url},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def test_everything_about_an_entry_is_printed(points: Points, database: Any) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    event = submitted(MemberRef(card=member["card"]), total=1_080, key="receipt 17")
    await points.publish(event)
    await points.status(event.id, "awarded")
    entry = await points.pool.fetchval("SELECT id FROM entries WHERE source = 'purchase'")
    code, text = await command(database, str(entry), "--member", str(member["id"]))
    assert code == 0
    for line in (
        f"entry     {entry}",
        f"member    {member['id']} (card {member['card']})",
        "what      earn by purchase, +10 points",
        "balance   60 after it",
        "  1,080円のお買い上げ × 100円ごとに1ポイント = 10ポイント",
        "  ¥1,080 spent × 1 point per ¥100 = 10 points",
        "rules     base",
        f"cause     {event.id}",
        "purchase  1,080 in main, 1 visit(s)",
        "lot       10 of 10 left, expires never",
        '    "base": 1080,',
    ):
        assert line in text.splitlines(), line
    assert "program   version 2, in force from" in text
    assert "key 'receipt 17', awarded" in text


async def test_entries_without_a_request_and_unknown_ones(points: Points, database: Any) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    answer = await points.client.post(
        f"/v1/members/{member['id']}/adjustments",
        json={"points": -20, "reason": "まちがい"},
        headers=owner("fix"),
    )
    async with points.pool.acquire() as connection:
        taken = await disclosing.disclose(connection, UUID(answer.json()["id"]))
        welcome = await points.pool.fetchval("SELECT id FROM entries WHERE source = 'welcome'")
        given = await disclosing.disclose(connection, welcome)
    assert any(line.startswith("request   adjustment by demo owner") for line in taken)
    assert "  まちがい" in taken
    assert any(line.startswith(f"moves     -20 of lot {welcome}") for line in taken)
    assert any(line.endswith("(no request: an event or a rule)") for line in given)
    code, text = await command(database, str(ids.new_id()))
    assert (code, text.startswith("there is no entry")) == (1, True)
