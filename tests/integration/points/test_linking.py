"""A card and a LINE account come together, by a till's code in the chat; and can be told apart."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, ids
from shared.events import MemberRef
from tests.integration.points.shop import (
    PLAIN,
    Points,
    eventually,
    line_event,
    owner,
    pos,
    submitted,
    verified,
)

USER, OTHER = "U" + "3" * 32, "U" + "4" * 32


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """A test may move the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


async def friend(points: Points, user: str = USER) -> Any:
    """A LINE member with the welcome's 50 points."""
    await points.follow(user)
    return await points.member(user)


async def card_of(points: Points, name: str = "e-1") -> dict[str, Any]:
    """A member without LINE who has bought for 10 points."""
    answer = await points.client.post(
        "/v1/members", json={"external_id": name}, headers=owner(f"make {name}")
    )
    card = dict(answer.json())
    event = submitted(MemberRef(card=card["card"]))
    await points.publish(event)
    await points.status(event.id, "awarded")
    return card


async def code_for(points: Points, card: Any, key: str | None = None) -> str:
    url = f"/v1/members/{card['id']}/link-codes"
    answer = await points.client.post(url, headers=pos(key or ids.new_id().hex))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def say(points: Points, text: str, user: str = USER) -> None:
    message = {"type": "text", "id": "1", "text": text}
    event = line_event("message", user, message=message, replyToken="t" * 32)
    await points.handled("points.members", event)


async def refusals(points: Points) -> list[str]:
    return [each["reason"] for each in await points.told("chat.link_refused.v1")]


async def seen(points: Points, way: str, value: str) -> dict[str, Any]:
    answer = await points.client.get(f"/v1/members/lookup?{way}={value}", headers=owner())
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_card_points_and_history_come_together(points: Points) -> None:
    member, card = await friend(points), await card_of(points)
    code = await code_for(points, card)
    await say(points, f"連携 {code}")
    now = await seen(points, "line_user_id", USER)
    assert (now["id"], now["card"]) == (card["id"], card["card"])
    assert (now["points"]["balance"], now["lifetime"]["visits"]) == (60, 1)
    assert (await seen(points, "card", member["card"]))["id"] == card["id"]
    told = (await points.told("member.linked.v1"))[0]
    assert (told["member_id"], told["balance"], told["card"]) == (card["id"], 60, card["card"])
    assert (told["line_user_id"], told["reply_token"]) == (USER, "t" * 32)
    assert "welcome_points" not in told  # it was given when they followed
    answer = await points.client.get(f"/v1/members/{card['id']}/changes", headers=owner())
    assert answer.json()["items"][0]["after"]["linked"] is True
    await verified(points)


async def test_the_digits_alone_do_and_do_once(points: Points) -> None:
    await friend(points)
    await friend(points, OTHER)
    card = await card_of(points)
    code = await code_for(points, card)
    await say(points, code)
    await say(points, code, OTHER)
    assert (await seen(points, "line_user_id", USER))["id"] == card["id"]
    assert (await seen(points, "line_user_id", OTHER))["id"] != card["id"]
    assert await refusals(points) == ["wrong_code"]


async def test_two_who_type_the_same_code_at_once_are_not_both_linked(points: Points) -> None:
    await friend(points)
    await friend(points, OTHER)
    card = await card_of(points)
    code = await code_for(points, card)
    await asyncio.gather(say(points, code), say(points, code, OTHER))
    assert len(await points.told("member.linked.v1")) == 1
    assert len(await refusals(points)) == 1
    await verified(points)


async def test_a_repeated_request_has_the_same_code_and_a_new_one_ends_it(points: Points) -> None:
    await friend(points)
    card = await card_of(points)
    first = await code_for(points, card, "a")
    assert await code_for(points, card, "a") == first
    second = await code_for(points, card, "b")
    await say(points, first)
    assert await refusals(points) == ["wrong_code"]
    await say(points, second)
    assert (await seen(points, "line_user_id", USER))["id"] == card["id"]


async def test_nothing_stored_is_the_code(points: Points) -> None:
    card = await card_of(points)
    code = await code_for(points, card)
    stored = await points.pool.fetchval("SELECT string_agg(c::text, ' ') FROM link_codes c")
    assert stored
    assert code not in stored.replace(card["id"], "")


async def test_a_code_ends_after_ten_minutes(points: Points) -> None:
    await friend(points)
    card = await card_of(points)
    code = await code_for(points, card)
    clock.set_offset(timedelta(minutes=10, seconds=1))
    await say(points, code)
    assert await refusals(points) == ["wrong_code"]


async def test_who_tries_wrong_codes_has_to_wait(points: Points) -> None:
    await friend(points)
    card = await card_of(points)
    code = await code_for(points, card)
    wrong = [f"{(int(code) + n) % 1_000_000:06d}" for n in range(1, 6)]
    for each in wrong:
        await say(points, each)
    await say(points, code)
    assert await refusals(points) == ["wrong_code"] * 5 + ["too_many_tries"]
    clock.set_offset(timedelta(hours=1, minutes=1))
    code = await code_for(points, card)
    await say(points, code)
    assert (await seen(points, "line_user_id", USER))["id"] == card["id"]


