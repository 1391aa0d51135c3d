"""Members come, leave and come back; the API names them; points are adjusted with a reason."""

import asyncio
from datetime import timedelta

import pytest

from shared import clock
from shared.events import ChatDataRequested, new_event
from tests.integration.points.shop import (
    POS_KEY,
    RATE,
    Points,
    eventually,
    line_event,
    owner,
)

USER = "U" + "2" * 32


async def test_following_twice_and_again_is_one_member_welcomed_once(points: Points) -> None:
    first = await points.follow(USER)
    member = await points.member(USER)
    await points.publish(first, line_event("follow", USER), line_event("message", USER))
    await points.publish(line_event("unfollow", USER, clock.now() + timedelta(seconds=1)))

    async def gone() -> object:
        return await points.pool.fetchval("SELECT NOT friend FROM members")

    await eventually(gone, "the member did not leave")
    await points.follow(USER, clock.now() + timedelta(seconds=2))
    returned = await eventually(lambda: points.told("member.returned.v1"), "nobody returned")
    assert returned[0]["card"] == member["card"]
    assert len(await points.told("member.joined.v1")) == 1
    assert await points.pool.fetchval("SELECT count(*) FROM members") == 1
    assert await points.balance(member["id"]) == 50


async def test_leaving_counts_by_lines_time_not_by_arrival(points: Points) -> None:
    await points.follow(USER)
    await points.member(USER)
    later = clock.now() + timedelta(seconds=5)
    again = line_event("follow", USER, later)
    left = line_event("unfollow", USER, later - timedelta(seconds=2))
    await points.handled("points.members", again, left)
    assert await points.pool.fetchval("SELECT friend FROM members WHERE line_user_id = $1", USER)


async def test_leaving_counts_also_when_it_arrives_before_the_first_follow(points: Points) -> None:
    later = clock.now() + timedelta(seconds=5)
    left = line_event("unfollow", USER, later)
    await points.handled("points.members", left)
    assert await points.pool.fetchval("SELECT count(*) FROM members") == 0
    await points.handled("points.members", line_event("follow", USER, later - timedelta(seconds=2)))
    member = await points.member(USER)
    assert not member["friend"]
    assert member["friend_changed_at"].timestamp() == pytest.approx(later.timestamp(), abs=0.001)
    assert await points.pool.fetchval("SELECT count(*) FROM departures") == 0
    joined = await points.told("member.joined.v1")
    assert [each["line_user_id"] for each in joined] == [USER]
    await points.follow(USER, later + timedelta(seconds=1))
    returned = await eventually(lambda: points.told("member.returned.v1"), "nobody returned")
    assert len(returned) == 1


async def test_following_and_leaving_at_the_same_time_end_as_line_says(points: Points) -> None:
    now = clock.now()
    users = [f"U{number:032}" for number in range(40)]
    follows = [line_event("follow", user, now) for user in users]
    leaves = [line_event("unfollow", user, now + timedelta(seconds=1)) for user in users]
    await points.handled("points.members", *leaves[::2], *follows, *leaves[1::2])
    assert await points.pool.fetchval("SELECT count(*) FROM members WHERE NOT friend") == len(users)


async def test_a_message_and_then_leaving_in_one_batch_still_enrols(points: Points) -> None:
    now = clock.now()
    left = line_event("unfollow", USER, now + timedelta(seconds=1))
    await points.handled("points.members", left, line_event("message", USER, now))
    assert not (await points.member(USER))["friend"]


async def test_a_message_enrols_whoever_line_forgot_to_announce(points: Points) -> None:
    await points.publish(line_event("message", USER, message={"type": "text", "text": "hi"}))
    await points.member(USER)


@pytest.mark.parametrize(
    "line",
    [
        {"source": {"type": "group", "groupId": "C1", "userId": USER}},
        {"source": "nonsense"},
        {"source": None},
        {"timestamp": "yesterday", "source": {"type": "room"}},
    ],
)
async def test_events_of_nobody_in_particular_enrol_nobody(
    points: Points, line: dict[str, object]
) -> None:
    await points.handled("points.members", line_event("message", USER, **line))
    assert await points.pool.fetchval("SELECT count(*) FROM members") == 0


async def test_joining_tells_the_card_and_carries_the_reply_token(points: Points) -> None:
    await points.follow(USER)
    joined = (await eventually(lambda: points.told("member.joined.v1"), "nobody joined"))[0]
    assert (joined["welcome_points"], joined["balance"]) == (50, 50)
    assert joined["reply_token"] == "f" * 32
    assert len(joined["card"]) == 13


async def test_the_chat_is_told_balance_reason_and_what_is_missing(points: Points) -> None:
    await points.follow(USER)
    await points.member(USER)
    asked = ChatDataRequested(USER, "why", "token", clock.now())
    await points.publish(new_event("/notify", asked))
    answer = (await eventually(lambda: points.told("chat.data_provided.v1"), "no answer"))[0]
    assert (answer["topic"], answer["balance"], answer["reply_token"]) == ("why", 50, "token")
    words = {"ja": "あと来店1回でブロンズ", "en": "1 more visit to ブロンズ"}
    assert answer["next_rank"] == {"name": "ブロンズ", "visits": 1, **words}
    assert answer["entries"][0]["ja"] == "会員登録ありがとうございます +50ポイント"


