"""What imports keep of people: told apart and merged, let out and erased like everything else."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from services.points.nights import sealing
from services.points.store import exports, profiles
from services.points.store.sealed import WAIT
from shared import clock
from tests.integration.points.import_desk import Desk
from tests.integration.points.shop import Points, owner, verified

CARD, PHONE, NAME, NOTE = "OLD-5555", "09055556666", "山田花子", "犬が二匹"
SECRETS = (CARD, PHONE, NAME, NOTE, "090-5555-6666")
FILE = (
    "カード番号,電話番号,氏名,備考,ポイント,累計購入金額\n"
    f"{CARD},090-5555-6666,{NAME},{NOTE},30,5000\nOTHER,,,,5,\n"
)


@pytest.fixture
def desk(points: Points) -> Desk:
    return Desk(points)


async def everything(points: Points) -> str:
    """All rows of all tables."""
    tables = await points.pool.fetch(
        "SELECT quote_ident(table_name) FROM information_schema.tables "
        "WHERE table_schema = 'points' AND table_name NOT IN ('said', 'outbox', 'migrations')"
    )
    found = []
    for (table,) in tables:
        rows = await points.pool.fetch(f"SELECT to_jsonb(t)::text FROM {table} t")
        found += [f"{table}: {row[0]}" for row in rows]
    return "\n".join(found)


async def test_erasure_reaches_what_imports_hold(points: Points, desk: Desk) -> None:
    await desk.ran(FILE, "paper_card")
    waiting = await desk.tried(FILE, "paper_card", again=True)
    member = await desk.found(card=CARD)
    before = await everything(points)
    assert [secret for secret in SECRETS if secret not in before] == []
    body = {"confirm": member["card"]}
    path = f"/v1/members/{member['id']}/erasure"
    answer = await points.client.post(path, json=body, headers=owner("e"))
    assert answer.status_code == 201, answer.text
    after = (await everything(points)).splitlines()
    assert [row for row in after if any(secret in row for secret in SECRETS)] == []
    assert (await desk.step(waiting["id"], "run")).status_code == 202
    await desk.work()
    done = (await desk.get(waiting["id"]))["done"]
    assert (done["new"], done["matched"]) == (0, 1)
    await verified(points)


async def test_a_copy_for_the_member_says_what_was_imported(points: Points, desk: Desk) -> None:
    await desk.ran(FILE, "paper_card")
    member = await desk.found(card=CARD)
    path = f"/v1/members/{member['id']}/export"
    asked = (await points.client.post(path, headers=owner("x"))).json()
    async with points.pool.acquire() as connection:
        copy = await exports.find(connection, UUID(member["id"]), UUID(asked["id"]))
    assert copy is not None
    part = msgspec.json.encode(copy.parts).decode()
    for said in (*SECRETS, '"spent": 5000'):
        assert said in part or said.replace(": ", ":") in part, said


async def test_what_was_spent_before_goes_where_the_card_goes(points: Points, desk: Desk) -> None:
    await desk.ran(FILE, "paper_card")
    card = await desk.found(card=CARD)
    await points.follow("Ukept")
    kept = await points.member("Ukept")
    body = {"absorb": {"id": card["id"]}, "reason": "x"}
    path = f"/v1/members/{kept['id']}/merge"
    merged = await points.client.post(path, json=body, headers=owner("m"))
    assert merged.is_success, merged.text
    spent = "SELECT amount_spent FROM accounts WHERE member_id = $1"
    assert await points.pool.fetchval(spent, kept["id"]) == 5000
    assert (await desk.found(card=CARD))["id"] == str(kept["id"])
    await verified(points)
    undone = await points.client.post(
        f"/v1/merges/{merged.json()['merge']['id']}/undo", headers=owner("u")
    )
    assert undone.is_success, undone.text
    assert await points.pool.fetchval(spent, kept["id"]) == 0
    assert (await desk.found(card=CARD))["id"] == card["id"]
    await verified(points)


async def test_what_an_import_filled_in_is_sealed_a_day_after_the_upgrade_and_can_be_undone(
    points: Points, desk: Desk
) -> None:
    made = await points.client.post("/v1/members", json={"phone": PHONE}, headers=owner("m"))
    await points.pool.execute("INSERT INTO sealing_waits VALUES (true)")
    await points.pool.execute(
        "UPDATE migrations SET applied_at = $1 WHERE version = 35", clock.now()
    )
    try:
        ran = await desk.ran(FILE, "paper_card", consent="shop")
        assert {"import_effects", "profiles"} <= await tables_with(points, NOTE)
        clock.set_offset(WAIT)
        while await sealing.page(points.pool):
            pass
        assert await tables_with(points, NOTE) <= {"import_rows"}
        assert (await desk.step(ran["id"], "undo", {})).status_code == 202
        await desk.work()
        async with points.pool.acquire() as connection:
            known = await profiles.find(connection, UUID(made.json()["id"]))
        assert known is not None and known.fields == {}
    finally:
        clock.set_offset(timedelta())
        await points.pool.execute("DELETE FROM sealing_waits")


async def tables_with(points: Points, secret: str) -> set[str]:
    """The tables in which a secret stands in clear."""
    rows = (await everything(points)).splitlines()
    return {row.partition(":")[0] for row in rows if secret in row}
