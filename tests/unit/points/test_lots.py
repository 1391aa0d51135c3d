"""Lots: the order of spending, returns, and the day on which points expire."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.points.rules.lots import (
    Lot,
    NotEnough,
    active_from,
    expires_at,
    give_back,
    midnight_after,
    months_later,
    moved,
    spend,
    spendable,
    take_back,
    taken,
)
from services.points.rules.program import parse

NOW = datetime(2025, 4, 1, 12, tzinfo=UTC)
A, B, C, D = (UUID(int=number) for number in (1, 2, 3, 4))


def lot(id: UUID, remaining: int, expires: int | None = None, **details: Any) -> Lot:
    """A lot that expires so many days from now, opened in the order of the ids."""
    return Lot(
        id=id,
        opened_at=details.pop("opened_at", NOW - timedelta(days=10 - id.int)),
        remaining=remaining,
        expires_at=NOW + timedelta(days=expires) if expires is not None else None,
        **details,
    )


@pytest.mark.parametrize(
    ("lots", "points", "takes"),
    [
        ([lot(A, 10)], 0, []),
        ([lot(A, 10)], 10, [(A, 10)]),
        ([lot(A, 10), lot(B, 10, expires=30)], 15, [(B, 10), (A, 5)]),
        ([lot(A, 10, expires=60), lot(B, 10, expires=30)], 15, [(B, 10), (A, 5)]),
        ([lot(B, 10), lot(A, 10)], 15, [(A, 10), (B, 5)]),
        ([lot(A, 10, opened_at=NOW), lot(B, 10, opened_at=NOW)], 15, [(A, 10), (B, 5)]),
        ([lot(A, 10, expires=0), lot(B, 5)], 5, [(B, 5)]),
        ([lot(A, 10, active=False), lot(B, 5)], 5, [(B, 5)]),
        ([lot(A, 10, held=8), lot(B, 5)], 5, [(A, 2), (B, 3)]),
    ],
    ids=[
        "nothing",
        "all of it",
        "what never expires comes last",
        "the earliest expiry comes first",
        "then the oldest",
        "then the first opened",
        "expired points are gone",
        "pending points wait",
        "held points stay",
    ],
)
def test_which_lots_pay(lots: list[Lot], points: int, takes: list[tuple[UUID, int]]) -> None:
    assert spend(lots, points, NOW) == takes


def test_more_than_there_is_takes_nothing_and_says_what_there_is() -> None:
    with pytest.raises(NotEnough) as caught:
        spend([lot(A, 10), lot(B, 7, expires=0), lot(C, 5, held=2)], 14, NOW)
    assert caught.value.spendable == 13


def test_points_to_spend_are_not_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        spend([lot(A, 10)], -1, NOW)


@pytest.mark.parametrize(
    ("first", "points", "takes"),
    [
        (A, 5, [(A, 5)]),
        (B, 5, [(B, 5)]),
        (A, 12, [(A, 10), (B, 2)]),
        (D, 22, [(D, 2), (B, 10), (A, 10)]),
        (C, 4, [(C, 4)]),
        (None, 12, [(B, 10), (A, 2)]),
        (A, 99, [(A, 10), (B, 10)]),
    ],
)
def test_a_refund_takes_from_its_own_lot_first(
    first: UUID | None, points: int, takes: list[tuple[UUID, int]]
) -> None:
    lots = [lot(A, 10), lot(B, 10, expires=5), lot(C, 4, expires=0), lot(D, 5, held=3)]
    known = {each.id: each for each in lots if each.id != D or first == D}
    assert take_back(known, points, first, NOW) == takes


def test_an_expired_lot_of_the_refunded_purchase_still_gives() -> None:
    lots = {A: lot(A, 10, expires=0), B: lot(B, 10, active=False)}
    assert take_back(lots, 10, A, NOW) == [(A, 10)]
    assert take_back(lots, 10, B, NOW) == [(B, 10)]


@pytest.mark.parametrize(
    ("points", "back"), [(0, []), (3, [(B, 3)]), (5, [(B, 5)]), (8, [(B, 5), (A, 3)])]
)
def test_what_was_taken_last_comes_back_first(points: int, back: list[tuple[UUID, int]]) -> None:
    assert give_back([(A, 10), (B, 5)], points) == back


def test_no_more_comes_back_than_was_taken() -> None:
    with pytest.raises(ValueError, match="more than were taken"):
        give_back([(A, 10)], 11)


def test_a_lot_never_holds_less_than_nothing_or_than_what_is_held() -> None:
    for remaining, held in ((-1, 0), (2, 3), (2, -1)):
        with pytest.raises(ValueError, match="held of"):
            Lot(id=A, opened_at=NOW, remaining=remaining, held=held)
    with pytest.raises(ValueError, match="held of"):
        moved({A: lot(A, 10, held=4)}, taken([(A, 7)]))


def test_moves_change_only_the_lots_that_they_name() -> None:
    lots = {A: lot(A, 10), B: lot(B, 10)}
    assert moved(lots, [(A, -4), (A, 1)]) == {A: lot(A, 7)}
    assert spendable(lots.values(), NOW) == 20


TOKYO, SAO_PAULO, BEIRUT = (
    ZoneInfo(name) for name in ("Asia/Tokyo", "America/Sao_Paulo", "Asia/Beirut")
)


@pytest.mark.parametrize(
    ("expiry", "bought", "last_day"),
    [
        ({"type": "fixed", "months": 1}, date(2025, 1, 31), date(2025, 2, 28)),
        ({"type": "fixed", "months": 1}, date(2024, 1, 31), date(2024, 2, 29)),
        ({"type": "fixed", "months": 12}, date(2024, 2, 29), date(2025, 2, 28)),
        ({"type": "fixed", "months": 12}, date(2025, 3, 10), date(2026, 3, 10)),
        ({"type": "fixed", "months": 11}, date(2025, 1, 15), date(2025, 12, 15)),
        ({"type": "fixed", "days": 90}, date(2025, 1, 1), date(2025, 4, 1)),
        (
            {"type": "fixed", "months": 12, "round_to": "month_end"},
            date(2025, 2, 10),
            date(2026, 2, 28),
        ),
        (
            {"type": "fixed", "days": 30, "round_to": "month_end"},
            date(2025, 3, 2),
            date(2025, 4, 30),
        ),
        (
            {"type": "fixed", "months": 12, "round_to": "year_end"},
            date(2025, 2, 10),
            date(2026, 12, 31),
        ),
        ({"type": "sliding", "months": 6}, date(2025, 8, 31), date(2026, 2, 28)),
    ],
)
def test_the_last_valid_day(expiry: dict[str, Any], bought: date, last_day: date) -> None:
    program = parse({"expiry": expiry})
    late = datetime(bought.year, bought.month, bought.day, 23, 59, tzinfo=TOKYO)
    expected = datetime(last_day.year, last_day.month, last_day.day, tzinfo=TOKYO)
    assert expires_at(program, late) == expected + timedelta(days=1)


def test_the_day_is_that_of_the_shop_not_of_greenwich() -> None:
    program = parse({"expiry": {"type": "fixed", "days": 1}})
    evening = datetime(2025, 3, 31, 16, 0, tzinfo=UTC)  # already 1 April in Tokyo
    assert expires_at(program, evening) == datetime(2025, 4, 2, 15, 0, tzinfo=UTC)


def test_without_expiry_points_stay() -> None:
    assert expires_at(parse({}), NOW) is None


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        (date(2018, 11, 3), SAO_PAULO, datetime(2018, 11, 4, 3, 0, tzinfo=UTC)),
        (date(2018, 2, 17), SAO_PAULO, datetime(2018, 2, 18, 3, 0, tzinfo=UTC)),
        (date(2021, 3, 27), BEIRUT, datetime(2021, 3, 27, 22, 0, tzinfo=UTC)),
    ],
    ids=["a midnight that is skipped", "an hour that comes twice", "skipped again"],
)
def test_the_end_of_a_day_whose_clocks_change_at_midnight(
    day: date, zone: ZoneInfo, instant: datetime
) -> None:
    assert midnight_after(day, zone) == instant
    assert (instant - timedelta(seconds=1)).astimezone(zone).date() == day
    assert instant.astimezone(zone).date() == day + timedelta(days=1)


@pytest.mark.parametrize(
    ("months", "day"),
    [(0, date(2024, 3, 31)), (-1, date(2024, 2, 29)), (-13, date(2023, 2, 28))],
)
def test_months_count_backwards_too(months: int, day: date) -> None:
    assert months_later(date(2024, 3, 31), months) == day


def test_pending_days() -> None:
    assert active_from(parse({"pending": {"days": 7}}), NOW) == NOW + timedelta(days=7)
    assert active_from(parse({}), NOW) == NOW
