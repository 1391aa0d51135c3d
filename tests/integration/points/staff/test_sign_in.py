"""Signing in, staying and leaving; and what a session may do at the API."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from services.points.staff import sessions, signing_in
from shared import clock
from shared.web import session_token
from tests.integration.points.staff.desk import (
    DEVICE,
    LOGIN,
    OURS,
    PASSWORD,
    SESSION,
    TOKEN,
    Desk,
)
from tests.staff import SESSION_KEY, shown, signed_in, someone


@pytest.fixture(autouse=True)
async def owner(desk: Desk) -> None:
    """There is an owner who can sign in."""
    await desk.somebody()


async def test_who_gives_the_right_password_is_in(desk: Desk) -> None:
    answer = await desk.enter(next="/console/members?q=a")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/members?q=a")
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 3 and all("HttpOnly; " in each for each in cookies)
    assert all("SameSite=lax" in each for each in cookies)
    paths = {each.split("=")[0]: each.split("Path=")[1].split(";")[0] for each in cookies}
    assert paths == {TOKEN: "/", SESSION: "/session", DEVICE: "/session"}
    staff = desk.token()
    assert (staff.name, staff.role, staff.store) == ("山田", "owner", "main")
    assert (await desk.client.get("/v1/program")).status_code == 200


@pytest.mark.parametrize(
    "given", [{"password": "wrong password"}, {"login": "nobody@example.com"}, {"login": ""}]
)
async def test_who_gives_a_wrong_one_is_told_the_same(desk: Desk, given: Any) -> None:
    answer = await desk.enter(**given)
    assert answer.status_code == 422
    assert "メールアドレスまたはパスワードが違います" in answer.text
    assert not answer.headers.get_list("set-cookie")


async def test_wrong_passwords_make_wait_whether_the_account_exists_or_not(desk: Desk) -> None:
    for login in (LOGIN, "nobody@example.com"):
        for _ in range(5):
            assert (await desk.enter(login=login, password="wrong")).status_code == 422
        refused = await desk.enter(login=login)
        assert refused.status_code == 429
        assert 0 < int(seconds := refused.headers["retry-after"]) <= 30
        assert f"{seconds}秒後" in refused.text
    clock.set_offset(timedelta(seconds=31))
    assert (await desk.enter()).status_code == 303
    assert (await desk.enter()).status_code == 303  # what was wrong before is forgotten


async def test_who_guesses_elsewhere_does_not_lock_out_a_browser_that_was_in_before(
    desk: Desk,
) -> None:
    await desk.enter()
    known = desk.client.cookies[DEVICE]
    desk.client.cookies.clear()
    for _ in range(5):
        await desk.enter(password="wrong")
    assert (await desk.enter()).status_code == 429
    desk.client.cookies.set(DEVICE, known[:-1] + ("0" if known[-1] != "0" else "1"))
    assert (await desk.enter()).status_code == 429, "made up"
    desk.client.cookies.clear()
    desk.client.cookies.set(DEVICE, known, path="/session")
    assert (await desk.enter()).status_code == 303
    for _ in range(5):
        assert (await desk.enter(password="wrong")).status_code == 422
    assert (await desk.enter()).status_code == 429, "its own wrong tries count"
    clock.set_offset(timedelta(days=91))
    for _ in range(5):
        await desk.enter(password="wrong")
    desk.client.cookies.set(DEVICE, known, path="/session")
    assert (await desk.enter()).status_code == 429, "known no more"


async def test_ones_own_browser_has_no_tries_for_somebody_elses_account(desk: Desk) -> None:
    await desk.somebody("viewer", login="other@example.com", name="鈴木")
    await desk.enter(login="other@example.com")
    other = desk.client.cookies[DEVICE]
    for _ in range(5):
        await desk.enter(password="wrong")
    assert desk.client.cookies[DEVICE] == other
    assert (await desk.enter()).status_code == 429


async def test_many_tries_at_once_are_counted_as_many(desk: Desk) -> None:
    tries = [
        signing_in.tries_of(desk.pool, SESSION_KEY, LOGIN, f"192.0.2.{number}")
        for number in range(20)
    ]
    outcomes = []
    for each in tries:
        try:
            await each.begin()
            outcomes.append(True)
        except signing_in.Wait:
            outcomes.append(False)
    assert sum(outcomes) == 5


async def test_a_session_that_was_there_before_is_worth_nothing_after(desk: Desk) -> None:
    await desk.enter()
    before, known = desk.token(), dict(desk.client.cookies)
    await desk.enter()
    after = desk.token()
    assert before.session_id != after.session_id and before.csrf != after.csrf
    assert known[SESSION] != desk.client.cookies[SESSION]
    desk.client.cookies.clear()
    old = {"Cookie": f"{TOKEN}={known[TOKEN]}"}
    assert (await desk.client.get("/v1/program", headers=old)).status_code == 401
    old = {"Cookie": f"{SESSION}={known[SESSION]}", **OURS}
    assert (await desk.client.post("/session/renew", headers=old)).status_code == 401


async def test_a_session_id_that_somebody_else_chose_is_not_taken(desk: Desk) -> None:
    desk.client.cookies.set(SESSION, "chosen-by-somebody-else", path="/session")
    answer = await desk.enter()
    assert answer.status_code == 303
    given = [each for each in answer.headers.get_list("set-cookie") if each.startswith(SESSION)]
    assert "chosen-by-somebody-else" not in given[0]


@pytest.mark.parametrize("path", ["/session/sign-in", "/session/renew", "/session/end"])
async def test_another_site_signs_nobody_in_or_out(desk: Desk, path: str) -> None:
    form = {"login": LOGIN, "password": PASSWORD}
    for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = await desk.client.post(path, data=form, headers=origin)
        assert answer.status_code == 403, origin
        assert not answer.headers.get_list("set-cookie")


@pytest.mark.parametrize("evil", ["//evil.example", "https://evil.example/", "/\\evil.example"])
async def test_nobody_is_led_elsewhere(desk: Desk, evil: str) -> None:
    assert (await desk.enter(next=evil)).headers["location"] == "/console"
    led = await desk.client.get(f"/session/renew?next={quote(evil)}")
    assert led.headers["location"] == "/console"
    desk.client.cookies.clear()
    led = await desk.client.get(f"/session/renew?next={quote(evil)}")
    assert led.headers["location"] == "/sign-in"
    page = await desk.client.get(f"/sign-in?next={quote(evil)}")
    assert "evil.example" not in page.text


async def test_a_token_is_renewed_as_long_as_somebody_works(desk: Desk) -> None:
    await desk.enter()
    first = desk.token()
    for hours in range(1, 24 * 6, 11):
        clock.set_offset(timedelta(hours=hours))
        assert (await desk.client.get("/v1/program")).json()["type"].endswith("session-expired")
        answer = await desk.client.post("/session/renew", headers=OURS)
        assert answer.status_code == 200, hours
        assert answer.json()["csrf"] == first.csrf
        assert (await desk.client.get("/v1/program")).status_code == 200
    clock.set_offset(timedelta(days=7))
    assert (await desk.client.post("/session/renew", headers=OURS)).status_code == 401


async def test_a_session_that_nobody_renews_is_over(desk: Desk) -> None:
    await desk.enter()
    clock.set_offset(sessions.IDLE)
    gone = await desk.client.get("/session/renew?next=/console/members")
    assert gone.headers["location"] == "/sign-in?next=%2Fconsole%2Fmembers"
    assert "Max-Age=0" in "".join(gone.headers.get_list("set-cookie"))


async def test_who_leaves_is_out_everywhere_at_once(desk: Desk) -> None:
    await desk.enter()
    kept, session = dict(desk.client.cookies), desk.token().session_id
    answer = await desk.client.post("/session/end", headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    old = {"Cookie": f"{TOKEN}={kept[TOKEN]}"}
    refused = await desk.client.get("/v1/program", headers=old)
    assert refused.json()["type"] == "urn:tamaru:problem:session-expired"
    told = await desk.told("staff.session_ended.v1")
    assert [each["session_id"] for each in told] == [str(session)]


async def test_a_change_needs_the_session_s_own_token(desk: Desk) -> None:
    body = {"phone": "09011112222"}
    staff = someone("owner")
    other = someone("owner")
    for sent in (None, "", "x", other.csrf):
        headers = {**shown(staff, "once")["headers"], "X-CSRF-Token": sent}
        if sent is None:
            del headers["X-CSRF-Token"]
        answer = await desk.client.post("/v1/members", json=body, headers=headers)
        assert answer.json()["type"] == "urn:tamaru:problem:csrf", sent
    answer = await desk.client.post("/v1/members", json=body, **shown(staff, "once"))
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("role", "reads", "changes", "decides"),
    [
        ("owner", 200, 200, 200),
        ("manager", 200, 200, 200),
        ("staff", 200, 403, 403),
        ("viewer", 200, 403, 403),
    ],
)
async def test_a_role_is_a_kind_of_key(
    desk: Desk, role: str, reads: int, changes: int, decides: int
) -> None:
    program = await desk.client.get("/v1/program", **signed_in(role))
    assert program.status_code == reads
    given = await desk.client.put("/v1/program", json=program.json(), **signed_in(role))
    assert given.status_code == changes


async def test_what_somebody_changes_is_told_and_kept(desk: Desk) -> None:
    staff = someone("manager", stores=["main"], store="main")
    body = {"phone": "09011112222", "external_id": "crm-1"}
    answer = await desk.client.post("/v1/members", json=body, **shown(staff, "once"))
    assert answer.status_code == 201, answer.text
    (told,) = await desk.told("staff.acted.v1")
    assert told["act"] == "POST /v1/members"
    assert (told["staff_id"], told["role"], told["store"]) == (str(staff.id), "manager", "main")
    assert "09011112222" not in str(told) and "crm-1" not in str(told)

    (row,) = await desk.kept()
    assert (row["staff_id"], row["act"], row["service"]) == (staff.id, "POST /v1/members", "points")
    again = await desk.client.post("/v1/members", json=body, **shown(staff, "once"))
    assert again.status_code == 201
    assert len(await desk.told("staff.acted.v1")) == 1  # a repeat changes nothing


async def test_a_member_of_staff_acts_at_the_store_of_the_shift_only(desk: Desk) -> None:
    joined = await desk.client.post(
        "/v1/members", json={"phone": "09011112222"}, **signed_in("owner", key="m")
    )
    member = {"id": joined.json()["id"]}
    body = {"member": member, "store": "main", "points": 1}
    elsewhere = signed_in("staff", stores=["second"], store="second", key="r")
    answer = await desk.client.post("/v1/redemptions", json=body, **elsewhere)
    assert answer.json()["type"] == "urn:tamaru:problem:other-store"


async def test_a_forged_or_ended_token_is_nobody(desk: Desk) -> None:
    forged = {"Cookie": f"{TOKEN}={session_token.sign(someone('owner'), 'another key')}"}
    assert (await desk.client.get("/v1/program", headers=forged)).status_code == 401
    expired = shown(someone("owner", life=timedelta()))
    answer = await desk.client.get("/v1/program", **expired)
    assert answer.json()["type"] == "urn:tamaru:problem:session-expired"


async def test_a_key_that_is_shown_counts_before_a_session(desk: Desk) -> None:
    headers = {**signed_in("owner")["headers"], "Authorization": "Bearer wrong"}
    answer = await desk.client.get("/v1/program", headers=headers)
    assert answer.json()["type"] == "urn:tamaru:problem:unauthenticated"


async def test_somebody_chooses_where_the_shift_is(desk: Desk) -> None:
    await desk.store("second")
    await desk.enter()
    assert desk.token().store is None
    page = await desk.client.get("/session/store?next=/counter")
    assert "2号店" in page.text and "本店" in page.text
    form = {"store": "second", "next": "/counter"}
    answer = await desk.client.post("/session/store", data=form, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/counter")
    assert desk.token().store == "second"
    answer = await desk.client.post("/session/store", json={"store": "nowhere"}, headers=OURS)
    assert answer.status_code == 403
