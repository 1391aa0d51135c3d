"""What LINE is to be asked now. Pure.

LINE's days are Japan's, whatever the shop's zone, and a day's figures are there when it is over.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

JAPAN = ZoneInfo("Asia/Tokyo")

ASKED_BACK = 14
"""Days: who was away for two weeks has no gap; LINE knows older ones, but nobody asked for them."""

READ_FOR = timedelta(days=14)
"""From the sending of a broadcast: LINE's figures of it hardly move after that."""


class Sent(NamedTuple):
    """A broadcast that went out, under a unit of its own."""

    broadcast_id: UUID
    unit: str
    at: datetime


class Question(NamedTuple):
    """`key` names it in the database: it is answered once."""

    key: str
    what: str
    path: str
    parameters: dict[str, str]
    day: date
    sent: Sent | None = None


def of_now(now: datetime, broadcasts: Sequence[Sent]) -> list[Question]:
    """All that can be answered at `now`, most wanted first; much of it was answered already."""
    today = now.astimezone(JAPAN).date()
    days = [today - timedelta(days=back) for back in range(1, ASKED_BACK + 1)]
    recent = sorted(broadcasts, key=lambda each: each.at, reverse=True)
    units = [_of_unit(sent, today) for sent in recent if now - sent.at < READ_FOR]
    return [
        *(question for question in units if question is not None),
        _units_used(today),
        *(question for day in days for question in _of_day(day)),
    ]


def _of_unit(sent: Sent, today: date) -> Question | None:
    first, last = sent.at.astimezone(JAPAN).date(), today - timedelta(days=1)
    if last < first:
        return None
    period = {"customAggregationUnit": sent.unit, "from": _day(first), "to": _day(last)}
    path = "/v2/bot/insight/message/event/aggregation"
    return Question(f"unit {sent.unit} {_day(last)}", "unit", path, period, last, sent)


def _of_day(day: date) -> list[Question]:
    named = {"date": _day(day)}
    return [
        Question(f"followers {_day(day)}", "followers", "/v2/bot/insight/followers", named, day),
        Question(
            f"deliveries {_day(day)}", "deliveries", "/v2/bot/insight/message/delivery", named, day
        ),
    ]


def _units_used(today: date) -> Question:
    return Question(f"units {_day(today)}", "units", "/v2/bot/message/aggregation/info", {}, today)


def _day(day: date) -> str:
    return day.strftime("%Y%m%d")
