"""What LINE is asked when: its days are Japan's, and it tells of a day when that is over."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from services.notify.statistics.questions import Sent, of_now

NIGHT_IN_JAPAN = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)  # 1 December, half past midnight


def unit_questions(sent: datetime, now: datetime) -> list[dict[str, str]]:
    asked = of_now(now, [Sent(UUID(int=1), "b1", sent)])
    return [each.parameters for each in asked if each.what == "unit"]


def test_days_are_japans_and_over() -> None:
    days = [each.day for each in of_now(NIGHT_IN_JAPAN, []) if each.what == "followers"]
    assert days[0] == date(2026, 11, 30)
    assert len(days) == 14
    _, *an_hour_before = of_now(NIGHT_IN_JAPAN - timedelta(hours=1), [])
    assert date(2026, 11, 30) not in {each.day for each in an_hour_before}


def test_a_broadcast_is_asked_about_from_the_next_day_on_for_two_weeks() -> None:
    sent = NIGHT_IN_JAPAN - timedelta(hours=1)  # the evening of 30 November
    assert unit_questions(sent, sent + timedelta(minutes=1)) == []
    (asked,) = unit_questions(sent, NIGHT_IN_JAPAN)
    assert asked == {"customAggregationUnit": "b1", "from": "20261130", "to": "20261130"}
    (last,) = unit_questions(sent, sent + timedelta(days=13, hours=23))
    assert (last["from"], last["to"]) == ("20261130", "20261213")
    assert unit_questions(sent, sent + timedelta(days=14)) == []


def test_each_question_has_a_name_of_its_own() -> None:
    sent = [Sent(UUID(int=n), f"b{n}", NIGHT_IN_JAPAN - timedelta(days=n)) for n in range(1, 5)]
    keys = [each.key for each in of_now(NIGHT_IN_JAPAN, sent)]
    assert len(keys) == len(set(keys)) == 4 + 1 + 28
    assert keys[0].startswith("unit b1"), "the newest broadcast is wanted most"
