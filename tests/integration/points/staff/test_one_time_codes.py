"""A second step at sign-in: each code once, recovery codes, and how it is set up and taken off."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import pytest

from services.points.staff import totp
from shared import clock
from tests.integration.points.staff.desk import LOGIN, OURS, SESSION, Desk, problem

API = "/v1/account/one-time-codes"


@pytest.fixture(autouse=True)
async def owner(desk: Desk) -> None:
    """An owner who is signed in."""
    await desk.somebody()
    await desk.enter()


def code_of(secret: bytes) -> str:
    return totp.code(secret, totp.step_at(clock.now()))


def later() -> None:
    """The next code's time."""
    clock.set_offset(clock._offset + timedelta(seconds=totp.STEP_SECONDS))


async def set_up(desk: Desk) -> tuple[bytes, list[str]]:
    """One-time codes are on: the secret, and the recovery codes."""
    begun = await desk.client.post(API, **desk.acting("begin"))
    assert begun.status_code == 200, begun.text
    text = begun.json()["secret"]
    secret = base64.b32decode(text + "=" * (-len(text) % 8))
    confirmed = await desk.client.put(API, json={"code": code_of(secret)}, **desk.acting())
    assert confirmed.status_code == 200, confirmed.text
    later()
    return secret, confirmed.json()["recovery_codes"]


async def type_code(desk: Desk, code: str) -> Any:
    return await desk.client.post("/session/code", data={"code": code}, headers=OURS)


async def test_without_its_first_code_nothing_is_asked_for(desk: Desk) -> None:
    begun = await desk.client.post(API, **desk.acting("a"))
    again = await desk.client.post(API, **desk.acting("b"))
    assert begun.json() == again.json()
    assert len(await desk.told("staff.acted.v1")) == 1, "begun again it changes nothing"
    wrong = await desk.client.put(API, json={"code": "000000"}, **desk.acting())
    assert problem(wrong) == (422, "invalid")
    assert (await desk.enter()).headers["location"] == "/console"


async def test_the_password_alone_opens_nothing_any_more(desk: Desk) -> None:
    secret, _ = await set_up(desk)
    desk.client.cookies.clear()
    answer = await desk.enter(next="/console/members")
    assert (answer.status_code, answer.headers["location"]) == (303, "/session/code")
    assert SESSION not in desk.client.cookies
    assert (await desk.client.get("/session/code")).status_code == 200
    assert (await type_code(desk, "000000")).status_code == 422
    answer = await type_code(desk, code_of(secret))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/members")
    assert desk.token().role == "owner"


async def test_a_code_that_was_used_is_refused(desk: Desk) -> None:
    secret, _ = await set_up(desk)
    typed = code_of(secret)
    await desk.enter()
    assert (await type_code(desk, typed)).status_code == 303
    await desk.enter()
    assert (await type_code(desk, typed)).status_code == 422
    later()
    assert (await type_code(desk, code_of(secret))).status_code == 303


async def test_a_code_that_two_type_at_once_lets_one_in(desk: Desk) -> None:
    secret, _ = await set_up(desk)
    await desk.enter()
    typed = code_of(secret)
    answers = await asyncio.gather(type_code(desk, typed), type_code(desk, typed))
    assert sorted(each.status_code for each in answers) == [303, 422]


async def test_wrong_codes_make_wait_as_wrong_passwords_do(desk: Desk) -> None:
    secret, _ = await set_up(desk)
    await desk.enter()
    for _ in range(4):  # the password was the first try
        assert (await type_code(desk, "000000")).status_code == 422
    assert (await type_code(desk, code_of(secret))).status_code == 429
    assert (await desk.enter()).status_code == 429


async def test_a_recovery_code_lets_in_once(desk: Desk) -> None:
    _, codes = await set_up(desk)
    assert len(set(codes)) == 10
    await desk.enter()
    assert (await type_code(desk, codes[3].upper())).status_code == 303
    account = await desk.client.get("/v1/account")
    assert account.json()["recovery_codes_left"] == 9
    await desk.enter()
    assert (await type_code(desk, codes[3])).status_code == 422


async def test_nobody_types_a_code_who_showed_no_password(desk: Desk) -> None:
    secret, _ = await set_up(desk)
    desk.client.cookies.clear()
    answer = await type_code(desk, code_of(secret))
    assert answer.headers["location"] == "/sign-in" and not desk.client.cookies


async def test_the_secret_is_locked_away_and_told_to_no_log(desk: Desk) -> None:
    secret, codes = await set_up(desk)
    kept = await desk.pool.fetchval("SELECT totp_secret FROM staff WHERE login = $1", LOGIN)
    assert secret not in kept
    everything = str(
        await desk.pool.fetch("SELECT staff_recovery_codes::text FROM staff_recovery_codes")
    )
    everything += str(await desk.told("staff.acted.v1"))
    assert not [each for each in codes if each in everything]
    assert totp.text_of(secret) not in everything


async def test_they_are_taken_off_with_one_more_code(desk: Desk) -> None:
    secret, codes = await set_up(desk)
    refused = await desk.client.post(f"{API}/removal", json={"code": "000000"}, **desk.acting("r"))
    assert problem(refused) == (422, "invalid")
    assert problem(await desk.client.post(API, **desk.acting("x"))) == (409, "one-time-codes-on")
    body = {"code": code_of(secret)}
    renewed = await desk.client.post(f"{API}/recovery-codes", json=body, **desk.acting("n"))
    assert not set(renewed.json()["recovery_codes"]) & set(codes)
    body = {"code": renewed.json()["recovery_codes"][0]}
    answer = await desk.client.post(f"{API}/removal", json=body, **desk.acting("o"))
    assert answer.status_code == 204, answer.text
    assert (await desk.enter()).headers["location"] == "/console"
