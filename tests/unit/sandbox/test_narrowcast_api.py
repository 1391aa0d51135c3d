"""Broadcasts, narrowcasts and audiences as LINE would take or refuse them."""

from typing import Any
from uuid import uuid4

import pytest

from deploy.sandbox import audience_api, narrowcast_api
from deploy.sandbox.faults import FaultSettings
from deploy.sandbox.platform import Platform
from deploy.sandbox.user_acts import follow, unfollow

HELLO = [{"type": "text", "text": "こんにちは"}]
SALE = {"messages": HELLO}


@pytest.fixture
def friends(platform: Platform) -> list[str]:
    users = [platform.people.add(str(number)) for number in range(4)]
    for user in users:
        follow(platform, user)
    unfollow(platform, users[3])
    return [user.user_id for user in users]


def reached(platform: Platform) -> list[str]:
    return [landing.user for landing in platform.deliveries.landings(0, 100)]


def audience(do: Any, *user_ids: str) -> int:
    asked = {"description": "sale", "audiences": [{"id": one} for one in user_ids]}
    status, content = do(audience_api.upload, asked)
    assert status == 202
    made: int = content["audienceGroupId"]
    return made


def test_a_broadcast_reaches_all_who_follow(
    platform: Platform, friends: list[str], send: Any
) -> None:
    key = str(uuid4())
    assert send(narrowcast_api.broadcast, SALE, key)[:2] == (200, {})
    assert send(narrowcast_api.broadcast, SALE, key)[0] == 409
    assert reached(platform) == friends[:3]
    assert platform.quota.used(platform.seconds()) == 3


def test_a_broadcast_beyond_the_month_reaches_nobody(
    platform: Platform, friends: list[str], send: Any
) -> None:
    platform.quota.plan = 2
    assert send(narrowcast_api.broadcast, SALE)[0] == 429
    assert reached(platform) == []


def test_a_narrowcast_goes_to_an_audience(platform: Platform, friends: list[str], do: Any) -> None:
    group = audience(do, friends[0], friends[3], "U" + "0" * 32)
    asked = {**SALE, "recipient": {"type": "audience", "audienceGroupId": group}}
    assert do(narrowcast_api.narrowcast, asked) == (202, {})
    assert reached(platform) == friends[:1]
    status, progress = do(narrowcast_api.progress, requestId="request-1")
    assert (status, progress["phase"], progress["successCount"]) == (200, "succeeded", 1)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("and", [1]), ("or", [0, 1, 2]), ("not", [2])],
)
def test_recipients_combine(
    *, platform: Platform, friends: list[str], do: Any, operator: str, expected: list[int]
) -> None:
    first = {"type": "audience", "audienceGroupId": audience(do, friends[0], friends[1])}
    other = {"type": "audience", "audienceGroupId": audience(do, friends[1], friends[2])}
    operand: Any = first if operator == "not" else [first, other]
    asked = {**SALE, "recipient": {"type": "operator", operator: operand}}
    assert do(narrowcast_api.narrowcast, asked)[0] == 202
    assert reached(platform) == [friends[number] for number in expected]


def test_limits_of_a_narrowcast(platform: Platform, friends: list[str], do: Any) -> None:
    platform.quota.plan = 3
    assert do(narrowcast_api.narrowcast, {**SALE, "limit": {"max": 2}})[0] == 202
    assert reached(platform) == friends[:2]
    assert do(narrowcast_api.narrowcast, SALE)[0] == 429
    whole = {"upToRemainingQuota": True, "forbidPartialDelivery": True}
    assert do(narrowcast_api.narrowcast, {**SALE, "limit": whole})[0] == 202
    progress = do(narrowcast_api.progress, requestId="request-1")[1]
    assert (progress["phase"], progress["errorCode"]) == ("failed", 5)
    part = {"upToRemainingQuota": True}
    assert do(narrowcast_api.narrowcast, {**SALE, "limit": part})[0] == 202
    assert len(reached(platform)) == 3


def test_attributes_are_accepted_but_need_fifty_people(
    platform: Platform, friends: list[str], do: Any
) -> None:
    women = {"demographic": {"type": "gender", "oneOf": ["female"]}}
    assert do(narrowcast_api.narrowcast, {**SALE, "filter": women})[0] == 202
    assert do(narrowcast_api.progress, requestId="request-1")[1]["errorCode"] == 2
    for number in range(47):
        follow(platform, platform.people.add(f"more {number}"))
    assert do(narrowcast_api.narrowcast, {**SALE, "filter": women})[0] == 202
    assert len(reached(platform)) == 50


@pytest.mark.parametrize(
    "change",
    [
        {"recipient": {"type": "audience", "audienceGroupId": 1}},
        {"recipient": {"type": "audience"}},
        {"recipient": {"type": "operator"}},
        {"recipient": {"type": "redelivery", "requestId": "x"}},
        {"recipient": {"type": "everyone"}},
        {"filter": {"demographic": {"type": "gender", "oneOf": ["x"]}}},
        {"limit": {"max": 0}},
        {"messages": []},
    ],
)
def test_a_wrong_narrowcast_reaches_nobody(
    platform: Platform, friends: list[str], do: Any, change: dict[str, Any]
) -> None:
    assert do(narrowcast_api.narrowcast, {**SALE, **change})[0] == 400
    assert reached(platform) == []


def test_a_narrowcast_takes_its_time_where_told_to(
    platform: Platform, friends: list[str], do: Any, clock: Any
) -> None:
    platform.set_faults(FaultSettings(progress_seconds=5))
    do(narrowcast_api.narrowcast, SALE)
    assert do(narrowcast_api.progress, requestId="request-1")[1]["phase"] == "sending"
    clock.forward(seconds=5)
    assert do(narrowcast_api.progress, requestId="request-1")[1]["phase"] == "succeeded"
    assert do(narrowcast_api.progress, requestId="request-2")[0] == 404


def test_audiences_are_shown_renamed_extended_and_deleted(friends: list[str], do: Any) -> None:
    group = audience(do, friends[0])
    more = {"audienceGroupId": group, "audiences": [{"id": friends[1]}]}
    assert do(audience_api.extend, more)[0] == 202
    assert do(audience_api.rename, {"description": "autumn"}, str(group))[0] == 200
    content = do(audience_api.get, None, str(group))[1]
    shown = content["audienceGroup"]
    assert (shown["description"], shown["audienceCount"]) == ("autumn", 2)
    assert [job["jobStatus"] for job in content["jobs"]] == ["FINISHED", "FINISHED"]
    listed = do(audience_api.list_all, page="1", size="40")[1]
    assert (listed["totalCount"], listed["hasNextPage"]) == (1, False)
    assert do(audience_api.delete, None, str(group))[0] == 200
    gone = do(audience_api.get, None, str(group))
    assert (gone[0], gone[1]["details"]) == (400, [{"message": "AUDIENCE_GROUP_NOT_FOUND"}])


@pytest.mark.parametrize(
    "change",
    [
        {"description": ""},
        {"description": "a" * 121},
        {"audiences": [{"id": "hanako"}]},
        {"audiences": [{"id": "U" + "0" * 32}] * 10_001},
        {"audiences": [{}]},
        {"isIfaAudience": True, "audiences": [{"id": "U" + "0" * 32}]},
    ],
)
def test_a_wrong_audience_is_refused(do: Any, change: dict[str, Any]) -> None:
    assert do(audience_api.upload, {"description": "sale", **change})[0] == 400
