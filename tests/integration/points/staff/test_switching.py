"""At the counter people take turns by PIN, on a device where a shift began with more."""

from datetime import timedelta
from typing import Any

import pytest

from services.points.staff import lockout, pins
from shared import clock
from tests.integration.points.staff.desk import OURS, Desk, problem

PIN, OTHER = "2580", "7391"


@pytest.fixture
async def counter(desk: Desk) -> dict[str, Any]:
    """A manager who is signed in, and who else may take over: their ids by name."""
    people = {
        "manager": await desk.somebody("manager", pin="9071", name="店長"),
        "hanako": await desk.somebody("staff", login="h@example.com", pin=PIN, name="花子"),
        "jiro": await desk.somebody(
            "staff", login=None, pin=OTHER, name="次郎", stores=["main"], password=None
        ),
        "viewer": await desk.somebody("viewer", login="v@example.com", pin=PIN, name="税理士"),
    }
    await desk.enter()
    return {name: str(id) for name, id in people.items()}


async def switch(desk: Desk, staff: str, pin: str, **headers: str) -> Any:
    body = {"staff": staff, "pin": pin}
    return await desk.client.post("/session/switch", json=body, headers={**OURS, **headers})


async def test_who_may_take_over_is_listed(desk: Desk, counter: dict[str, Any]) -> None:
    answer = await desk.client.get("/session/switch")
    items = {each["name"]: each["here"] for each in answer.json()["items"]}
    assert items == {"次郎": False, "店長": True, "花子": False}


async def test_a_pin_opens_the_counter_in_a_session_of_its_own(
    desk: Desk, counter: dict[str, Any]
) -> None:
    before, cookies = desk.token(), dict(desk.client.cookies)
    answer = await switch(desk, counter["hanako"], PIN)
    assert answer.status_code == 200, answer.text
    given = answer.json()
    assert (given["name"], given["role"], given["store"]) == ("花子", "staff", "main")
    after = desk.token()
    assert str(after.id) == counter["hanako"] and given["csrf"] == after.csrf
    assert after.session_id != before.session_id and after.csrf != before.csrf
    renewed = await desk.client.post("/session/renew", headers=OURS)
    assert renewed.status_code == 200 and desk.token().id == after.id
    desk.client.cookies.clear()
    old = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    assert problem(await desk.client.get("/v1/program", headers=old)) == (401, "session-expired")
    assert (await desk.client.post("/session/renew", headers={**OURS, **old})).status_code == 401


async def test_a_pin_makes_nobody_more_than_staff(desk: Desk, counter: dict[str, Any]) -> None:
    await switch(desk, counter["hanako"], PIN)
    answer = await switch(desk, counter["manager"], "9071")
    assert answer.json()["role"] == "staff" == desk.token().role
    body = {"name": "新しい名前"}
    refused = await desk.client.patch("/v1/account", json=body, **desk.acting())
    assert problem(refused) == (403, "pin-only")
    refused = await desk.client.put("/v1/account/pin", json={"pin": "2486"}, **desk.acting())
    assert problem(refused) == (403, "pin-only")


@pytest.mark.parametrize(
    ("name", "pin"), [("hanako", OTHER), ("hanako", ""), ("viewer", PIN), ("nobody", PIN)]
)
async def test_a_wrong_pin_and_who_may_not_are_told_the_same(
    desk: Desk, counter: dict[str, Any], name: str, pin: str
) -> None:
    before = desk.token()
    assert problem(await switch(desk, counter.get(name, name), pin)) == (422, "wrong-pin")
    assert desk.token() == before


async def test_who_may_not_work_at_this_store_does_not_take_over(
    desk: Desk, counter: dict[str, Any]
) -> None:
    await desk.store("second")
    stranger = await desk.somebody(
        "staff", login=None, password=None, pin=PIN, stores=["second"], name="よそ"
    )
    assert problem(await switch(desk, str(stranger), PIN)) == (422, "wrong-pin")


async def test_wrong_pins_make_wait(desk: Desk, counter: dict[str, Any]) -> None:
    for _ in range(lockout.TRIES_OF_PIN):
        assert problem(await switch(desk, counter["hanako"], OTHER)) == (422, "wrong-pin")
    answer = await switch(desk, counter["hanako"], PIN)
    assert problem(answer) == (429, "locked")
    assert 0 < int(answer.headers["retry-after"]) == answer.json()["seconds"] <= 30
    assert (await switch(desk, counter["jiro"], OTHER)).status_code == 200  # nobody else waits
    clock.set_offset(timedelta(seconds=31))
    assert (await switch(desk, counter["hanako"], PIN)).status_code == 200


async def test_a_pin_is_worth_nothing_where_nobody_is_signed_in(
    desk: Desk, counter: dict[str, Any]
) -> None:
    desk.client.cookies.clear()
    assert problem(await switch(desk, counter["hanako"], PIN)) == (401, "session-expired")
    assert problem(await desk.client.get("/session/switch")) == (401, "session-expired")


async def test_nor_when_the_shift_began_too_long_ago(desk: Desk, counter: dict[str, Any]) -> None:
    assert (await switch(desk, counter["hanako"], PIN)).status_code == 200
    for hours in (8, 15):
        clock.set_offset(timedelta(hours=hours))
        assert (await switch(desk, counter["jiro"], OTHER)).status_code == 200
    clock.set_offset(pins.SHIFT)
    assert problem(await switch(desk, counter["hanako"], PIN)) == (409, "no-shift")


async def test_nor_from_another_site(desk: Desk, counter: dict[str, Any]) -> None:
    answer = await switch(desk, counter["hanako"], PIN, Origin="https://evil.example")
    assert problem(answer) == (403, "csrf")


async def test_nor_for_somebody_who_left(desk: Desk, counter: dict[str, Any]) -> None:
    await desk.pool.execute("UPDATE staff SET active = false WHERE name = '花子'")
    assert problem(await switch(desk, counter["hanako"], PIN)) == (422, "wrong-pin")


async def test_a_weak_pin_is_not_taken(desk: Desk, counter: dict[str, Any]) -> None:
    for pin in ("1111", "1234", "4321", "000000"):
        answer = await desk.client.put("/v1/account/pin", json={"pin": pin}, **desk.acting())
        assert problem(answer) == (422, "invalid")
    answer = await desk.client.put("/v1/account/pin", json={"pin": "8642"}, **desk.acting())
    assert answer.status_code == 204
    assert (await switch(desk, counter["manager"], "8642")).status_code == 200
    (told,) = await desk.told("staff.acted.v1")
    assert told["after"] == {"changed": ["pin"]} and "8642" not in str(told)
