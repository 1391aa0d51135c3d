"""The shop's days: what was sold, who came, what became of points.

Sales are of when they happened, points of the whole shop of when the ledger booked them, so that
each day adds up: owed before + issued + adjusted + returned - used - expired - taken back = owed
after. Of one store: points by its purchases and of service points that it gave, used at its tills.
What expires or is adjusted is no store's.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points.programs.rulebook import Rulebook
from services.points.reports.keeping import zone_of
from services.points.rules import lots
from services.points.store import figure_days as store
from services.points.store import figures
from services.points.store.figure_days import DayPoints, DaySales, HourSales, Span
from shared import clock
from shared.bus.handling import Connection

LIVE = timedelta(hours=26)
"""Rows younger than this are added up when somebody looks; what is older must have been kept."""


class PointFigures(Struct, frozen=True):
    """What became of points. None: not counted by store. `owed` is at the end of the day."""

    issued: int
    used: int
    returned: int
    taken_back: int
    expired: int | None = None
    adjusted: int | None = None
    owed: int | None = None


class Figures(Struct, frozen=True):
    """A day. Money in minor units; `sales` is `gross` less `refunded`."""

    day: date
    sales: int
    gross: int
    refunded: int
    purchases: int
    refunds: int
    visits: int
    new_members: int
    points: PointFigures


class Days(Struct, frozen=True):
    """Days in order, as of `at`. Not `complete`: older rows are still being counted."""

    days: list[Figures]
    at: datetime
    zone: str
    complete: bool


class Today(Struct, frozen=True):
    """The last `days`, today last, and the same weekday a week ago up to the same time of day.
    `hours` are of the clock, today's and those of a week ago."""

    days: list[Figures]
    last_week_so_far: Figures
    hours: Mapping[int, HourSales]
    hours_last_week: Mapping[int, HourSales]
    at: datetime
    zone: str
    complete: bool

    @property
    def today(self) -> Figures:
        """Today so far."""
        return self.days[-1]

    @property
    def last_week(self) -> Figures:
        """The same weekday a week ago, whole."""
        return self.days[-8]


class Counted(Struct, frozen=True):
    """Up to where hours are kept, and what is read of them."""

    now: datetime
    zone: ZoneInfo
    kept_until: datetime
    complete: bool
    of_store: str | None

    def span(self, first: date, last: date) -> Span:
        """Days from first to last, as far as they have come."""
        until = min(lots.midnight_after(last, self.zone), self.now)
        return Span(
            lots.midnight(first, self.zone), until, self.kept_until, self.zone.key, self.of_store
        )

    @property
    def today(self) -> date:
        """The day that it is in the shop."""
        return self.now.astimezone(self.zone).date()


async def counted(connection: Connection, rulebook: Rulebook, store_code: str | None) -> Counted:
    """What is there to read. Ask it and the rest in one snapshot."""
    await rulebook.refresh(connection)
    now, zone = clock.now(), zone_of(rulebook)
    state = await figures.state(connection)
    oldest = await figures.hour_of(connection, now - LIVE, zone)
    kept_until = max(state.kept_until, oldest) if state else oldest
    complete = state is not None and state.kept_until >= oldest
    return Counted(now, ZoneInfo(zone), kept_until, complete, store_code)


async def between(connection: Connection, what: Counted, first: date, last: date) -> Days:
    """The days from first to last; future ones are left out."""
    last = min(last, what.today)
    found = await _figures(connection, what, first, last) if first <= last else []
    return Days(found, what.now, what.zone.key, what.complete)


async def today(connection: Connection, what: Counted, days: int = 8) -> Today:
    """Today, beside the same weekday a week ago; so many `days` up to today, at least 8."""
    day = what.today
    before = day - timedelta(days=7)
    found = await _figures(connection, what, day - timedelta(days=days - 1), day)
    return Today(
        found,
        await _so_far(connection, what, before),
        await store.hours(connection, what.span(day, day)),
        await store.hours(connection, what.span(before, before)),
        what.now,
        what.zone.key,
        what.complete,
    )


async def _figures(connection: Connection, what: Counted, first: date, last: date) -> list[Figures]:
    span = what.span(first, last)
    sales = await store.sales(connection, span)
    joined = await store.joins(connection, span)
    points = await store.points(connection, span) if what.of_store is None else {}
    owed = await store.owed(connection, span.until, what.kept_until) if what.complete else None
    found = []
    for number in range((last - first).days, -1, -1):
        day = first + timedelta(days=number)
        booked = None
        if what.of_store is None:
            booked = points.get(day, DayPoints())
        found.append(_day(day, sales.get(day, DaySales()), joined.get(day, 0), booked, owed))
        if owed is not None and booked is not None:
            owed -= booked.total
    return found[::-1]


async def _so_far(connection: Connection, what: Counted, day: date) -> Figures:
    """A day that is over, up to the time of day that it is now. Its last hour is read from rows."""
    at = datetime.combine(day, what.now.astimezone(what.zone).time(), what.zone)
    until = at.astimezone(what.now.tzinfo)
    hour = await figures.hour_of(connection, until, what.zone.key)
    whole_hours = what.span(day, day)._replace(until=hour)
    rest = whole_hours._replace(since=hour, until=until, kept_until=hour)
    sales, joined, booked = DaySales(), 0, DayPoints() if what.of_store is None else None
    for span in (whole_hours, rest):
        sales = store.plus(sales, (await store.sales(connection, span)).get(day, DaySales()))
        joined += (await store.joins(connection, span)).get(day, 0)
        if booked is not None:
            found = await store.points(connection, span)
            booked = store.plus(booked, found.get(day, DayPoints()))
    return _day(day, sales, joined, booked, None)


def _day(
    day: date, sales: DaySales, joined: int, booked: DayPoints | None, owed: int | None
) -> Figures:
    return Figures(
        day=day,
        sales=sales.gross - sales.refunded,
        gross=sales.gross,
        refunded=sales.refunded,
        purchases=sales.purchases,
        refunds=sales.refunds,
        visits=sales.visits,
        new_members=joined,
        points=_of_store(sales) if booked is None else _of_all(booked, owed),
    )


def _of_store(sales: DaySales) -> PointFigures:
    return PointFigures(sales.issued, sales.used, sales.returned, sales.taken_back)


def _of_all(booked: DayPoints, owed: int | None) -> PointFigures:
    return PointFigures(
        booked.issued,
        booked.used,
        booked.returned,
        booked.taken_back,
        booked.expired,
        booked.adjusted,
        owed,
    )
