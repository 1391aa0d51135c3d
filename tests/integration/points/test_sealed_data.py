"""What is known of members and nothing is found by: locked away in every table, read by those who
may, and gone from every copy with the member's key."""

from typing import Any
from uuid import UUID

import pytest

from services.points.nights import sealing
from services.points.store import exports, profiles, sealed
from services.points.store.sealed import WAIT, WrongKey
from shared import clock
from shared.keys import Keys
from shared.sealing import Broken
from tests.integration.points.shop import PERSONAL_KEY, Points, owner, pos

PHONE = "09012123434"
PRIVATE = {"email": "hanako@example.jp", "address": "港区芝公園四丁目", "note": "紅茶がお好き"}
FIELDS = {"name": "山田花子", **PRIVATE}
WHY = "お客様のご希望で"
CONSENT = {"profile": {"given": True, "source": "app"}}
HIDDEN = (*PRIVATE.values(), WHY)
NEW = "the key that comes after it, long enough"


pytestmark = pytest.mark.usefixtures("usual_key")


async def somebody(points: Points) -> Any:
    """A member with all that can be known, changed twice."""
    made = await points.client.post("/v1/members", json={"phone": PHONE}, headers=owner("m"))
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    for body in (
        {"fields": FIELDS, "consent": CONSENT, "reason": WHY},
        {"fields": {"email": "other@example.jp"}},
        {"fields": {"email": PRIVATE["email"]}},
    ):
        answer = await points.client.patch(f"/v1/members/{id}", json=body, headers=owner())
        assert answer.status_code == 200, answer.text
    return made.json()


async def written(points: Points) -> str:
    """All rows of all tables, as text."""
    tables = await points.pool.fetch(
        """SELECT quote_ident(table_name) FROM information_schema.tables
        WHERE table_schema = 'points' AND table_name <> 'migrations'"""
    )
    found = []
    for (table,) in tables:
        rows = await points.pool.fetch(f"SELECT t::text FROM {table} t")
        found += [f"{table}: {row[0]}" for row in rows]
    return "\n".join(found)


async def clear(points: Points, secrets: tuple[str, ...] = HIDDEN) -> list[str]:
    """The rows in which a secret stands in clear."""
    rows = (await written(points)).splitlines()
    return [row for row in rows if any(secret in row for secret in secrets)]


async def told(points: Points, id: str) -> str:
    """Everything that an owner is told of a member, with a copy for the member."""
    paths = [f"/v1/members/{id}{part}" for part in ("/profile", "/changes", "/story")]
    asked = await points.client.post(f"/v1/members/{id}/export", headers=owner())
    if asked.is_success:
        paths.append(f"/v1/members/{id}/exports/{asked.json()['id']}")
    answers = [await points.client.get(path, headers=owner()) for path in paths]
    assert all(each.is_success for each in answers), [each.text for each in answers]
    return "\n".join(each.text for each in answers)


async def test_it_stands_in_clear_in_no_table_and_is_told_whole(points: Points) -> None:
    member = await somebody(points)
    text = await told(points, member["id"])
    assert [secret for secret in HIDDEN if secret not in text] == []
    assert await clear(points) == []
    assert FIELDS["name"] in await written(points), "a name is what members are found by"


async def test_former_names_stand_in_clear_nowhere(points: Points) -> None:
    member = await somebody(points)
    left = await points.client.post(f"/v1/members/{member['id']}/leave", headers=owner("l"))
    assert left.is_success, left.text
    assert await clear(points, (PHONE,)) == []
    async with points.pool.acquire() as connection:
        (kin,) = await exports.lineage(connection, UUID(member["id"]))
    assert kin.phone == PHONE


async def test_what_is_copied_elsewhere_is_moved_and_read_by_nobody(points: Points) -> None:
    member = await somebody(points)
    other = await points.client.post("/v1/members", json={"external_id": "o"}, headers=owner("o"))
    await points.pool.execute(
        """INSERT INTO profiles SELECT $2, gender, area, fields, consent, tags, names, sealed
        FROM profiles WHERE member_id = $1""",
        UUID(member["id"]),
        UUID(other.json()["id"]),
    )
    await points.pool.execute(
        "INSERT INTO member_keys SELECT $2, key_name, sealed FROM member_keys WHERE member_id = $1",
        UUID(member["id"]),
        UUID(other.json()["id"]),
    )
    async with points.pool.acquire() as connection:
        with pytest.raises(Broken):
            await profiles.find(connection, UUID(other.json()["id"]))


