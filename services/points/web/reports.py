"""`/v1/reports`: what the shop's days came to."""

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request

from services.points.programs.rulebook import Rulebook
from services.points.reports import days as reading
from services.points.reports.days import Counted, Today
from services.points.reports.keeping import zone_of
from services.points.rules import redemption
from services.points.store import terminals
from services.points.store.figure_days import HourSales
from services.points.web.reports_schemas import (
    DayOfShop,
    DayPage,
    HourOfShop,
    Owed,
    TodayOfShop,
)
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.db import snapshot
from shared.problems import Problem, invalid
from shared.web.auth import Caller

router = APIRouter(prefix="/v1/reports", tags=["reports"])

USUAL = 28
MOST = 400
"""Days in one answer: a year and what is around it."""

EARLIEST, LATEST = 2000, 9000
"""Years in which a day is asked for."""

StoreCode = Annotated[
    str | None,
    Query(
        max_length=100, pattern=r"^[^\x00]*$", description="The code of a store; all without it."
    ),
]


@router.get("/today", response_model=TodayOfShop)
async def today(request: Request, key: Caller, store: StoreCode = None) -> TodayOfShop:
    """Today so far, beside the same weekday a week ago."""
    async with _reading(request, key, store) as (connection, what):
        found = await reading.today(connection, what)
    return shown_today(request.app.state.rulebook, found, store)


@router.get("/days", response_model=DayPage)
async def days(
    request: Request,
    key: Caller,
    store: StoreCode = None,
    since: Annotated[
        datetime.date | None,
        Query(alias="from", description="The first day; without it 28 days up to the last one."),
    ] = None,
    until: Annotated[
        datetime.date | None, Query(description="The last day; today without it.")
    ] = None,
) -> DayPage:
    """Day by day, empty ones too; at most 400 days."""
    async with _reading(request, key, store) as (connection, what):
        last = until or what.today
        first = since or _days_before(last, USUAL - 1)
        if first.year < EARLIEST or last.year > LATEST or not 0 <= (last - first).days < MOST:
            raise invalid(
                [("from", f"name a day of this age up to `until`, at most {MOST - 1} days before")]
            )
        found = await reading.between(connection, what, first, last)
    return DayPage(
        items=[DayOfShop.model_validate(each) for each in found.days],
        store=store,
        currency=currency(request.app.state.rulebook),
        time_zone=found.zone,
        as_of=found.at,
        complete=found.complete,
    )


@asynccontextmanager
async def _reading(
    request: Request, key: Key, store: str | None
) -> AsyncIterator[tuple[Connection, Counted]]:
    """One snapshot, so that what is kept and what is read live fit each other."""
    if key.kind == "pos":
        raise Problem(403, "owner-or-reader", "This needs an owner's key or one that reads.")
    process, rulebook = request.app.state.process, request.app.state.rulebook
    async with snapshot(process.pool) as connection:
        await require_store(connection, key.stores, store)
        yield connection, await reading.counted(connection, rulebook, store)


async def require_store(
    connection: Connection, allowed: tuple[str, ...] | None, store: str | None
) -> None:
    """Refuse a store that there never was, and what whoever asks may not see: `allowed` are their
    stores, None: all."""
    if allowed is not None and store not in allowed:
        raise Problem(
            403,
            "other-store",
            f"担当店舗を選んでください。 Name one of your stores: {', '.join(allowed)}.",
        )
    if store is not None and not await terminals.knows_store(connection, store):
        raise Problem(404, "unknown-store", "この店舗コードはありません。 No store has this code.")


def shown_today(rulebook: Rulebook, found: Today, store: str | None) -> TodayOfShop:
    """Today as the API answers it."""
    return TodayOfShop(
        store=store,
        currency=currency(rulebook),
        time_zone=found.zone,
        as_of=found.at,
        complete=found.complete,
        today=DayOfShop.model_validate(found.today),
        last_week=DayOfShop.model_validate(found.last_week),
        last_week_so_far=DayOfShop.model_validate(found.last_week_so_far),
        owed=_owed(rulebook, found.today.points.owed),
        hours=_hours(found),
    )


def shop_zone(rulebook: Rulebook) -> ZoneInfo:
    """The zone of the shop's clock."""
    return ZoneInfo(zone_of(rulebook))


def currency(rulebook: Rulebook) -> str:
    """The currency of the shop's money."""
    return "JPY" if rulebook.empty else rulebook.current().program.currency


def _owed(rulebook: Rulebook, points: int | None) -> Owed | None:
    if points is None:
        return None
    if rulebook.empty:
        return Owed(points=points, value=0)
    return Owed(
        points=points, value=redemption.value_of(rulebook.current().program.redemption, points)
    )


def _hours(found: Today) -> list[HourOfShop]:
    there = found.hours.keys() | found.hours_last_week.keys()
    hours = range(min(there), max(there) + 1) if there else ()
    none = HourSales()
    return [
        HourOfShop(
            hour=hour,
            **_of_hour(found.hours.get(hour, none)),
            sales_last_week=found.hours_last_week.get(hour, none).sales,
        )
        for hour in hours
    ]


def _of_hour(hour: HourSales) -> dict[str, Any]:
    return {"sales": hour.sales, "purchases": hour.purchases, "visits": hour.visits}


def _days_before(day: datetime.date, count: int) -> datetime.date:
    try:
        return day - timedelta(days=count)
    except OverflowError:
        raise invalid([("until", "is too early")]) from None