async def test_what_cannot_be_linked(points: Points) -> None:
    member = await friend(points)
    await friend(points, OTHER)
    card = await card_of(points)
    code = await code_for(points, card)
    status = f"/v1/members/{member['id']}/status"
    body = {"status": "suspended", "reason": "調査中"}
    assert (await points.client.put(status, json=body, headers=owner())).status_code == 200
    await say(points, code)
    assert await refusals(points) == ["suspended"]
    await say(points, code, OTHER)  # the refusal did not use it up
    assert (await seen(points, "line_user_id", OTHER))["id"] == card["id"]
    url = f"/v1/members/{card['id']}/link-codes"
    again = await points.client.post(url, headers=pos("again"))
    assert (again.status_code, again.json()["type"][-13:]) == (409, "card-has-line")
    url = f"/v1/members/{member['id']}/link-codes"
    assert (await points.client.post(url, headers=pos("susp"))).status_code == 409
    nobody = f"/v1/members/{ids.new_id()}/link-codes"
    assert (await points.client.post(nobody, headers=pos("no"))).status_code == 404


async def test_a_hold_under_way_makes_the_link_wait(points: Points) -> None:
    member, card = await friend(points), await card_of(points)
    body = {"member": {"id": str(member["id"])}, "store": "main", "points": 5}
    held = await points.client.post("/v1/redemptions", json=body, headers=pos("hold"))
    assert held.status_code == 201
    code = await code_for(points, card)
    await say(points, code)
    assert await refusals(points) == ["points_held"]
    void = f"/v1/redemptions/{held.json()['id']}/void"
    assert (await points.client.post(void, headers=pos("void"))).is_success
    await say(points, code)
    assert (await seen(points, "line_user_id", USER))["points"]["balance"] == 60


async def test_a_second_card_joins_the_first(points: Points) -> None:
    await friend(points)
    one, two = await card_of(points, "e-1"), await card_of(points, "e-2")
    await say(points, await code_for(points, one))
    await say(points, await code_for(points, two))
    now = await seen(points, "line_user_id", USER)
    assert (now["id"], now["points"]["balance"]) == (one["id"], 70)
    assert (await seen(points, "card", two["card"]))["id"] == one["id"]
    await verified(points)


async def test_the_welcome_is_given_at_the_link_where_there_was_none(points: Points) -> None:
    program = {**PLAIN, "welcome": {"points": 0}}
    assert (await points.client.put("/v1/program", json=program, headers=owner())).is_success
    member = await friend(points)
    assert await points.balance(member["id"]) == 0
    assert (await points.client.put("/v1/program", json=PLAIN, headers=owner())).is_success
    card = await card_of(points)
    await say(points, await code_for(points, card))
    told = (await points.told("member.linked.v1"))[0]
    assert (told["welcome_points"], told["balance"]) == (50, 60)
    await say(points, "連携解除")
    await say(points, await code_for(points, card))
    again = (await points.told("member.linked.v1"))[1]
    assert "welcome_points" not in again
    await verified(points)


async def test_the_customer_takes_the_link_back(points: Points) -> None:
    member, card = await friend(points), await card_of(points)
    await say(points, "連携解除")
    assert await refusals(points) == ["not_linked"]
    await say(points, await code_for(points, card))
    await say(points, "連携解除")
    assert (await seen(points, "line_user_id", USER))["id"] == str(member["id"])
    assert await points.balance(member["id"]) == 50
    assert await points.balance(card["id"]) == 10
    told = (await points.told("member.unlinked.v1"))[0]
    assert (told["member_id"], told["card_member_id"]) == (str(member["id"]), card["id"])
    await say(points, await code_for(points, card))
    assert (await seen(points, "line_user_id", USER))["points"]["balance"] == 60
    await verified(points)


async def test_other_words_are_left_alone(points: Points) -> None:
    await friend(points)
    for text in ("こんにちは", "連携", "1234567", "12345"):
        await say(points, text)
    quiet = line_event(
        "message", USER, message={"type": "text", "id": "1", "text": "123456"}, mode="standby"
    )
    odd = line_event("message", USER, message="123456")
    await points.handled("points.members", quiet, odd)
    assert await refusals(points) == []
    assert await points.pool.fetchval("SELECT count(*) FROM link_attempts") == 0


async def test_a_stranger_who_types_a_code_is_a_member_first(points: Points) -> None:
    card = await card_of(points)
    await say(points, await code_for(points, card))

    async def linked() -> Any:
        return await points.told("member.linked.v1")

    told = (await eventually(linked, "not linked"))[0]
    assert (told["member_id"], told["balance"]) == (card["id"], 60)
