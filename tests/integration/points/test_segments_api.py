"""`/v1/segments` over HTTP: presets, what the owner stores, counts, checks, members."""

from typing import Any

import pytest

from shared.events import MemberRef
from tests.integration.points.shop import Points, owner, pos, submitted

RICH = {"points": {"min": 60}}


@pytest.fixture
async def people(points: Points) -> list[dict[str, Any]]:
    """Three who joined by LINE with 50 points, of whom two bought for 10 more; one who did not."""
    users = ["U" + letter * 32 for letter in "abc"]
    for user in users:
        await points.follow(user)
    members = [await points.member(user) for user in users]
    answer = await points.client.post(
        "/v1/members", json={"external_id": "x"}, headers=owner("new")
    )
    assert answer.status_code == 201, answer.text
    members.append(answer.json())
    for member in members[1:3]:
        event = submitted(MemberRef(card=member["card"]), 1000)
        await points.publish(event)
        await points.status(event.id, "awarded")
    return [dict(member) for member in members]


async def call(points: Points, method: str, path: str, status: int = 200, **body: Any) -> Any:
    answer = await points.client.request(
        method, f"/v1/segments{path}", headers=owner(), json=body or None
    )
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_counts_are_at_once_and_say_whom_line_reaches(
    points: Points, people: list[dict[str, Any]]
) -> None:
    told = await call(points, "POST", "/count", definition={"all": True})
    assert (told["count"], told["reachable_by_line"]) == (4, 3)
    assert told["words"] == {"ja": "会員全員", "en": "all members"}
    assert (await call(points, "POST", "/count", definition=RICH))["count"] == 2
    await _members_come_in_pages(points, people)
    event = submitted(MemberRef(card=people[0]["card"]), 1000)
    await points.publish(event)
    await points.status(event.id, "awarded")
    assert (await call(points, "POST", "/count", definition=RICH))["count"] == 3


async def test_a_segment_is_stored_read_replaced_and_deleted(points: Points) -> None:
    made = await call(points, "PUT", "/rich", name="お金持ち", definition=RICH)
    assert (made["revision"], made["shipped"]) == (1, False)
    assert made["words"]["ja"] == "60 ポイント以上"
    assert await call(points, "GET", "/rich") == made
    change = {"name": "ふつう", "definition": {"points": {"max": 59}}}
    await call(points, "PUT", "/rich", 409, **change, revision=0)
    again = await call(points, "PUT", "/rich", **change, revision=1)
    assert (again["revision"], again["name"]["ja"]) == (2, "ふつう")
    await call(points, "DELETE", "/rich", 204)
    await call(points, "DELETE", "/rich", 404)
    await call(points, "GET", "/rich", 404)
    await _presets_are_there_and_may_be_replaced(points)


async def _presets_are_there_and_may_be_replaced(points: Points) -> None:
    listed = (await call(points, "GET", ""))["items"]
    assert len(listed) == 7 and all(each["shipped"] for each in listed)
    assert listed[1]["name"] == {"ja": "1,000 ポイント以上", "en": "1,000 points and more"}
    await call(points, "DELETE", "/near-next-rank", 409)
    own = {"next_rank": {"within": {"visits": 1}}}
    await call(points, "PUT", "/near-next-rank", name="あと1回", definition=own)
    await call(points, "PUT", "/a", name="a", definition=RICH)
    listed = (await call(points, "GET", ""))["items"]
    assert [each["code"] for each in listed][-2:] == ["near-next-rank", "a"]
    assert listed[-2]["definition"] == own
    await call(points, "DELETE", "/near-next-rank", 204)
    assert (await call(points, "GET", "/near-next-rank"))["shipped"]


async def _members_come_in_pages(points: Points, people: list[dict[str, Any]]) -> None:
    seen: list[dict[str, Any]] = []
    after = ""
    while True:
        page = await call(points, "GET", f"/everybody/members?limit=2{after}")
        seen += page["items"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert [each["id"] for each in seen] == sorted(str(each["id"]) for each in people)
    shown = {each["card"]: (each["points"], each["reachable_by_line"]) for each in seen}
    wanted = [(50, True), (60, True), (60, True), (0, False)]
    assert [shown[each["card"]] for each in people] == wanted
    assert all(each["next_rank"] and each["missing"]["ja"] for each in seen)
    assert all("U" + "a" * 32 not in str(each) for each in seen)
    await call(points, "GET", "/nothing/members", 404)


async def test_wrong_definitions_are_told_and_never_stored(points: Points) -> None:
    wrong = {"any": [{"points": {"min": "1"}}, {"moon": 1}]}
    told = await call(points, "POST", "/check", definition=wrong)
    assert [each["path"] for each in told["problems"]] == ["any[0].points.min", "any[1].moon"]
    assert told["words"] is None
    fine = await call(points, "POST", "/check", definition=RICH)
    assert (fine["problems"], fine["words"]["en"]) == ([], "60 points and more")
    for path, method, more in (("/count", "POST", {}), ("/rich", "PUT", {"name": "x"})):
        refused = await call(points, method, path, 422, definition=wrong, **more)
        assert [each["path"] for each in refused["errors"]] == [
            "definition.any[0].points.min",
            "definition.any[1].moon",
        ]
    large = {"rank": {"in": [f"{number:03}" + "あ" * 197 for number in range(50)]}}
    await call(points, "POST", "/count", 422, definition=large)
    await call(points, "PUT", "/Not%20A%20Code", 422, name="x", definition=RICH)
    await _only_the_owner_is_told(points)


async def _only_the_owner_is_told(points: Points) -> None:
    for method, path in (("GET", ""), ("GET", "/everybody/members"), ("DELETE", "/everybody")):
        answer = await points.client.request(method, f"/v1/segments{path}", headers=pos())
        assert answer.status_code == 403
