"""Who works here: roles, stores, sessions that end at once, and the owner who must stay."""

import asyncio
from typing import Any

import pytest

from shared import clock
from shared.web import sessions
from tests.integration.points.shop import OWNER_KEY
from tests.integration.points.staff.desk import OURS, TOKEN, Desk, hash_of, problem


@pytest.fixture
async def house(desk: Desk) -> dict[str, str]:
    """An owner who is signed in, and a manager."""
    people = {
        "owner": await desk.somebody(),
        "manager": await desk.somebody("manager", login="m@example.com", name="店長"),
    }
    await desk.enter()
    return {name: str(id) for name, id in people.items()}


async def other_browser(desk: Desk, login: str) -> dict[str, str]:
    """Somebody else's cookies, signed in elsewhere."""
    mine = dict(desk.client.cookies)
    desk.client.cookies.clear()
    await desk.enter(login)
    theirs = dict(desk.client.cookies)
    desk.client.cookies.clear()
    for name, value in mine.items():
        path = "/" if name == TOKEN else "/session"
        desk.client.cookies.set(name, value, domain="points.local", path=path)
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in theirs.items())}


async def test_everybody_is_listed_without_what_is_secret(
    desk: Desk, house: dict[str, str]
) -> None:
    answer = await desk.client.get("/v1/staff")
    items = {each["name"]: each for each in answer.json()["items"]}
    assert set(items) == {"山田", "店長"}
    assert (items["山田"]["sessions"], items["店長"]["sessions"]) == (1, 0)
    assert await hash_of("a long enough password") not in answer.text
    one = await desk.client.get(f"/v1/staff/{house['manager']}")
    assert one.json() == items["店長"]
    assert problem(await desk.client.get("/v1/staff/nobody")) == (404, "unknown-staff")


@pytest.mark.parametrize(
    "change",
    [
        {"role": "staff"},
        {"active": False},
        {"stores": ["main"]},
        {"role": "viewer", "stores": None},
    ],
)
async def test_another_role_ends_the_sessions_at_once(
    desk: Desk, house: dict[str, str], change: dict[str, Any]
) -> None:
    theirs = await other_browser(desk, "m@example.com")
    assert (await desk.client.get("/v1/program", headers=theirs)).status_code == 200
    path = f"/v1/staff/{house['manager']}"
    answer = await desk.client.patch(path, json=change, **desk.acting())
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in change} == change
    refused = await desk.client.get("/v1/program", headers=theirs)
    assert problem(refused) == (401, "session-expired")
    refused = await desk.client.post("/session/renew", headers={**OURS, **theirs})
    assert refused.status_code == 401
    (ended,) = await desk.told("staff.session_ended.v1")
    assert ended["staff_id"] == house["manager"]
    row = (await desk.kept())[-1]
    assert row["target"] == f"staff:{house['manager']}" and row["act"].startswith("PATCH /v1/staff")


async def test_another_name_ends_none_and_stays_out_of_the_log(
    desk: Desk, house: dict[str, str]
) -> None:
    theirs = await other_browser(desk, "m@example.com")
    path = f"/v1/staff/{house['manager']}"
    answer = await desk.client.patch(path, json={"name": "佐藤"}, **desk.acting())
    assert answer.json()["name"] == "佐藤"
    assert (await desk.client.get("/v1/program", headers=theirs)).status_code == 200
    assert "佐藤" not in str(await desk.kept()) and "店長" not in str(await desk.kept())


async def test_the_last_owner_stays(desk: Desk, house: dict[str, str]) -> None:
    path = f"/v1/staff/{house['owner']}"
    for change in ({"role": "manager"}, {"active": False}):
        answer = await desk.client.patch(path, json=change, **desk.acting())
        assert problem(answer) == (409, "last-owner")
    await desk.client.patch(
        f"/v1/staff/{house['manager']}", json={"role": "owner"}, **desk.acting()
    )
    answer = await desk.client.patch(path, json={"role": "manager"}, **desk.acting())
    assert answer.status_code == 200


async def test_two_owners_who_remove_each_other_leave_one(
    desk: Desk, house: dict[str, str]
) -> None:
    headers = {"Authorization": f"Bearer {OWNER_KEY}"}
    for _ in range(5):
        await desk.pool.execute("UPDATE staff SET role = 'owner'")
        answers = await asyncio.gather(
            *(
                desk.client.patch(f"/v1/staff/{id}", json={"role": "viewer"}, headers=headers)
                for id in house.values()
            )
        )
        assert sorted(each.status_code for each in answers) == [200, 409]
        left = await desk.pool.fetchval("SELECT count(*) FROM staff WHERE role = 'owner'")
        assert left == 1