async def test_somebody_unknown_who_asks_becomes_a_member_and_is_answered(points: Points) -> None:
    await points.publish(new_event("/notify", ChatDataRequested(USER, "balance")))
    answer = (await eventually(lambda: points.told("chat.data_provided.v1"), "no answer"))[0]
    assert answer["balance"] == 50


async def test_a_member_is_found_by_each_of_their_names(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    made = await points.client.post(
        "/v1/members", json={"external_id": "e-1", "phone": "090-1234-5678"}, headers=owner("k1")
    )
    assert made.status_code == 201
    ways = {
        "card": (member["card"], str(member["id"])),
        "line_user_id": (USER, str(member["id"])),
        "external_id": ("e-1", made.json()["id"]),
        "phone": ("090-1234-5678", made.json()["id"]),
    }
    for way, (value, expected) in ways.items():
        answer = await points.client.get(f"/v1/members/lookup?{way}={value}", headers=owner())
        assert (answer.status_code, answer.json()["id"]) == (200, expected), way
    pos = {"Authorization": f"Bearer {POS_KEY}"}
    refused = await points.client.get(f"/v1/members/lookup?line_user_id={USER}", headers=pos)
    assert refused.status_code == 403
    for query, status in (("", 400), ("card=1&phone=2", 400), ("card=1", 404), ("qr=x", 422)):
        answer = await points.client.get(f"/v1/members/lookup?{query}", headers=owner())
        assert answer.status_code == status, query
        assert answer.headers["content-type"] == "application/problem+json"


async def test_creating_a_member_is_idempotent_and_a_taken_name_is_a_conflict(
    points: Points,
) -> None:
    async def create(key: str, **body: str) -> tuple[int, dict[str, object]]:
        answer = await points.client.post("/v1/members", json=body, headers=owner(key))
        return answer.status_code, answer.json()

    first = await create("a", external_id="x")
    assert first == await create("a", external_id="x")
    assert (await create("a", external_id="y"))[0] == 409
    assert (await create("b", external_id="x"))[0] == 409
    assert (await create("c"))[0] == 422
    no_key = await points.client.post("/v1/members", json={"phone": "0312345678"}, headers=owner())
    assert no_key.status_code == 400
    assert await points.pool.fetchval("SELECT count(*) FROM members") == 1


async def test_adjustments_are_done_once_with_their_reason_and_never_below_zero(
    points: Points,
) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    url = f"/v1/members/{member['id']}/adjustments"

    async def adjust(key: str, amount: int) -> tuple[int, dict[str, object]]:
        body = {"points": amount, "reason": "雨の日サービス"}
        answer = await points.client.post(url, json=body, headers=owner(key))
        return answer.status_code, answer.json()

    assert (await adjust("add", 30))[1]["balance"] == 80
    assert (await adjust("add", 30))[1]["balance"] == 80
    assert (await adjust("take", -70))[1]["balance"] == 10
    status, problem = await adjust("too much", -11)
    assert (status, problem["balance"]) == (422, 10)
    answers = await asyncio.gather(*(adjust(f"race-{n}", -10) for n in range(8)))
    assert sorted(status for status, _ in answers) == [201] + [422] * 7
    rows = await points.client.get(f"/v1/members/{member['id']}/entries", headers=owner())
    adjusted = [row for row in rows.json()["items"] if row["kind"] == "adjust"]
    assert [row["amount"] for row in adjusted] == [-10, -70, 30]
    assert "雨の日サービス" in adjusted[-1]["explanation"]["text"]["ja"]


async def test_keys_open_only_what_they_are_for(points: Points) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
        answer = await points.client.get("/v1/program", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    pos = {"Authorization": f"Bearer {POS_KEY}"}
    assert (await points.client.put("/v1/program", json={}, headers=pos)).status_code == 403
    assert (await points.client.get("/v1/members", headers=pos)).status_code == 403


async def test_a_key_that_calls_too_fast_is_told_to_wait(points: Points) -> None:
    calls = [points.client.get("/v1/program", headers=owner()) for _ in range(3 * RATE)]
    answers = await asyncio.gather(*calls)
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1
    pos = {"Authorization": f"Bearer {POS_KEY}"}
    assert (await points.client.get("/v1/program", headers=pos)).status_code == 200


async def test_pages_of_members_and_entries_meet_without_gap_or_repeat(points: Points) -> None:
    for number in range(5):
        await points.client.post(
            "/v1/members", json={"external_id": f"m{number}"}, headers=owner(f"m{number}")
        )
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await points.client.get(f"/v1/members?limit=2{cursor}", headers=owner())
        seen += [member["id"] for member in answer.json()["items"]]
        if answer.json()["next"] is None:
            break
        cursor = f"&after={answer.json()['next']}"
    assert len(seen) == len(set(seen)) == 5
