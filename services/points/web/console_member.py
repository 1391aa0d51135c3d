"""`/console/members/{id}`: one member with their whole story, and what can be done for them.

Everything that changes something goes to the API; this only reads.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.points.programs.rulebook import Rulebook
from services.points.rankings import rank_floors
from services.points.rules.profiles import Profile
from services.points.store import exports as export_store
from services.points.store import member_search as search_store
from services.points.store import profiles, refunds, requests, stories
from services.points.store.member_search import Filter
from services.points.web import leaving, member_search, naming, schemas, story, summary
from services.points.web.console_members import STATUSES, Text
from services.points.web.pages import PAGES
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.roles import CHANGERS
from shared.web.staff import Manager, Staff, Viewer

router = APIRouter(prefix="/console/members", include_in_schema=False)

AT_ONCE = 30
OTHERS = 8
MOST_TAGS = 50


@router.get("/{member_id}")
async def page(request: Request, staff: Viewer, member_id: str) -> HTMLResponse:
    """The member's page."""
    id = naming.id_of(member_id)
    told = await story.told(request, id, None, AT_ONCE)
    rulebook: Rulebook = request.app.state.rulebook
    async with request.app.state.process.pool.acquire() as connection:
        member = await _member(request, connection, id)
        about = (await search_store.shown(connection, [id]))[id]
        profile = await profiles.find(connection, id) or Profile()
        floor = rank_floors.in_force(await rank_floors.history(connection, id))
        merged_into = (await stories.ledgers(connection, id))[0]["merged_into"]
        tags = await stories.tags(connection, MOST_TAGS)
        stores = await stories.stores(connection)
    return PAGES.render(
        request,
        "member.html",
        member=member,
        about=about,
        profile=profile,
        consents=msgspec.to_builtins(profile.consent),
        floor=floor,
        merged_into=merged_into,
        tags=[tag for tag in tags if tag not in profile.tags],
        stores=stores,
        may=_may(staff, member),
        statuses=STATUSES,
        items=told.items,
        next=told.next,
        **_program(rulebook),
    )


@router.get("/{member_id}/story")
async def older(
    request: Request, staff: Viewer, member_id: str, cursor: story.Cursor
) -> HTMLResponse:
    """More of the story."""
    id = naming.id_of(member_id)
    told = await story.told(request, id, cursor, AT_ONCE)
    async with request.app.state.process.pool.acquire() as connection:
        member = await _member(request, connection, id)
    return PAGES.render(
        request,
        "member_story.html",
        member=member,
        may=_may(staff, member),
        items=told.items,
        next=told.next,
        **_program(request.app.state.rulebook),
    )


@router.get("/{member_id}/others")
async def others(request: Request, staff: Manager, member_id: str, q: Text = "") -> HTMLResponse:
    """Other members to merge with, as somebody types."""
    id, found = naming.id_of(member_id), []
    if q.strip():
        wanted = Filter()
        told = await member_search.find(
            request, wanted, q=q.strip(), segment=None, after=None, limit=OTHERS + 1
        )
        found = [
            each for each in told.items if each.id != id and each.status in ("active", "suspended")
        ][:OTHERS]
    return PAGES.render(request, "member_others.html", others=found, asked=q.strip(), id=id)


@router.get("/{member_id}/merge")
async def merge(request: Request, staff: Manager, member_id: str, other: UUID) -> HTMLResponse:
    """Both side by side, and what moves."""
    async with request.app.state.process.pool.acquire() as connection:
        kept = await _member(request, connection, naming.id_of(member_id))
        absorbed = await _member(request, connection, other)
        about = await search_store.shown(connection, [kept.id, absorbed.id])
    names = ("phone", "external_id", "line_name")
    moves = [
        name for name in names if getattr(about[other], name) and not getattr(about[kept.id], name)
    ]
    return PAGES.render(
        request,
        "member_merge.html",
        kept=kept,
        absorbed=absorbed,
        about=about,
        moves=moves,
        **_program(request.app.state.rulebook),
    )


@router.get("/{member_id}/refund/{purchase_id}")
async def refund(
    request: Request, staff: Manager, member_id: str, purchase_id: str
) -> HTMLResponse:
    """A purchase with what can still be given back of it, by line, by amount or whole."""
    id, purchase = naming.id_of(member_id), naming.id_of(purchase_id)
    async with request.app.state.process.pool.acquire() as connection:
        known = (await requests.find(connection, [purchase])).get(purchase)
        owner = known.member_id if known and known.member_id else id
        kept = await refunds.kept(connection, owner, purchase)
        if kept is None:
            raise naming.nobody()
        done = await refunds.of_purchase(connection, owner, purchase)
    _require_store(staff, msgspec.json.decode(kept.purchase).get("store"))
    return PAGES.render(
        request,
        "member_refund.html",
        purchase=kept,
        lines=_left(kept, done),
        **_program(request.app.state.rulebook),
    )


@router.get("/{member_id}/exports/{export_id}")
async def export(request: Request, staff: Manager, member_id: str, export_id: UUID) -> HTMLResponse:
    """How far a copy is; asks again by itself until it is there."""
    id = naming.id_of(member_id)
    async with request.app.state.process.pool.acquire() as connection:
        found = await export_store.find(connection, id, export_id)
    state = leaving.state_of(found) if found else None
    return PAGES.render(request, "member_export.html", id=id, export=state)


def _require_store(staff: Staff, store: str | None) -> None:
    """What was bought elsewhere is refunded there."""
    if staff.stores is not None and store is not None and store not in staff.stores:
        raise Problem(
            403,
            "other-store",
            "ほかの店舗のお買い上げです。返品はその店舗の担当者にご依頼ください。"
            " This was bought at another store: ask somebody there for the refund.",
        )


def _left(kept: refunds.Kept, done: list[refunds.Stored]) -> list[dict[str, Any]]:
    """Lines of a purchase that the API can name (by SKU), with how many are left."""
    told = msgspec.json.decode(kept.purchase)
    left: dict[str, dict[str, Any]] = {}
    for line in told.get("lines") or []:
        sku = line.get("sku")
        if sku:
            known = left.setdefault(sku, {"sku": sku, "name": line.get("name"), "left": 0})
            known["left"] += int(line.get("quantity") or 1)
    for each in done:
        for line in msgspec.json.decode(each.lines or "[]"):
            if line["sku"] in left:
                left[line["sku"]]["left"] -= line["quantity"]
    return [each for each in left.values() if each["left"] > 0]


def _may(staff: Staff, member: schemas.Member) -> Mapping[str, bool]:
    """What this person may do with this member here; the API decides all the same."""
    runs = staff.role in CHANGERS
    there = member.status in ("active", "suspended")
    return {
        "act": runs and there,
        "export": runs and not member.card.startswith("erased-"),
        "erase": runs
        and staff.stores is None
        and member.status != "merged"
        and not member.card.startswith("erased-"),
        "undo": runs,
    }


def _program(rulebook: Rulebook) -> dict[str, Any]:
    if rulebook.empty:
        return {"zone": ZoneInfo("Asia/Tokyo"), "currency": "JPY", "levels": ()}
    program = rulebook.current().program
    return {"zone": program.zone, "currency": program.currency, "levels": program.ranks.levels}


async def _member(request: Request, connection: Connection, id: UUID) -> schemas.Member:
    found = await summary.members(connection, request.app.state.rulebook, [id])
    if not found:
        raise naming.nobody()
    return found[0]
