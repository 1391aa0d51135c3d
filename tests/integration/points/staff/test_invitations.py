"""Links that let somebody in: once, as it was decided, until they are over."""

import asyncio
import re
from typing import Any

import pytest

from services.points.staff import invitations
from shared import clock
from tests.integration.points.staff.desk import LOGIN, OURS, Desk, problem

NEW, WORD = "new@example.com", "correct horse battery"


@pytest.fixture(autouse=True)
async def owner(desk: Desk) -> None:
    """An owner who is signed in."""
    await desk.somebody()
    await desk.enter()


async def invite(desk: Desk, role: str = "staff", key: str = "i", **more: Any) -> dict[str, Any]:
    body = {"name": "花子", "role": role, **more}
    answer = await desk.client.post("/v1/staff/invitations", json=body, **desk.acting(key))
    assert answer.status_code == 201, answer.text
    given: dict[str, Any] = answer.json()
    return given


def path_of(invitation: dict[str, Any]) -> str:
    return re.sub(r"^https?://[^/]+", "", invitation["link"])


async def accept(desk: Desk, path: str, login: str = NEW, password: str = WORD) -> Any:
    desk.client.cookies.clear()
    form = {"login": login, "password": password}
    return await desk.client.post(path, data=form, headers=OURS)


async def test_who_was_invited_comes_in_as_it_was_decided(desk: Desk) -> None:
    await desk.store("second", "2号店")
    path = path_of(await invite(desk, stores=["second"]))
    page = await desk.client.get(path)
    assert "花子さん、ようこそ" in page.text and "2号店" in page.text
    answer = await accept(desk, path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/counter")
    staff = desk.token()
    assert (staff.name, staff.role, staff.stores, staff.store) == (
        "花子",
        "staff",
        ("second",),
        "second",
    )
    assert (await desk.enter(NEW, WORD)).status_code == 303


async def test_a_link_is_good_once(desk: Desk) -> None:
    path = path_of(await invite(desk))
    assert (await accept(desk, path)).status_code == 303
    assert (await accept(desk, path, "other@example.com")).status_code == 410
    assert (await desk.client.get(path)).status_code == 410
    assert await desk.pool.fetchval("SELECT count(*) FROM staff") == 2


async def test_of_two_who_come_at_once_one_is_in(desk: Desk) -> None:
    path = path_of(await invite(desk))
    forms = [{"login": f"{n}@example.com", "password": WORD} for n in range(4)]
    answers = await asyncio.gather(
        *(desk.client.post(path, data=form, headers=OURS) for form in forms)
    )
    assert sorted(each.status_code for each in answers) == [303, 410, 410, 410]


async def test_a_link_ends_and_can_be_withdrawn(desk: Desk) -> None:
    first, second = await invite(desk, key="a"), await invite(desk, key="b")
    gone = await desk.client.delete(f"/v1/staff/invitations/{first['id']}", **desk.acting())
    assert gone.status_code == 204
    listed = (await desk.client.get("/v1/staff/invitations")).json()["items"]
    assert [each["id"] for each in listed] == [second["id"]]
    assert (await accept(desk, path_of(first))).status_code == 410
    clock.set_offset(invitations.LIFE)
    assert (await accept(desk, path_of(second))).status_code == 410


async def test_the_role_cannot_be_asked_for(desk: Desk) -> None:
    path = path_of(await invite(desk, "viewer"))
    form = {"login": NEW, "password": WORD, "role": "owner", "stores": "", "name": "x"}
    await desk.client.post(path, data=form, headers=OURS)
    assert (desk.token().role, desk.token().name) == ("viewer", "花子")


async def test_a_link_is_not_to_be_guessed_or_read_from_the_database(desk: Desk) -> None:
    path = path_of(await invite(desk))
    kept = str(await desk.pool.fetch("SELECT i::text FROM staff_invitations i"))
    assert path.rpartition("/")[2] not in kept
    assert (await accept(desk, "/invitation/" + "x" * 43)).status_code == 410
    assert path.rpartition("/")[2] not in str(await desk.told("staff.acted.v1"))


@pytest.mark.parametrize(
    ("login", "password"),
    [(NEW, "short"), ("no-address", WORD), (NEW, f"x{NEW}x"), (LOGIN, WORD), ("", "")],
)
async def test_what_will_not_do_leaves_the_link_good(desk: Desk, login: str, password: str) -> None:
    path = path_of(await invite(desk))
    assert (await accept(desk, path, login, password)).status_code == 422
    assert (await accept(desk, path)).status_code == 303


async def test_another_site_accepts_nothing(desk: Desk) -> None:
    path = path_of(await invite(desk))
    form = {"login": NEW, "password": WORD}
    answer = await desk.client.post(path, data=form, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


async def test_the_same_key_names_the_same_link(desk: Desk) -> None:
    assert await invite(desk) == await invite(desk)
    body = {"name": "次郎", "role": "staff"}
    other = await desk.client.post("/v1/staff/invitations", json=body, **desk.acting("i"))
    assert problem(other) == (409, "idempotency-conflict")


async def test_who_forgot_chooses_another_password_and_is_signed_out_elsewhere(desk: Desk) -> None:
    hanako = await desk.somebody("manager", login="h@example.com", name="花子")
    path = f"/v1/staff/{hanako}/password-link"
    first = (await desk.client.post(path, **desk.acting("a"))).json()
    second = (await desk.client.post(path, **desk.acting("b"))).json()
    assert (first["staff"], first["state"]) == (str(hanako), "open")
    await desk.enter("h@example.com")
    theirs = {"Cookie": f"tamaru_staff={desk.client.cookies['tamaru_staff']}"}
    assert (await accept(desk, path_of(first), "h@example.com")).status_code == 410
    answer = await accept(desk, path_of(second), "h@example.com")
    assert answer.status_code == 303
    assert desk.token().id == hanako
    desk.client.cookies.clear()
    assert (await desk.client.get("/v1/program", headers=theirs)).status_code == 401
    assert (await desk.enter("h@example.com", WORD)).status_code == 303
    assert (await desk.enter("h@example.com")).status_code == 422