async def test_a_store_that_there_is_not_is_refused(desk: Desk, house: dict[str, str]) -> None:
    path = f"/v1/staff/{house['manager']}"
    answer = await desk.client.patch(path, json={"stores": ["nowhere"]}, **desk.acting())
    assert problem(answer) == (422, "invalid")


async def test_sessions_are_listed_and_ended_by_oneself_and_by_the_owner(
    desk: Desk, house: dict[str, str]
) -> None:
    theirs = await other_browser(desk, "m@example.com")
    mine = await other_browser(desk, "owner@example.com")
    path = f"/v1/staff/{house['manager']}/sessions"
    (listed,) = (await desk.client.get(path)).json()["items"]
    assert (listed["way"], listed["here"]) == ("password", False)
    answer = await desk.client.delete(f"{path}/{listed['id']}", **desk.acting())
    assert answer.status_code == 204
    assert (await desk.client.get("/v1/program", headers=theirs)).status_code == 401
    again = await desk.client.delete(f"{path}/{listed['id']}", **desk.acting())
    assert problem(again) == (404, "unknown-session")
    own = (await desk.client.get("/v1/account/sessions")).json()["items"]
    assert sorted(each["here"] for each in own) == [False, True]
    assert (await desk.client.delete("/v1/account/sessions", **desk.acting())).status_code == 204
    assert (await desk.client.get("/v1/program", headers=mine)).status_code == 401
    assert (await desk.client.get("/v1/program")).status_code == 200


async def test_nobody_ends_a_session_of_somebody_else_s_as_their_own(
    desk: Desk, house: dict[str, str]
) -> None:
    await other_browser(desk, "m@example.com")
    path = f"/v1/staff/{house['manager']}/sessions"
    (listed,) = (await desk.client.get(path)).json()["items"]
    answer = await desk.client.delete(f"/v1/account/sessions/{listed['id']}", **desk.acting())
    assert problem(answer) == (404, "unknown-session")


async def test_another_password_ends_the_other_sessions(desk: Desk, house: dict[str, str]) -> None:
    elsewhere = await other_browser(desk, "owner@example.com")
    body = {"current": "wrong", "new": "an even longer password"}
    answer = await desk.client.put("/v1/account/password", json=body, **desk.acting())
    assert problem(answer) == (422, "invalid")
    body["current"] = "a long enough password"
    answer = await desk.client.put("/v1/account/password", json=body, **desk.acting())
    assert answer.status_code == 204, answer.text
    assert (await desk.client.get("/v1/program")).status_code == 200
    assert (await desk.client.get("/v1/program", headers=elsewhere)).status_code == 401
    assert (await desk.enter()).status_code == 422
    assert (await desk.enter(password="an even longer password")).status_code == 303
    assert "password" not in {key for row in await desk.kept() for key in (row["after"] or {})}


async def test_wrong_passwords_at_the_account_make_wait_too(
    desk: Desk, house: dict[str, str]
) -> None:
    body = {"current": "wrong", "new": "an even longer password"}
    kinds = []
    for _ in range(6):
        answer = await desk.client.put("/v1/account/password", json=body, **desk.acting())
        kinds.append(problem(answer)[1])
    assert kinds == ["invalid"] * 5 + ["locked"]


async def test_an_api_key_has_no_account(desk: Desk, house: dict[str, str]) -> None:
    desk.client.cookies.clear()
    headers = {"Authorization": f"Bearer {OWNER_KEY}"}
    answer = await desk.client.get("/v1/account", headers=headers)
    assert problem(answer) == (403, "in-person")


async def test_a_session_that_was_ended_is_refused_at_once(
    desk: Desk, house: dict[str, str]
) -> None:
    """In the other services too: `architecture/test_roles_everywhere.py`; that they hear of it is
    a case of their queues."""
    session = desk.token().session_id
    async with desk.pool.acquire() as connection:
        assert not await sessions.is_ended(connection, session)
        await sessions.end(connection, [session], clock.now())
        await sessions.end(connection, [session], clock.now())
        assert await sessions.is_ended(connection, session)
    assert problem(await desk.client.get("/v1/program")) == (401, "session-expired")
