"""Which deliveries go out in one call: few calls, each person's order, and never what may have
been sent."""

import itertools
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.notify.categories import CATEGORIES
from services.notify.sending.deliveries import Delivery
from services.notify.sending.grouping import MOST_OBJECTS, grouped, may_join

ALL = frozenset(CATEGORIES)
NOW = datetime(2026, 1, 5, tzinfo=UTC)


def delivery(number: int, user: str = "a", objects: int = 1, **changes) -> Delivery:
    messages = msgspec.json.encode([{"n": number, "part": part} for part in range(objects)])
    id = UUID(int=number)
    values = {"kind": "earned", "priority": 1, "category": "receipt", **changes}
    return Delivery(user, id, id, messages=messages.decode(), lease_until=NOW, **values)


def numbers(messages: str) -> list[int]:
    return [each["n"] for each in msgspec.json.decode(messages)]


def test_five_objects_are_one_call():
    (group, last) = grouped([delivery(n) for n in range(6)], ALL)
    assert numbers(group.leader.messages) == [0, 1, 2, 3, 4]
    assert group.leader.id == UUID(int=0)
    assert last.followers == ()


def test_the_most_urgent_leads_and_the_order_stays():
    told = [delivery(1, priority=2), delivery(2), delivery(3, priority=0, reply_token="t")]
    (group,) = grouped(told, ALL)
    assert group.leader.id == UUID(int=3)
    assert group.leader.reply_token == "t"
    assert numbers(group.leader.messages) == [1, 2, 3]
    assert [each.id.int for each in group.followers] == [1, 2]


def test_the_leader_has_the_traces_of_all_its_own_first():
    told = [delivery(1, traceparents="b c"), delivery(2, traceparents="a", priority=0), delivery(3)]
    (group,) = grouped(told, ALL)
    assert group.leader.traceparents == "a b c"
    (untraced,) = grouped([delivery(1), delivery(2)], ALL)
    assert untraced.leader.traceparents is None


def test_what_may_have_been_sent_goes_as_it_was_and_is_not_overtaken():
    told = [delivery(1), delivery(2, unknown_since=NOW), delivery(3), delivery(4)]
    groups = grouped(told, ALL)
    assert [numbers(group.leader.messages) for group in groups] == [[1], [2], [3, 4]]


def test_what_is_not_complete_or_counted_apart_goes_alone():
    assert may_join(delivery(1), ALL)
    assert not may_join(delivery(1), ALL - {"receipt"})
    assert not may_join(delivery(1, kind="link_offer"), ALL)
    assert not may_join(delivery(1, priority=3), ALL)
    assert not may_join(delivery(1, reply_tried_at=NOW), ALL)


DELIVERIES = st.lists(
    st.builds(
        dict,
        user=st.sampled_from("ab"),
        objects=st.integers(1, 5),
        priority=st.integers(0, 3),
        unknown_since=st.sampled_from([None, None, NOW]),
        reply_token=st.sampled_from([None, "t"]),
    ),
    max_size=12,
)


@given(DELIVERIES)
def test_everything_is_told_once_in_order_within_lines_limit(asked):
    told = [delivery(number, **each) for number, each in enumerate(asked)]
    wanted = {user: [n for each in told if each.line_user_id == user
                     for n in numbers(each.messages)] for user in "ab"}  # fmt: skip
    own = {each.id: each.messages for each in told}
    groups = grouped(told, ALL)
    members = [each.id for group in groups for each in (group.leader, *group.followers)]
    assert sorted(members) == [each.id for each in told], "each is in one call"
    said: dict[str, list[int]] = {"a": [], "b": []}
    for group in groups:
        said[group.leader.line_user_id] += numbers(group.leader.messages)
        assert len(numbers(group.leader.messages)) <= MOST_OBJECTS
        if group.followers:
            assert all(may_join(each, ALL) for each in (group.leader, *group.followers))
            assert group.leader.priority == min(
                each.priority for each in (group.leader, *group.followers)
            )
        else:
            assert group.leader.messages == own[group.leader.id]
    assert said == wanted, "in each person's order"


@given(DELIVERIES)
def test_two_calls_in_a_row_to_one_person_would_not_fit_into_one(asked):
    groups = grouped([delivery(number, **each) for number, each in enumerate(asked)], ALL)
    for user in "ab":
        calls = [group.leader for group in groups if group.leader.line_user_id == user]
        for one, next in itertools.pairwise(calls):
            fits = len(numbers(one.messages)) + len(numbers(next.messages)) <= MOST_OBJECTS
            assert not (may_join(one, ALL) and may_join(next, ALL) and fits)