async def test_who_was_erased_cannot_be_read_in_an_older_copy(points: Points) -> None:
    """A copy of the tables from before, put back beside the keys of today: as a restore does."""
    member = await somebody(points)
    id = UUID(member["id"])
    tables = ("profiles", "member_changes", "member_keys")
    before = {table: await points.pool.fetch(f"SELECT * FROM {table}") for table in tables}
    answer = await points.client.post(
        f"/v1/members/{id}/erasure", json={"confirm": member["card"]}, headers=owner("e")
    )
    assert answer.is_success, answer.text
    assert await points.pool.fetchval("SELECT count(*) FROM member_keys") == 0
    for table in ("profiles", "member_changes"):
        await put_back(points, table, before[table])
    async with points.pool.acquire() as connection:
        known = await profiles.find(connection, id)
        assert known is not None and known.fields == {"name": FIELDS["name"]}
        changes = await profiles.changes(connection, id, UUID(int=2**128 - 1), 100)
        assert [(each.before, each.after, each.reason) for each in changes] == [({}, {}, None)] * 3
    async with points.pool.acquire() as connection:
        await connection.execute("UPDATE members SET erased_at = NULL")
        assert all(await sealed.shut(connection, "of.another", [(id, "a new key is made")]))
        known = await profiles.find(connection, id)
        assert known is not None and known.fields == {"name": FIELDS["name"]}
        await connection.execute("DELETE FROM member_keys")
    await put_back(points, "member_keys", before["member_keys"])
    async with points.pool.acquire() as connection:
        known = await profiles.find(connection, id)
        assert known is not None and known.fields == FIELDS, "the key was what was missing"


async def put_back(points: Points, table: str, rows: list[Any]) -> None:
    """Rows as they were."""
    names = ", ".join(rows[0].keys())
    values = ", ".join(f"${number}" for number in range(1, len(rows[0]) + 1))
    for row in rows:
        await points.pool.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", *row.values())


async def test_a_shop_that_was_there_is_sealed_after_a_day(points: Points) -> None:
    await points.pool.execute("INSERT INTO sealing_waits VALUES (true)")
    await points.pool.execute("INSERT INTO phones_due VALUES ($1)", UUID(int=0))
    await points.pool.execute(
        "UPDATE migrations SET applied_at = $1 WHERE version IN (35, 41)", clock.now()
    )
    try:
        member = await somebody(points)
        gone = await points.client.post(
            "/v1/members", json={"phone": "0333334444"}, headers=owner("g")
        )
        path = f"/v1/members/{gone.json()['id']}/leave"
        assert (await points.client.post(path, headers=owner("l"))).is_success
        old = (*HIDDEN, "0333334444")
        assert not await sealing.page(points.pool)
        stood = await clear(points, old)
        assert {row.partition(":")[0] for row in stood} >= {"profiles", "member_changes", "members"}
        assert await points.pool.fetchval("SELECT count(*) FROM member_keys") == 0
        before = await told(points, member["id"])
        await points.pool.execute("DELETE FROM member_exports")
        clock.set_offset(WAIT)
        while await sealing.page(points.pool):
            pass
        assert await clear(points, old) == []
        assert await points.pool.fetchval("SELECT count(*) FROM sealing_waits") == 0
        after = await told(points, member["id"])
        assert [secret for secret in HIDDEN if secret not in before + after] == []
        async with points.pool.acquire() as connection:
            (kin,) = await exports.lineage(connection, UUID(gone.json()["id"]))
            assert kin.phone == "0333334444"
    finally:
        await points.pool.execute("DELETE FROM sealing_waits")


async def test_what_the_version_before_still_wrote_is_found_later(points: Points) -> None:
    member = await somebody(points)
    await points.pool.execute("""UPDATE profiles SET fields = '{"name": "x", "shoe": "24.5"}'""")
    while await sealing.page(points.pool):
        pass
    assert await clear(points, ("24.5",)) == []
    async with points.pool.acquire() as connection:
        known = await profiles.find(connection, UUID(member["id"]))
    assert known is not None and known.fields == {**PRIVATE, "name": "x", "shoe": "24.5"}


async def test_the_installations_key_can_be_changed(points: Points) -> None:
    member = await somebody(points)
    sealed.use(Keys(NEW, PERSONAL_KEY))
    assert PRIVATE["email"] in await told(points, member["id"]), "either is good"
    assert await sealing.page(points.pool)
    sealed.use(Keys(NEW))
    assert PRIVATE["email"] in await told(points, member["id"])
    sealed.use(Keys(PERSONAL_KEY))
    async with points.pool.acquire() as connection:
        with pytest.raises(WrongKey):
            await profiles.find(connection, UUID(member["id"]))


async def test_under_a_wrong_key_everybody_is_told_what_to_do_and_tills_go_on(
    points: Points,
) -> None:
    member = await somebody(points)
    sealed.use(Keys(NEW))
    for path in ("profile", "changes"):
        answer = await points.client.get(f"/v1/members/{member['id']}/{path}", headers=owner())
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:tamaru:problem:personal-data-locked",
        )
        assert "PERSONAL_DATA_KEY" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) >= 60
    path = f"/v1/members/{member['id']}/adjustments"
    given = await points.client.post(
        path, json={"points": 100, "reason": "open"}, headers=owner("give")
    )
    assert given.status_code == 201, given.text
    assert await points.balance(UUID(member["id"])) == 100
    path = f"/v1/members/lookup?card={member['card']}"
    assert (await points.client.get(path, headers=pos())).status_code == 200
