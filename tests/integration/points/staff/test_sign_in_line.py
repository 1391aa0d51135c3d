"""In with LINE: the way there and back, against the sandbox, and what must not be believed."""

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from deploy.sandbox.server import running
from deploy.sandbox.settings import SandboxSettings
from services.points.settings import WebSettings
from services.points.staff import line_sign_in
from shared import clock
from tests.integration.points.staff.desk import ORIGIN, OURS, Desk

SECRET = "a channel secret"
CALLBACK = f"{ORIGIN}{line_sign_in.CALLBACK}"


class Line:
    """The sandbox, as a browser sees LINE."""

    def __init__(self, base: str, http: httpx.AsyncClient) -> None:
        self.base = base
        self.http = http

    async def person(self, name: str = "花子") -> str:
        """A LINE user."""
        made = await self.http.post(f"{self.base}/sandbox/users", json={"name": name})
        user: str = made.json()["user_id"]
        return user

    async def says_yes(self, address: str, user: str) -> str:
        """Somebody who is led to LINE says who they are: where LINE leads them back."""
        page = await self.http.get(address)
        assert page.status_code == 200 and "どなたとして" in page.text, page.text
        answer = await self.http.get(f"{address}&user_id={user}")
        assert answer.status_code == 302
        return answer.headers["location"]


@pytest.fixture
async def line(desk: Desk) -> AsyncIterator[Line]:
    """A LINE that the desk signs people in with."""
    settings = SandboxSettings(
        http_port=0,
        edge_url=ORIGIN,
        line_channel_secret=SecretStr("x"),
        line_channel_access_token=SecretStr("x"),
        line_login_channel_id="1234567890",
        line_login_channel_secret=SecretStr(SECRET),
        liff_id="1234567890-Test",
    )
    async with running(settings, clock.now) as started, httpx.AsyncClient() as http:
        base = f"http://127.0.0.1:{started.port}"
        given: WebSettings = desk.app.state.settings
        known = given.model_copy(update={"public_url": ORIGIN, "line_api_base": base})
        desk.app.state.line_sign_in = line_sign_in.opened(known)
        yield Line(base, http)
        await desk.app.state.line_sign_in.close()


