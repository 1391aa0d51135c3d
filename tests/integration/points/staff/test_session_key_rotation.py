"""SESSION_KEY changes under people who work: nobody notices, and in the end the old one is gone."""

import base64
from datetime import timedelta
from typing import Any

from services.points.staff import resealing, totp
from shared import clock
from shared.keys import Keys
from shared.web.staff import Gate
from tests.integration.points.staff.desk import OURS, SESSION, Desk
from tests.staff import SESSION_KEY

NEW = "the key that comes after it, 32 bytes and more"
CODES = "/v1/account/one-time-codes"


def set_keys(desk: Desk, key: str, old: str | None = None) -> Keys[str]:
    """The service's keys from now on."""
    state = desk.app.state
    state.settings = type(state.settings)(
        **{**dict(state.settings), "session_key": key, "session_key_old": old}
    )
    state.staff_gate = Gate(state.settings.session_keys, "")
    keys: Keys[str] = state.settings.session_keys
    return keys


async def look(desk: Desk) -> int:
    return (await desk.client.get("/v1/staff/invitations")).status_code


async def with_codes(desk: Desk) -> tuple[bytes, list[str]]:
    begun = await desk.client.post(CODES, **desk.acting("begin"))
    text = begun.json()["secret"]
    secret = base64.b32decode(text + "=" * (-len(text) % 8))
    code = totp.code(secret, totp.step_at(clock.now()))
    confirmed = await desk.client.put(CODES, json={"code": code}, **desk.acting())
    assert confirmed.status_code == 200
    return secret, confirmed.json()["recovery_codes"]


async def type_next(desk: Desk, secret: bytes, code_at: int) -> Any:
    await desk.enter()
    code = totp.code(secret, totp.step_at(clock.now()) + code_at)
    return await desk.client.post("/session/code", data={"code": code}, headers=OURS)


async def test_who_is_signed_in_works_on(desk: Desk) -> None:
    await desk.somebody()
    await desk.enter()
    body = {"name": "花子", "role": "staff"}
    page_of_before = desk.acting("during")
    set_keys(desk, NEW, SESSION_KEY)
    assert await look(desk) == 200
    made = await desk.client.post("/v1/staff/invitations", json=body, **page_of_before)
    assert made.status_code == 201
    await desk.client.post("/session/renew", headers=OURS)
    page_of_before["headers"]["Idempotency-Key"] = "renewed"
    made = await desk.client.post("/v1/staff/invitations", json=body, **page_of_before)
    assert made.status_code == 201  # the page still sends what it was given before
    set_keys(desk, NEW)
    assert await look(desk) == 200  # renewed under the new key


async def test_without_the_old_key_a_token_is_nobody_and_the_session_still_renews_it(
    desk: Desk,
) -> None:
    await desk.somebody()
    await desk.enter()
    set_keys(desk, NEW)
    assert await look(desk) == 401
    assert desk.client.cookies[SESSION]
    await desk.client.post("/session/renew", headers=OURS)
    assert await look(desk) == 200


async def test_an_invitation_made_before_is_shown_again_and_lets_in(desk: Desk) -> None:
    await desk.somebody()
    await desk.enter()
    body = {"name": "花子", "role": "staff"}
    made = await desk.client.post("/v1/staff/invitations", json=body, **desk.acting("i"))
    link = made.json()["link"]
    set_keys(desk, NEW, SESSION_KEY)
    (listed,) = (await desk.client.get("/v1/staff/invitations")).json()["items"]
    assert listed["link"] == link
    await desk.client.post("/session/renew", headers=OURS)
    set_keys(desk, NEW)
    (listed,) = (await desk.client.get("/v1/staff/invitations")).json()["items"]
    assert (listed["state"], listed["link"]) == ("open", None)
    page = await desk.client.get("/console/staff", headers={"accept": "text/html"})
    assert page.status_code == 200 and "None" not in page.text
    assert (await desk.client.get(link)).status_code == 200


async def test_with_the_old_key_gone_a_recovery_code_still_lets_in(desk: Desk) -> None:
    await desk.somebody()
    await desk.enter()
    secret, recovery = await with_codes(desk)
    set_keys(desk, "a key, and nobody knows the one before")
    wrong = await type_next(desk, secret, 1)
    assert wrong.status_code == 422
    right = await desk.client.post("/session/code", data={"code": recovery[0]}, headers=OURS)
    assert right.headers["location"] == "/console"


async def test_one_time_secrets_are_sealed_anew(desk: Desk) -> None:
    await desk.somebody()
    await desk.enter()
    secret, _ = await with_codes(desk)
    both = set_keys(desk, NEW, SESSION_KEY)
    assert (await type_next(desk, secret, 1)).headers["location"] == "/console"
    assert await resealing.once(desk.pool, both) == 1
    assert await resealing.once(desk.pool, both) == 0
    set_keys(desk, NEW)
    clock.set_offset(timedelta(seconds=2 * totp.STEP_SECONDS))
    assert (await type_next(desk, secret, 0)).headers["location"] == "/console"
