"""Figures: what was sent, opened and clicked; withheld below 20 people."""

from typing import Any

import pytest

from deploy.sandbox import insight_api as api
from deploy.sandbox import narrowcast_api
from deploy.sandbox.people import User
from deploy.sandbox.platform import Platform
from deploy.sandbox.send_api import multicast
from deploy.sandbox.user_acts import click, follow, look, unfollow

HELLO = [{"type": "text", "text": "こんにちは"}]
LINK = "https://shop.example/sale"
APRIL = {"customAggregationUnit": "sale", "from": "20250401", "to": "20250430"}


@pytest.fixture
def friends(platform: Platform) -> list[User]:
    users = [platform.people.add(str(number)) for number in range(21)]
    for user in users:
        follow(platform, user)
    return users


def send_sale(do: Any, users: list[User], messages: int = 1) -> None:
    asked = {
        "to": [user.user_id for user in users],
        "messages": HELLO * messages,
        "customAggregationUnits": ["sale"],
    }
    assert do(multicast, asked)[0] == 200


def tap_link(platform: Platform, user: User) -> None:
    newest = platform.deliveries.received(user.user_id)[-1]
    click(platform, user, newest.number, 1, LINK)


@pytest.mark.parametrize(("people", "told"), [(19, False), (20, True)])
def test_openings_and_clicks_are_told_from_twenty_people_on(
    *, platform: Platform, friends: list[User], do: Any, people: int, told: bool
) -> None:
    send_sale(do, friends, 2)
    for user in friends[:people]:
        assert look(platform, user) == 1
        assert look(platform, user) == 0
        tap_link(platform, user)
    tap_link(platform, friends[0])
    figures = do(api.of_unit, **APRIL)[1]
    expected = people if told else None
    assert figures["overview"]["uniqueImpression"] == expected
    assert figures["overview"]["uniqueClick"] == expected
    assert [bubble["seq"] for bubble in figures["messages"]] == [1, 2]
    assert figures["messages"][1]["impression"] == expected
    (link,) = figures["clicks"]
    assert (link["url"], link["uniqueClick"]) == (LINK, expected)
    assert link["click"] == (people + 1 if told else None)


def test_a_person_counts_once_over_days(
    platform: Platform, friends: list[User], do: Any, clock: Any
) -> None:
    for _ in range(2):
        send_sale(do, friends)
        for user in friends:
            look(platform, user)
        clock.forward(days=1)
    figures = do(api.of_unit, **APRIL)[1]
    assert figures["overview"]["uniqueImpression"] == 21
    assert figures["messages"][0]["impression"] == 42
    one_day = APRIL | {"from": "20250410", "to": "20250410"}
    assert do(api.of_unit, **one_day)[1]["messages"][0]["impression"] == 21
    other = do(api.of_unit, **(APRIL | {"customAggregationUnit": "Sale"}))[1]
    assert (other["overview"]["uniqueImpression"], other["messages"]) == (None, [])


@pytest.mark.parametrize(
    "change",
    [
        {"customAggregationUnit": "a-b"},
        {"from": "20250431"},
        {"from": "2025041"},
        {"to": "20250331"},
        {"to": "20250502"},
        {"to": ""},
    ],
)
def test_a_wrong_question_is_refused(do: Any, change: dict[str, str]) -> None:
    assert do(api.of_unit, **(APRIL | change))[0] == 400


def test_the_figures_of_a_broadcast(platform: Platform, friends: list[User], do: Any) -> None:
    do(narrowcast_api.broadcast, {"messages": HELLO})
    for user in friends:
        look(platform, user)
    overview = do(api.of_request, requestId="request-1")[1]["overview"]
    assert (overview["delivered"], overview["uniqueImpression"]) == (21, 21)
    assert overview["uniqueClick"] is None
    assert do(api.of_request, requestId="request-2")[0] == 404


def test_a_day_is_counted_when_it_is_over(friends: list[User], do: Any, clock: Any) -> None:
    send_sale(do, friends)
    sent = api.sent_messages("multicast")
    assert do(sent, date="20250410") == (200, {"status": "unready"})
    clock.forward(days=1)
    assert do(sent, date="20250410") == (200, {"status": "ready", "success": 21})
    few = do(api.sent_messages("push"), date="20250410")
    assert few == (200, {"status": "unavailable_for_privacy"})
    assert do(sent, date="20180330") == (200, {"status": "out_of_service"})
    assert do(sent, date="today")[0] == 400
    whole = do(api.deliveries, date="20250410")
    assert whole == (200, {"status": "ready", "apiMulticast": 21})


def test_followers_and_blocks_add_up(
    platform: Platform, friends: list[User], do: Any, clock: Any
) -> None:
    unfollow(platform, friends[0])
    clock.forward(days=1)
    follow(platform, friends[0])
    clock.forward(days=1)
    before = {"status": "ready", "followers": 21, "targetedReaches": 20, "blocks": 1}
    assert do(api.followers, date="20250410") == (200, before)
    after = {"status": "ready", "followers": 21, "targetedReaches": 21, "blocks": 0}
    assert do(api.followers) == (200, after)
    assert do(api.demographic)[1]["available"]


def test_the_units_of_the_month(platform: Platform, do: Any, clock: Any) -> None:
    month = platform.quota.month(platform.seconds())
    platform.aggregation_units[month] = {f"unit_{number:03}" for number in range(150)}
    assert do(api.units_used) == (200, {"numOfCustomAggregationUnits": 150})
    first = do(api.unit_names)[1]
    rest = do(api.unit_names, start=first["next"])[1]
    names = first["customAggregationUnits"] + rest["customAggregationUnits"]
    assert (len(names), names[-1], "next" in rest) == (150, "unit_149", False)
    for query in ({"limit": "0"}, {"limit": "101"}, {"start": "x"}):
        assert do(api.unit_names, **query)[0] == 400
    clock.forward(days=30)
    assert do(api.units_used) == (200, {"numOfCustomAggregationUnits": 0})
