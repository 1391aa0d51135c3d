"""Bringing a book up to date: what waited long enough becomes active, what is past its time goes.

Each happens at its own moment, in the order of these, however late it is noticed: a night that was
missed changes when things are recorded, and nothing else. Held points stay until they are let go.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec.structs import replace

from services.points.rules import ledger, lots
from services.points.rules.ledger import Account, Entry
from services.points.rules.lots import Lot
from shared import ids
from shared.events import Event, PointsActivated, PointsExpired, new_event

if TYPE_CHECKING:
    from services.points.accounts.books import Book

SOURCE = "/points/ledger"


def due(kept: Iterable[Lot], waits: Mapping[UUID, datetime], now: datetime) -> list[datetime]:
    """The moments up to `now` at which something was to happen, in order. `waits` has the moments
    at which pending lots become active."""
    moments = {moment for moment in waits.values() if moment <= now}
    for lot in kept:
        if lot.expires_at is not None and lot.expires_at <= now:
            moments.add(lot.expires_at)
    return sorted(moments)


def settled(account: Account, waits: Mapping[UUID, datetime], now: datetime) -> Account:
    """What settling makes of an account: to look at, without entries."""
    for moment in due(account.lots.values(), waits, now):
        kept, debt = dict(account.lots), account.debt
        active = [id for id, active_at in waits.items() if active_at == moment]
        kept |= {id: replace(kept[id], active=True) for id in active}
        if active and debt:
            paid = min(debt, lots.spendable(kept.values(), moment))
            kept |= lots.moved(kept, lots.taken(lots.spend(kept.values(), paid, moment)))
            debt -= paid
        gone = ledger.expired(Account(kept, debt), moment)
        account = Account(kept | lots.moved(kept, lots.taken(gone)), debt)
    return account


def settle(book: "Book", waits: Mapping[UUID, datetime], now: datetime) -> list[Event[Any]]:
    """Do all that is due in a book; returns what is to be told."""
    done: list[tuple[Entry, int]] = []
    for moment in due(book.lots.values(), waits, now):
        active = sorted(id for id, active_at in waits.items() if active_at == moment)
        if active:
            done.append(_activate(book, active, moment))
        if gone := ledger.expired(book.state, moment):
            done.append(_expire(book, gone, moment))
    return [_told(book, entry, points) for entry, points in done]


def _activate(book: "Book", active: Sequence[UUID], at: datetime) -> tuple[Entry, int]:
    points = sum(book.lots[id].remaining for id in active)
    entry = book.post(
        "release",
        0,
        cause=ids.derived_id("release", *map(str, active)),  # once in a lot's life
        source="activation",
        actor="program",
        explanation={"points": points},
        moves=[(id, 0) for id in active],
        at=at,
    )
    return entry, points


def _expire(book: "Book", gone: Sequence[tuple[UUID, int]], at: datetime) -> tuple[Entry, int]:
    points = sum(taken for _, taken in gone)
    parts = [{"points": taken, "earned_at": book.lots[lot].opened_at} for lot, taken in gone]
    entry = book.post(
        "expire",
        -points,
        cause=ids.new_id(),  # a lot that was held in part expires more than once
        source="expiry",
        actor="program",
        explanation={"points": -points, "lots": parts},
        at=at,
    )
    return entry, points


def _told(book: "Book", entry: Entry, points: int) -> Event[Any]:
    contract = PointsActivated if entry.kind == "release" else PointsExpired
    told = contract(book.member_id, entry.id, points, book.balance, book.account.line_user_id)
    return new_event(SOURCE, told, subject=str(book.member_id))
