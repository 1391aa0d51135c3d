"""Stores and API keys over the API: made, changed, replaced, revoked; who may, and who is told."""

from datetime import timedelta
from typing import Any

import pytest

from services.points.key_uses import KeyUses
from shared import clock
from tests.integration.points.shop import owner, pos
from tests.staff import signed_in


@pytest.fixture(autouse=True)
def steady_clock():
    yield
    clock.set_offset(timedelta())


async def made(points: Any, key: str = "make", **body: Any) -> dict[str, Any]:
    answer = await points.client.post(
        "/v1/terminals", json={"name": "1番レジ", "store": "main", **body}, headers=owner(key)
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def works(points: Any, key: str) -> bool:
    answer = await points.client.get("/v1/stores", headers=bearer(key))
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def test_a_store_is_added_once_changed_and_told(points):
    wanted = {"code": "west", "name": "西口店", "address": "渋谷1-1", "note": "10〜19時"}
    first = await points.client.post("/v1/stores", json=wanted, headers=owner("a"))
    again = await points.client.post("/v1/stores", json=wanted, headers=owner("a"))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json() == {**wanted, "active": True}
    taken = await points.client.post("/v1/stores", json=wanted, headers=owner("b"))
    assert taken.status_code == 409, taken.text
    assert taken.json()["errors"][0]["path"] == "code"

    closed = await points.client.patch(
        "/v1/stores/west", json={"active": False, "note": None, "name": None}, headers=owner()
    )
    assert closed.json() == {**wanted, "active": False, "note": None}
    told = [each for each in await points.told("store.changed.v1") if each["code"] == "west"]
    assert [each["active"] for each in told] == [True, False]
    assert told[1]["revision"] > told[0]["revision"]
    listed = await points.client.get("/v1/stores", headers=pos())
    assert [each["code"] for each in listed.json()["items"]] == ["main", "west"]
    missing = await points.client.patch("/v1/stores/east", json={}, headers=owner())
    assert missing.status_code == 404


async def test_a_key_is_shown_once_and_only_its_hash_is_kept(points):
    first = await made(points)
    assert first["key"].startswith("tmr_pos_")
    assert await works(points, first["key"])
    assert (await made(points))["key"] is None  # repeated: the same one, not shown again
    rows = await points.pool.fetch("SELECT * FROM terminals")
    told = await points.told("terminal.changed.v1")
    assert first["key"] not in f"{[dict(row) for row in rows]} {told}"
    answer = await points.client.post(
        "/v1/terminals", json={"name": "n", "store": "nowhere"}, headers=owner("b")
    )
    assert answer.status_code == 422, answer.text


async def test_a_replaced_key_is_good_for_a_while_and_both_name_the_same_acts(points):
    old = await made(points)
    address = f"/v1/terminals/{old['id']}/rotate"
    answer = await points.client.post(address, json={"old_valid_hours": 2}, headers=owner("r"))
    assert answer.status_code == 200, answer.text
    new = answer.json()
    assert new["id"] == old["id"]
    assert new["key"] not in (None, old["key"])
    assert await works(points, old["key"])
    assert await works(points, new["key"])
    member = {"external_id": "once"}
    for key in (old["key"], new["key"]):
        headers = {**bearer(key), "Idempotency-Key": "the same act"}
        answer = await points.client.post("/v1/members", json=member, headers=headers)
        assert answer.status_code in (200, 201), answer.text
    assert await points.pool.fetchval("SELECT count(*) FROM members") == 1
    (told,) = [
        each for each in await points.told("terminal.changed.v1") if each.get("old_key_hash")
    ]
    assert told["terminal_id"] == old["id"]

    clock.set_offset(timedelta(hours=2, minutes=1))
    assert not await works(points, old["key"])
    assert await works(points, new["key"])
    at_once = await points.client.post(address, json={"old_valid_hours": 0}, headers=owner("s"))
    assert not await works(points, new["key"])
    assert await works(points, at_once.json()["key"])


async def test_a_revoked_key_stays_so_and_it_is_said_what_stops(points):
    till = await made(points)
    address = f"/v1/terminals/{till['id']}"
    await points.client.post(f"{address}/rotate", json={}, headers=owner("r"))
    answer = await points.client.post(f"{address}/revoke", headers=owner("v"))
    assert answer.status_code == 200, answer.text
    assert "レジ" in answer.json()["stops"]
    assert not await works(points, till["key"])
    answer = await points.client.post(f"{address}/rotate", json={}, headers=owner("r2"))
    assert answer.status_code == 409, answer.text
    listed = await points.client.get("/v1/terminals?store=main", headers=owner())
    assert till["id"] not in [each["id"] for each in listed.json()["items"]]

    keys = (await points.client.get("/v1/terminals", headers=owner())).json()["items"]
    (last,) = [each for each in keys if each["kind"] == "owner"]
    headers = signed_in("owner", key="last")
    answer = await points.client.post(f"/v1/terminals/{last['id']}/revoke", **headers)
    assert answer.status_code == 200, answer.text
    assert "the last owner key" in answer.json()["stops"]


async def test_a_key_is_renamed_and_bound_to_another_store(points):
    till = await made(points)
    answer = await points.client.patch(
        f"/v1/terminals/{till['id']}", json={"name": "予備", "store": None}, headers=owner()
    )
    assert (answer.json()["name"], answer.json()["store"]) == ("予備", None)
    told = (await points.told("terminal.changed.v1"))[-1]
    assert (told["name"], told.get("store")) == ("予備", None)


@pytest.mark.parametrize("role", ["manager", "staff", "viewer"])
async def test_only_the_owner_manages_stores_and_keys(points, role):
    till = await made(points)
    calls = (
        ("GET", "/v1/terminals", None),
        ("POST", "/v1/terminals", {"name": "n"}),
        ("PATCH", f"/v1/terminals/{till['id']}", {"name": "n"}),
        ("POST", f"/v1/terminals/{till['id']}/rotate", {}),
        ("POST", f"/v1/terminals/{till['id']}/revoke", None),
        ("POST", "/v1/stores", {"code": "x", "name": "n"}),
        ("PATCH", "/v1/stores/main", {"name": "n"}),
    )
    for method, address, body in calls:
        headers = signed_in(role, key=address)
        answer = await points.client.request(method, address, json=body, **headers)
        assert answer.status_code == 403, (method, address, answer.text)


async def test_the_last_use_is_noted_once_a_minute_at_most(points):
    till = await made(points)
    assert till["last_used_at"] is None
    uses = KeyUses()

    async def used() -> Any:
        row = "SELECT last_used_at FROM terminals WHERE name = '1番レジ'"
        return await points.pool.fetchval(row)

    async with points.pool.acquire() as connection:
        row = "SELECT key_hash FROM terminals WHERE name = '1番レジ'"
        key_hash = await connection.fetchval(row)
        assert await uses.find(connection, key_hash)
        assert await used() is None
        await uses.write(points.pool)
        first = await used()
        assert first is not None
        clock.set_offset(timedelta(seconds=20))
        await uses.find(connection, key_hash)
        await uses.write(points.pool)
        assert await used() == first
        clock.set_offset(timedelta(seconds=70))
        await uses.find(connection, key_hash)
        await uses.write(points.pool)
        assert await used() > first