async def to_line(desk: Desk, query: str = "") -> str:
    """Where a browser is led."""
    answer = await desk.client.get(f"/session/line{query}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def back(desk: Desk, address: str) -> Any:
    """What comes of it when LINE leads a browser back."""
    assert address.startswith(CALLBACK)
    return await desk.client.get(address)


async def test_who_works_here_is_in(desk: Desk, line: Line) -> None:
    user = await line.person()
    hanako = await desk.somebody("manager", login=None, password=None, line=user, name="花子")
    address = await to_line(desk, "?next=/console/members")
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["redirect_uri"] == [CALLBACK]
    answer = await back(desk, await line.says_yes(address, user))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/members")
    assert desk.token().id == hanako


async def test_whom_nobody_invited_is_not(desk: Desk, line: Line) -> None:
    user = await line.person()
    answer = await back(desk, await line.says_yes(await to_line(desk), user))
    assert answer.status_code == 422 and "登録されていません" in answer.text
    assert "tamaru_staff" not in desk.client.cookies


async def test_who_left_is_not(desk: Desk, line: Line) -> None:
    user = await line.person()
    await desk.somebody("staff", login=None, password=None, line=user)
    await desk.pool.execute("UPDATE staff SET active = false")
    answer = await back(desk, await line.says_yes(await to_line(desk), user))
    assert answer.status_code == 422


async def test_what_another_browser_began_is_not_believed(desk: Desk, line: Line) -> None:
    user = await line.person()
    await desk.somebody("owner", line=user)
    theirs = await line.says_yes(await to_line(desk), user)
    desk.client.cookies.clear()
    assert (await back(desk, theirs)).status_code == 422  # no trip of this browser's
    await to_line(desk)
    assert (await back(desk, theirs)).status_code == 422  # another state
    good = await line.says_yes(await to_line(desk), user)
    state = parse_qs(urlsplit(good).query)["state"][0]
    assert (await back(desk, good.replace(state, "x" * 43))).status_code == 422
    assert "tamaru_staff" not in desk.client.cookies


async def test_a_code_is_good_once_and_the_trip_too(desk: Desk, line: Line) -> None:
    user = await line.person()
    await desk.somebody("owner", line=user)
    address = await line.says_yes(await to_line(desk), user)
    assert (await back(desk, address)).status_code == 303
    assert (await back(desk, address)).status_code == 422


async def test_somebody_says_no(desk: Desk, line: Line) -> None:
    address = await to_line(desk)
    refused = await line.http.get(f"{address}&denied=1")
    answer = await back(desk, refused.headers["location"])
    assert answer.status_code == 422 and "完了しませんでした" in answer.text


async def test_with_one_time_codes_line_alone_opens_nothing(desk: Desk, line: Line) -> None:
    user = await line.person()
    await desk.somebody("owner", line=user)
    await desk.pool.execute("UPDATE staff SET totp_since = $1, totp_secret = ''", clock.now())
    answer = await back(desk, await line.says_yes(await to_line(desk), user))
    assert answer.headers["location"] == "/session/code"
    assert "tamaru_staff" not in desk.client.cookies


async def test_an_invitation_is_accepted_with_line(desk: Desk, line: Line) -> None:
    await desk.somebody()
    await desk.enter()
    body = {"name": "次郎", "role": "staff"}
    made = await desk.client.post("/v1/staff/invitations", json=body, **desk.acting("i"))
    code = made.json()["link"].rpartition("/")[2]
    desk.client.cookies.clear()
    page = await desk.client.get(f"/invitation/{code}")
    assert f"/session/line?invitation={code}" in page.text
    user = await line.person()
    address = await to_line(desk, f"?invitation={code}")
    answer = await back(desk, await line.says_yes(address, user))
    assert (answer.status_code, answer.headers["location"]) == (303, "/counter")
    assert (desk.token().name, desk.token().role) == ("次郎", "staff")
    address = await to_line(desk, f"?invitation={code}")
    assert (await back(desk, await line.says_yes(address, await line.person()))).status_code == 410


async def test_line_is_linked_to_the_own_account_and_to_no_second(desk: Desk, line: Line) -> None:
    owner = await desk.somebody()
    await desk.somebody("manager", login="m@example.com")
    user = await line.person()
    await desk.enter()
    answer = await back(desk, await line.says_yes(await to_line(desk, "?link=1"), user))
    assert answer.headers["location"] == "/console/account?line=linked"
    assert await desk.pool.fetchval("SELECT line_user_id FROM staff WHERE id = $1", owner) == user
    (row,) = await desk.kept()
    assert (row["after"], row["target"]) == ('{"line": true}', f"staff:{owner}")
    await desk.enter("m@example.com")
    answer = await back(desk, await line.says_yes(await to_line(desk, "?link=1"), user))
    assert answer.headers["location"] == "/console/account?line=taken"
    await desk.enter()
    assert (await desk.client.delete("/v1/account/line", **desk.acting())).status_code == 204


async def test_it_is_linked_to_the_session_that_began_it(desk: Desk, line: Line) -> None:
    await desk.somebody()
    await desk.somebody("manager", login="m@example.com")
    await desk.enter()
    address = await line.says_yes(await to_line(desk, "?link=1"), await line.person())
    await desk.enter("m@example.com")
    assert "/sign-in" in (await back(desk, address)).headers["location"]
    assert await desk.pool.fetchval("SELECT count(line_user_id) FROM staff") == 0


async def test_without_a_channel_secret_there_is_no_button(desk: Desk) -> None:
    assert "/session/line" not in (await desk.client.get("/sign-in")).text
    assert (await desk.client.get("/session/line", headers=OURS)).status_code == 404


async def test_the_sandbox_refuses_what_line_refuses(desk: Desk, line: Line) -> None:
    good = await to_line(desk)
    for change in (
        {"redirect_uri": "https://evil.example/session/line/callback"},
        {"client_id": "1"},
        {"response_type": "token"},
        {"scope": "profile"},
        {"code_challenge_method": "plain"},
        {"state": ""},
    ):
        query = dict(parse_qsl(urlsplit(good).query)) | change
        answer = await line.http.get(f"{line.base}/oauth2/v2.1/authorize", params=query)
        assert answer.status_code == 400, change
    user = await line.person()
    for change in (
        {"code_verifier": "another"},
        {"client_secret": "wrong"},
        {"redirect_uri": "https://evil.example"},
        {"grant_type": "password"},
        {"code": "made-up"},
    ):
        verifier = "v" * 43
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        query = dict(parse_qsl(urlsplit(good).query)) | {"code_challenge": challenge}
        query["user_id"] = user
        given = await line.http.get(f"{line.base}/oauth2/v2.1/authorize", params=query)
        code = parse_qs(urlsplit(given.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "client_id": "1234567890",
            "client_secret": SECRET,
            "code_verifier": verifier,
        }
        refused = await line.http.post(f"{line.base}/oauth2/v2.1/token", data=form | change)
        assert refused.status_code == 400, change
        taken = await line.http.post(f"{line.base}/oauth2/v2.1/token", data=form)
        assert (taken.status_code == 200) == ("code" in change), change  # used up, but for that
