"""`/console`: today. The numbers that matter, 28 days drawn, and what needs attention."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from services.points.programs.rulebook import Rulebook
from services.points.reports import attention, days, glance
from services.points.reports.days import Today
from services.points.reports.first_steps import first_steps
from services.points.rules import redemption
from services.points.store import attention as attention_store
from services.points.store import terminals
from services.points.store.terminals import Store
from services.points.web.pages import PAGES
from services.points.web.reports import currency, require_store
from shared.bus.handling import Connection
from shared.db import snapshot
from shared.web import formats
from shared.web.staff import Staff, Viewer

router = APIRouter(include_in_schema=False)

DAYS = 28
StoreCode = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]


@router.get("/console")
async def page(request: Request, staff: Viewer, store: StoreCode = "") -> Response:
    """The whole page; who is limited to stores is led to the first of theirs."""
    if staff.stores is not None and not store and staff.stores:
        return RedirectResponse(f"/console?store={staff.stores[0]}", 303)
    rulebook = request.app.state.rulebook
    async with snapshot(request.app.state.process.pool) as connection:
        found = await _today(connection, rulebook, staff, store)
        stores = await terminals.every_store(connection)
        facts = await attention_store.facts(connection, found.at)
    program = None if rulebook.empty else rulebook.current().program
    return PAGES.render(
        request,
        "today.html",
        **_shown(rulebook, found, store),
        **_drawn(rulebook, found),
        stores=_seen(staff, stores),
        limited=staff.stores is not None,
        concerns=attention.concerns(facts, program, found.at) if staff.stores is None else [],
        steps=first_steps(facts),
        new=glance.is_new(found) and not store,
        fresh=False,
    )


@router.get("/console/today")
async def numbers(request: Request, staff: Viewer, store: StoreCode = "") -> HTMLResponse:
    """The numbers and what is drawn of them, asked for anew every minute. The drawings stay where
    they are, and so do their readers: only their tables are sent."""
    rulebook = request.app.state.rulebook
    async with snapshot(request.app.state.process.pool) as connection:
        found = await _today(connection, rulebook, staff, store)
    return PAGES.render(
        request,
        "today_numbers.html",
        **_shown(rulebook, found, store),
        **_drawn(rulebook, found),
        fresh=True,
    )


async def _today(connection: Connection, rulebook: Rulebook, staff: Staff, store: str) -> Today:
    await require_store(connection, staff.stores, store or None)
    what = await days.counted(connection, rulebook, store or None)
    return await days.today(connection, what, DAYS)


def _shown(rulebook: Rulebook, found: Today, store: str) -> dict[str, Any]:
    """What the numbers need."""
    owed = found.today.points.owed
    worth = None
    if owed is not None and not rulebook.empty:
        worth = redemption.value_of(rulebook.current().program.redemption, owed)
    return {
        "store": store,
        "currency": currency(rulebook),
        "at": found.at,
        "zone": ZoneInfo(found.zone),
        "complete": found.complete,
        "day": found.today,
        "sales": glance.compared(found, lambda each: each.sales),
        "purchases": glance.compared(found, lambda each: each.purchases),
        "visits": glance.compared(found, lambda each: each.visits),
        "joined": glance.compared(found, lambda each: each.new_members),
        "issued": glance.compared(found, lambda each: each.points.issued),
        "used": glance.compared(found, lambda each: each.points.used),
        "owed": owed,
        "worth": worth,
    }


def _drawn(rulebook: Rulebook, found: Today) -> dict[str, Any]:
    """Rows of the charts: a label, and a number for each series."""
    money = currency(rulebook)
    hour = found.at.astimezone(ZoneInfo(found.zone)).hour
    return {
        "hour_rows": [
            (
                f"{each.hour}:00",
                None if each.now is None else formats.whole(each.now, money),
                formats.whole(each.before, money),
            )
            for each in glance.hours(found, hour)
        ],
        "sales_rows": [
            (formats.short_day(each.day), formats.whole(each.sales, money)) for each in found.days
        ],
        "people_rows": [
            (formats.short_day(each.day), each.visits, each.new_members) for each in found.days
        ],
        "point_rows": [
            (formats.short_day(each.day), each.points.issued, each.points.used)
            for each in found.days
        ],
        "money_unit": "" if money != "JPY" else "円",
    }


def _seen(staff: Staff, stores: list[Store]) -> list[Store]:
    """The stores that somebody may look at; those out of use only while there is no other way to
    see what they came to."""
    return [each for each in stores if staff.stores is None or each.code in staff.stores]
