"""What the card's templates show of a member, ready to be written out."""

import hashlib
import hmac
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import Request
from msgspec import Struct

from services.points.rules import explain, qr, rank_words
from services.points.store import cards as store
from services.points.store.cards import Holder
from services.points.store.views import NEWEST
from services.points.web import codes_drawn, schemas, summary
from services.points.web.naming import nobody
from shared import clock
from shared.bus.handling import Connection
from shared.web.language import language_of

FIRST, ENTRIES = 10, 20
"""Rows of the history that the card comes with, and that each look at older ones brings."""

FILTERS: dict[str, tuple[str, ...]] = {
    "all": ("earn", "redeem", "release", "reverse", "expire", "adjust", "transfer"),
    "earned": ("earn",),
    "used": ("redeem",),
    "other": ("release", "reverse", "expire", "adjust", "transfer"),
}
"""The kinds of rows that each filter of the history shows."""
DEFAULT_ZONE = ZoneInfo("Asia/Tokyo")


class Code(Struct, frozen=True):
    """A rotating code's picture, and in how many seconds it changes."""

    svg: str
    left: int


class History(Struct, frozen=True):
    """A page of the history; `following` is where the next one begins."""

    rows: list[dict[str, Any]]
    following: str | None
    filter: str


class Expiring(Struct, frozen=True):
    """Points that are good through `last_day`."""

    points: int
    last_day: date


class CardShown(Struct, frozen=True):
    """A member's card. `tag` tells one member's from another's, `stamp` one state from the next."""

    member: schemas.Member
    name: str | None
    tag: str
    stamp: str
    code: Code
    barcode: str
    next_rank: str | None
    next_point: str | None
    expiring: list[Expiring]
    history: History
    at: datetime


async def card(request: Request, connection: Connection, holder: Holder) -> CardShown:
    """Everything on a member's card. Raises Problem 404 for who is no member any more."""
    rulebook = request.app.state.rulebook
    found = await summary.members(connection, rulebook, [holder.id])
    if not found:
        raise nobody()
    (member,) = found
    return CardShown(
        member=member,
        name=holder.name,
        tag=tag(request, holder.id),
        stamp=stamp(request, holder),
        code=code(request, holder.id),
        barcode=codes_drawn.ean13(member.card),
        next_rank=next_rank(request, member.next_rank),
        next_point=_next_point(request, member.points.missing_amount),
        expiring=expiring(member.points, zone_of(request)),
        history=await history(request, connection, holder.id, "all", count=FIRST),
        at=clock.now(),
    )


def code(request: Request, member: UUID) -> Code:
    """The member's code of this moment."""
    now = clock.now()
    left = qr.STEP_SECONDS - int(now.timestamp()) % qr.STEP_SECONDS
    return Code(codes_drawn.qr(qr.make(request.app.state.card.qr_keys.new, member, now)), left)


def tag(request: Request, member: UUID) -> str:
    """What tells one member's card from another's, and says nothing of who it is."""
    return _digest(request, f"tag.{member}")


def stamp(request: Request, holder: Holder) -> str:
    """What changes whenever anything on the card does: also the day, for what expires."""
    today = clock.now().astimezone(zone_of(request)).date()
    return _digest(request, f"stamp.{today}.{holder.state}")


async def history(
    request: Request,
    connection: Connection,
    member: UUID,
    filter: str,
    before: UUID = NEWEST,
    count: int = ENTRIES,
) -> History:
    """A page of the history, newest first."""
    rows = await store.entries(connection, member, before, FILTERS[filter], count + 1)
    lang, zone = language_of(request), zone_of(request)
    following = str(rows[count - 1]["id"]) if len(rows) > count else None
    return History([entry(row, lang, zone) for row in rows[:count]], following, filter)


def expiring(points: schemas.Points, zone: ZoneInfo) -> list[Expiring]:
    """The points that expire, soonest first, with the last day on which they are good."""
    second = timedelta(seconds=1)
    return [
        Expiring(each.points, (each.at - second).astimezone(zone).date())
        for each in points.expiring
    ]


def zone_of(request: Request) -> ZoneInfo:
    """Where the shop's days begin."""
    rulebook = request.app.state.rulebook
    return DEFAULT_ZONE if rulebook.empty else rulebook.current().program.zone


def short_day(at: datetime, zone: ZoneInfo, lang: str) -> str:
    """A day in few characters; the year only where it is another one: 11/28, 2025/11/28."""
    there, this_year = at.astimezone(zone), clock.now().astimezone(zone).year
    if lang == "ja":
        day = f"{there.month}/{there.day}"
        return day if there.year == this_year else f"{there.year}/{day}"
    day = f"{there.day} {there:%b}"
    return day if there.year == this_year else f"{day} {there.year}"


def entry(row: Any, lang: str, zone: ZoneInfo) -> dict[str, Any]:
    """A row of the history. `ready`: how many points became usable; the sum stays as it was."""
    kind, source, amount = row["kind"], row["source"], row["amount"]
    explanation = msgspec.json.decode(row["explanation"])
    words = explain.text(kind, source, amount, explanation)
    title = getattr(explain.title(kind, source, amount), lang)
    return {
        "amount": amount,
        "ready": explanation.get("points", 0) if kind == "release" else 0,
        "at": row["occurred_at"],
        "day": short_day(row["occurred_at"], zone, lang),
        "title": title,
        "lines": words[lang].splitlines(),
    }


def next_rank(request: Request, following: schemas.NextRank | None) -> str | None:
    """What is missing to the next rank, in a sentence."""
    if following is None:
        return None
    currency = request.app.state.rulebook.current().program.currency
    words = rank_words.to_next(following.missing, following.name, currency)
    return str(getattr(words, language_of(request)))


def _next_point(request: Request, amount: int | None) -> str | None:
    """For how much one has to buy to get the next point, in a sentence."""
    if amount is None:
        return None
    program = request.app.state.rulebook.current().program
    taxed = program.accrual.base_amount == "tax_included"
    words = explain.next_point(amount, program.currency, taxed)
    return str(getattr(words, language_of(request)))


def _digest(request: Request, said: str) -> str:
    key: bytes = request.app.state.card.qr_keys.new
    return hmac.new(key, f"tamaru.card.{said}".encode(), hashlib.sha256).hexdigest()[:16]
