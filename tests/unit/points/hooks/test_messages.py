"""What is told, and to whom: never what names a person unless it was asked for."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.points.hooks import messages
from shared.events import CONTRACTS, PUBLIC, Event, MemberJoined, PointsEarned, PurchaseRejected
from tests.contracts import write_golden

MEMBER, ENTRY = UUID(int=1), UUID(int=2)
MOMENT = datetime(2026, 4, 30, 14, 59, 59, 123456, tzinfo=UTC)
USER = "U" + "1" * 32


def event(data: Any, subject: str | None = None) -> Event[Any]:
    return Event(UUID(int=9), "/points", "points.earned.v1", MOMENT, data, subject=subject)


def earned() -> Event[Any]:
    data = PointsEarned(MEMBER, ENTRY, "purchase", 10, 60, MOMENT, line_user_id=USER)
    return event(data, str(MEMBER))


def test_the_body_has_type_timestamp_id_and_data() -> None:
    body = messages.body(messages.of_event(earned()), include_line_user_id=False)
    assert json.loads(body) == {
        "type": "points.earned.v1",
        "timestamp": "2026-04-30T14:59:59.123456Z",
        "id": str(UUID(int=9)),
        "data": {
            "member_id": str(MEMBER),
            "entry_id": str(ENTRY),
            "source": "purchase",
            "points": 10,
            "balance": 60,
            "occurred_at": "2026-04-30T14:59:59.123456Z",
        },
    }


def test_the_line_user_is_told_only_to_those_who_ask() -> None:
    message = messages.of_event(earned())
    assert USER.encode() not in messages.body(message, include_line_user_id=False)
    asked = json.loads(messages.body(message, include_line_user_id=True))
    assert asked["data"]["line_user_id"] == USER
    assert USER not in message.data


def test_every_sending_has_the_same_bytes() -> None:
    first, second = messages.of_event(earned()), messages.of_event(earned())
    for asked in (False, True):
        bodies = {messages.body(each, include_line_user_id=asked) for each in (first, second)}
        assert len(bodies) == 1


def test_a_reply_token_never_leaves() -> None:
    joined = MemberJoined(MEMBER, "2900000000016", 50, 50, USER, "f" * 32, MOMENT, MOMENT)
    body = messages.body(messages.of_event(event(joined)), include_line_user_id=True)
    told = json.loads(body)["data"]
    assert set(told) == {
        *("member_id", "card", "welcome_points", "balance", "followed_at", "line_user_id")
    }


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_nothing_that_names_a_person_is_in_any_public_event(name: str) -> None:
    full = write_golden.example(CONTRACTS[name], full=True)
    told = json.loads(messages.of_event(event(full)).data)
    assert told
    assert not messages.WITHHELD & set(_names(told))


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for each in value.values() for name in _names(each))]
    return [name for each in value for name in _names(each)] if isinstance(value, list) else []


def test_names_are_withheld_at_any_depth() -> None:
    class Inner(msgspec.Struct):
        phone: str
        visits: int

    class Outer(msgspec.Struct):
        inner: list[Inner]

    message = messages.of_event(event(Outer([Inner("0312345678", 3)])))
    assert json.loads(message.data) == {"inner": [{"visits": 3}]}


def test_the_member_is_the_subject_or_the_datas() -> None:
    assert messages.of_event(earned()).member_id == MEMBER
    assert messages.of_event(event(earned().data)).member_id == MEMBER
    rejected = PurchaseRejected(ENTRY, "unknown", "text")
    assert messages.of_event(event(rejected, "not an id")).member_id is None


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (["*"], True),
        (["points.*"], True),
        (["points.earned"], True),
        (["points.earned.v1"], True),
        (["member.*", "points.earned"], True),
        (["points.earned.*"], True),
        (["member.*"], False),
        (["points"], False),
        (["point.*"], False),
        (["points.earned.v2"], False),
        (["points.ear*"], False),
        (["*.earned"], False),
        ([".*"], False),
        ([], False),
    ],
)
def test_patterns(patterns: list[str], wanted: bool) -> None:
    assert messages.wants(patterns, "points.earned.v1") is wanted


def test_patterns_that_nothing_matches_are_named() -> None:
    given = ["points.*", "purchase.submitted.v1", "pionts.*", "*"]
    assert messages.unknown(given) == ["purchase.submitted.v1", "pionts.*"]
    assert set(messages.matching(["*"])) == PUBLIC
