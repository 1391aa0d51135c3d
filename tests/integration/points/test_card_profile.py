"""What customers tell about themselves on the card, and the old card that they bring."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.points.web import card_profile, link_page
from shared import clock
from tests.integration.points.card_phone import Phone, signed_in
from tests.integration.points.shop import Points, owner, pos, verified

__all__ = ["signed_in"]

ANNA = "U" + "e" * 32
TOLD = {
    "name": "山田 花子",
    "birthday": "1990-04-01",
    "gender": "female",
    "area": "京都府",
    "consent": True,
}

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """A test may move the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


@pytest.fixture
async def anna(points: Points) -> Phone:
    await points.follow(ANNA)
    await points.member(ANNA)
    return Phone(points, ANNA)


async def tell(phone: Phone, **changed: Any) -> httpx.Response:
    return await phone.send("POST", "/card/profile", json={**TOLD, **changed})


async def known(points: Points) -> dict[str, Any]:
    member = await points.member(ANNA)
    answer = await points.client.get(f"/v1/members/{member['id']}/profile", headers=owner())
    return dict(answer.json())


async def test_what_is_told_is_kept_with_the_consents_version_and_date(
    points: Points, anna: Phone
) -> None:
    answer = await tell(anna)
    assert answer.status_code == 200, answer.text
    profile = await known(points)
    assert (profile["birthday"], profile["area"]) == ("1990-04-01", "京都府")
    assert profile["fields"] == {"name": "山田 花子"}
    consent = profile["consent"]["profile"]
    assert (consent["given"], consent["source"]) == (True, f"card/{card_profile.VERSION}")
    assert f"に同意（第{card_profile.VERSION}版）" in answer.text
    assert [change["actor"] for change in profile["changes"]["items"]] == ["customer"]
    view = (await anna.send("GET", "/card/view")).text
    assert "山田 花子 さま" in view
    clock.set_offset(timedelta(days=30))
    await tell(anna, area="大阪府")
    assert (await known(points))["consent"]["profile"] == consent  # said once, on that day


async def test_the_birthday_is_told_once_also_by_who_takes_it_back(
    points: Points, anna: Phone
) -> None:
    await tell(anna)
    other = await tell(anna, birthday="1990-05-01")
    assert (other.status_code, other.json()["type"]) == (422, "urn:tamaru:problem:birthday-set")
    assert (await tell(anna)).status_code == 200  # the same again is no change
    taken_back = await tell(anna, consent=False)
    assert taken_back.status_code == 200
    profile = await known(points)
    assert (profile["birthday"], profile["fields"], profile["area"]) == (None, {}, None)
    assert (await tell(anna, birthday="1990-05-01")).status_code == 422
    form = (await anna.send("GET", "/card/profile")).text
    assert "disabled" in form.partition('name="birthday"')[2].partition(">")[0]
    member = await points.member(ANNA)
    changed = await points.client.patch(
        f"/v1/members/{member['id']}",
        json={
            "birthday": "1990-05-01",
            "consent": {"profile": {"given": True, "source": "counter"}},
        },
        headers=owner(),
    )
    assert changed.is_success  # staff can


async def test_odd_input_is_refused_and_markup_stays_text(points: Points, anna: Phone) -> None:
    hostile = '"><script>alert(1)</script>'
    await tell(anna, name=hostile, area=hostile)
    for page in ("/card/profile", "/card/view"):
        html = (await anna.send("GET", page)).text
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
    for bad in (
        {"birthday": "2999-01-01"},
        {"birthday": "1800-01-01"},
        {"birthday": "yesterday"},
        {"name": "a\x00b"},
        {"name": "a" * 61},
        {"points": 1},
    ):
        assert (await tell(anna, **bad)).status_code == 422, bad


async def test_an_old_card_comes_with_its_points(points: Points, anna: Phone) -> None:
    phone = {"phone": "090-1234-5678"}
    made = (await points.client.post("/v1/members", json=phone, headers=owner("card"))).json()
    await points.client.post(
        f"/v1/members/{made['id']}/adjustments",
        json={"points": 300, "reason": "移行"},
        headers=owner("a"),
    )
    wrong = {"card": made["card"], "phone": "090-0000-0000"}
    refused = await anna.send("POST", "/card/old-card", json=wrong)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:tamaru:problem:wrong-card")
    assert "見つかりません" in refused.json()["detail"]
    await anna.send("GET", "/card/view")
    done = await anna.send("POST", "/card/old-card", json={**phone, "card": made["card"]})
    assert done.status_code == 204, done.text
    member = await points.member(ANNA)
    assert (str(member["id"]), member["card"]) == (made["id"], made["card"])
    assert await points.balance(member["id"]) >= 300
    assert await anna.tag() == ""  # the cookie was of the member who is no more
    assert made["card"] in (await anna.send("GET", "/card/view")).text
    again = await anna.send("POST", "/card/old-card", json={**phone, "card": made["card"]})
    assert again.status_code == 422
    await verified(points)


async def test_a_tills_code_proves_it_too_and_guessing_ends(points: Points, anna: Phone) -> None:
    made = await points.client.post("/v1/members", json={"external_id": "e1"}, headers=pos("c"))
    path = f"/v1/members/{made.json()['id']}/link-codes"
    code = (await points.client.post(path, headers=pos("code"))).json()["code"]
    wrong = "111111" if code != "111111" else "222222"
    for _ in range(link_page.TRIES_OF_ADDRESS):
        refused = await anna.send("POST", "/card/old-card", json={"code": wrong})
        assert refused.status_code == 422
    limited = await anna.send("POST", "/card/old-card", json={"code": code})
    assert (limited.status_code, limited.json()["type"]) == (
        429,
        "urn:tamaru:problem:too-many-tries",
    )
    clock.set_offset(timedelta(hours=1, minutes=1))
    code = (await points.client.post(path, headers=pos("code2"))).json()["code"]
    done = await anna.send("POST", "/card/old-card", json={"code": code})
    assert done.status_code == 204, done.text
