"""The member card over HTTP: who sees what, for how long, and what nobody ever sees."""

from datetime import timedelta
from typing import Any

import pytest

from services.points.web import card_session, card_shown
from shared import clock, ids
from shared.events import MemberRef
from tests.integration.points.card_phone import Phone, signed_in
from tests.integration.points.shop import Points, eventually, owner, submitted

__all__ = ["signed_in"]

ANNA, BEN = ("U" + digit * 32 for digit in "ab")
COOKIE = "tamaru_card"

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """A test may move the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


async def joined(points: Points, user: str) -> Any:
    await points.follow(user)
    member = await points.member(user)

    async def welcomed() -> bool:
        return await points.balance(member["id"]) == 50

    await eventually(welcomed, "no welcome points")
    return member


@pytest.fixture
async def anna(points: Points) -> Phone:
    await joined(points, ANNA)
    return Phone(points, ANNA)


@pytest.fixture
async def ben(points: Points) -> Phone:
    await joined(points, BEN)
    return Phone(points, BEN)


async def test_the_card_opens_again_with_its_content_for_ten_minutes(anna: Phone) -> None:
    assert await anna.tag() == ""
    view = await anna.send("GET", "/card/view")
    assert view.status_code == 200
    (said,) = view.headers.get_list("set-cookie")
    assert said.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "Max-Age=600", "SameSite=lax", "Path=/"):
        assert part in said
    page = await anna.send("GET", "/card", token=False)
    assert page.headers["cache-control"] == "no-store"
    assert "<strong>50</strong>" in page.text
    assert await anna.tag() in view.text
    clock.set_offset(card_session.LIVES - timedelta(seconds=2))
    assert await anna.tag()
    clock.set_offset(card_session.LIVES + timedelta(seconds=1))
    assert await anna.tag() == ""
    assert (await anna.send("GET", "/card/now", token=False)).status_code == 401
    now = await anna.send("GET", "/card/now")  # with LINE's word it goes on
    assert now.status_code == 200
    assert await anna.tag() == now.json()["tag"]


async def test_behind_https_only_this_host_can_set_the_cookie(anna: Phone, points: Points) -> None:
    state = points.client._transport.app.state  # type: ignore[attr-defined]
    state.settings = state.settings.model_copy(update={"public_url": "https://shop.example.jp"})
    (said,) = (await anna.send("GET", "/card/view")).headers.get_list("set-cookie")
    assert said.startswith("__Host-tamaru_card=")
    assert "Secure" in said


async def test_a_cookie_never_shows_another_members_card(
    points: Points, anna: Phone, ben: Phone
) -> None:
    for phone in (anna, ben):
        await phone.send("GET", "/card/view")
    tags = await anna.tag(), await ben.tag()
    assert all(tags)
    assert tags[0] != tags[1]
    mine, other = anna.cookies[COOKIE], ben.cookies[COOKIE]
    forged = [
        other[:28] + mine[28:],  # another's name under my signature
        mine[:27] + ("A" if mine[27] != "A" else "B") + mine[28:],  # a longer life
        mine[:-1],
        mine[:-2] + ("AA" if mine[-2] != "A" else "BA"),
        "",
        "x" * 50,
        "é",
    ]
    for content in forged:
        anna.cookies[COOKIE] = content
        assert await anna.tag() == "", content
    anna.cookies[COOKIE] = mine
    assert await anna.tag() == tags[0]


async def test_the_cookie_looks_and_changes_nothing(anna: Phone) -> None:
    """No other site can make a change: that needs LINE's word in a header of our own page."""
    await anna.send("GET", "/card/view")
    for path, body in (
        ("/card/leave", {"points": 50}),
        ("/card/exports", {}),
        ("/card/profile", {"consent": True}),
        ("/card/old-card", {"code": "123456"}),
        ("/card/visit", {"code": "V1", "act": "12345678"}),
    ):
        answer = await anna.send("POST", path, token=False, json=body)
        assert (answer.status_code, answer.json()["type"]) == (
            401,
            "urn:tamaru:problem:line-token",
        ), path
    for path in ("/card/profile", "/card/leave", f"/card/exports/{ids.new_id()}", "/card/view"):
        assert (await anna.send("GET", path, token=False)).status_code == 401, path
    assert await anna.tag()


async def test_whoever_leaves_is_looked_at_no_more(anna: Phone) -> None:
    await anna.send("GET", "/card/view")
    kept = dict(anna.cookies)
    left = await anna.send("POST", "/card/leave", json={"points": 50})
    assert left.status_code == 200, left.text
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert COOKIE not in anna.cookies
    anna.cookies = kept  # even if the browser had kept it
    assert await anna.tag() == ""
    assert (await anna.send("GET", "/card/now")).json()["type"].endswith("member-left")


async def test_a_card_on_another_line_account_is_known_by_its_old_cookie_no_more(
    points: Points, anna: Phone
) -> None:
    await anna.send("GET", "/card/view")
    await points.pool.execute(
        "UPDATE members SET line_user_id = $1 WHERE line_user_id = $2", BEN, ANNA
    )
    assert await anna.tag() == ""


async def test_one_members_token_shows_nothing_of_another(
    points: Points, anna: Phone, ben: Phone
) -> None:
    member = await points.member(BEN)
    asked = await ben.send("POST", "/card/exports", json={})
    export = asked.json()["id"]
    assert (await anna.send("GET", f"/card/exports/{export}")).status_code == 404
    view = (await anna.send("GET", "/card/view")).text
    for secret in (str(member["id"]), member["card"], BEN):
        assert secret not in view
    rows = await points.pool.fetch("SELECT id FROM entries WHERE member_id = $1", member["id"])
    page = await anna.send("GET", f"/card/history?before={rows[0]['id']}")
    assert page.text.count("<li>") <= 1  # a cursor of another's says nothing of them
    assert member["card"] not in page.text


async def test_the_code_and_the_stamp_follow_the_card(points: Points, anna: Phone) -> None:
    await anna.send("GET", "/card/view")
    before = (await anna.send("GET", "/card/now", token=False)).json()
    assert 1 <= before["left"] <= 30
    assert before["qr"].startswith("<svg")
    again = (await anna.send("GET", "/card/now", token=False)).json()
    assert (again["stamp"], again["tag"]) == (before["stamp"], before["tag"])
    member = await points.member(ANNA)
    event = submitted(MemberRef(card=member["card"]), 1000)
    await points.publish(event)
    await points.status(event.id, "awarded")
    after = (await anna.send("GET", "/card/now", token=False)).json()
    assert after["stamp"] != before["stamp"]
    clock.set_offset(timedelta(seconds=31))
    assert (await anna.send("GET", "/card/now", token=False)).json()["qr"] != after["qr"]


async def test_the_history_is_read_on_and_filtered(points: Points, anna: Phone) -> None:
    member = await points.member(ANNA)
    for number in range(22):
        adjusted = {"points": 1, "reason": f"理由{number}"}
        path = f"/v1/members/{member['id']}/adjustments"
        await points.client.post(path, json=adjusted, headers=owner(f"a{number}"))
    await anna.send("GET", "/card/view")
    view = (await anna.send("GET", "/card/view")).text
    assert view.count("<li>") == card_shown.FIRST
    first = (await anna.send("GET", "/card/history", token=False)).text
    assert first.count("<li>") == card_shown.ENTRIES
    before = first.partition('data-before="')[2].partition('"')[0]
    second = (await anna.send("GET", f"/card/history?before={before}", token=False)).text
    assert second.count("<li>") == 3
    assert "data-before" not in second
    assert "理由1<" in second
    earned = (await anna.send("GET", "/card/history?filter=earned")).text
    assert earned.count("<li>") == 1
    used = (await anna.send("GET", "/card/history?filter=used")).text
    assert "<li>" not in used
    assert (await anna.send("GET", "/card/history?filter=x")).status_code == 422
    assert (await anna.send("GET", "/card/history?before=x")).status_code == 422


async def test_only_the_sandboxs_phone_may_frame_the_card(anna: Phone) -> None:
    page = await anna.send("GET", "/card", token=False)
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "style=" not in page.text
    assert "<style" not in page.text


async def test_the_language_is_the_one_that_was_chosen(anna: Phone) -> None:
    await anna.send("GET", "/card/view")
    english = await anna.send("GET", "/card", token=False, headers={"Accept-Language": "en-GB"})
    assert '<html lang="en">' in english.text
    anna.cookies["lang"] = "ja"
    chosen = await anna.send("GET", "/card", token=False, headers={"Accept-Language": "en-GB"})
    assert '<html lang="ja">' in chosen.text
    anna.cookies["lang"] = '"><script>'
    other = await anna.send("GET", "/card", token=False)
    assert '<html lang="ja">' in other.text
