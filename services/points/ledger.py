"""The ledger as values: entries, the account that they add up to, and the check of one by other.

Owns what each kind of entry does to lots and debt, and so the equations
    spendable = lots - holds - debt,    sum of entries = lots + pending - debt.
Must not make ids or read clocks: an entry acts at its own `recorded_at`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from services.points import lots as lots_of
from services.points.lots import Lot, Takes

Kind = Literal["earn", "redeem", "release", "reverse", "expire", "adjust", "transfer"]
_OPENING = ("earn", "adjust", "transfer")  # with an amount above zero these open a lot


class LedgerBroken(ValueError):
    """An entry that cannot follow the ones before it."""


class Entry(Struct, frozen=True, kw_only=True):
    """One row of the ledger, never changed; `amount` is signed points of `unit`.

    `cause` is the request or event behind it: an account has one entry of a kind for a cause.
    An entry that opens a lot gives it its own `id`, `expires_at`, and `pending` when it starts
    unspendable. `moves` are signed points by lot: needed to return points, to release pending ones
    (0 points each) and to capture held ones, otherwise worked out by the rules of spending.
    `reverses` is the entry whose lot a refund takes from first.
    """

    id: UUID
    member: UUID
    amount: int
    kind: Kind
    occurred_at: datetime
    recorded_at: datetime
    cause: UUID
    unit: str = "point"
    source: str = ""
    actor: str | None = None
    program_version: int | None = None
    explanation: dict[str, Any] = msgspec.field(default_factory=dict)
    expires_at: datetime | None = None
    pending: bool = False
    moves: tuple[tuple[UUID, int], ...] = ()
    reverses: UUID | None = None


class Balances(Struct, frozen=True, kw_only=True):
    """The sums of an account; `lots` are the active ones and include what is held of them."""

    lots: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0

    @property
    def spendable(self) -> int:
        return self.lots - self.held - self.debt

    @property
    def entries(self) -> int:
        """What the entries must sum to."""
        return self.lots + self.pending - self.debt


class Account(Struct, frozen=True):
    """One member's points of one unit: lots (used up ones too) and debt, both never negative."""

    lots: dict[UUID, Lot] = msgspec.field(default_factory=dict)
    debt: int = 0


class Difference(Struct, frozen=True):
    """What `verify` found: `entries` is what the ledger says, `stored` what was kept."""

    what: str
    entries: Any
    stored: Any


def balances(account: Account) -> Balances:
    lots = account.lots.values()
    return Balances(
        lots=sum(lot.remaining for lot in lots if lot.active),
        pending=sum(lot.remaining for lot in lots if not lot.active),
        held=sum(lot.held for lot in lots),
        debt=account.debt,
    )


class Effect(Struct, frozen=True, kw_only=True):
    """What an entry does to its account: a lot to open, signed points by lot, lots that become
    active, and what is added to the debt."""

    opens: Lot | None = None
    moves: Takes = msgspec.field(default_factory=list)
    activates: tuple[UUID, ...] = ()
    debt: int = 0

    @property
    def amount(self) -> int:
        """Points that the account gains, which its entry must state."""
        opened = self.opens.remaining if self.opens else 0
        return opened + sum(points for _, points in self.moves) - self.debt


def effect(account: Account, entry: Entry) -> Effect:
    """What the entry does. Earnings, returns and releases fill the debt first.

    Raises LedgerBroken where it cannot follow what was before, NotEnough for an overspend.
    """
    now = entry.recorded_at
    if entry.moves:
        done = _as_stated(account, entry)
    elif entry.amount >= 0 and entry.kind in _OPENING:
        done = open_lot(account, entry)
    elif entry.amount > 0 or entry.kind == "release":
        raise LedgerBroken(f"entry {entry.id} ({entry.kind}) does not state its moves")
    elif entry.kind == "redeem":
        done = Effect(moves=lots_of.taken(_spend(account, -entry.amount, now)))
    elif entry.kind == "expire":
        done = Effect(moves=lots_of.taken(_expired(account, now)))
    else:
        done = reverse(account, entry)
    if done.amount != entry.amount:
        raise LedgerBroken(f"entry {entry.id} moves {done.amount} points, not {entry.amount}")
    return done


def open_lot(account: Account, entry: Entry) -> Effect:
    """A new lot for the points of an entry, less the debt, which a pending lot fills only later."""
    if entry.id in account.lots:
        raise LedgerBroken(f"lot {entry.id} is open already")
    lot = Lot(
        id=entry.id,
        opened_at=entry.recorded_at,
        remaining=entry.amount,
        expires_at=entry.expires_at,
        active=not entry.pending,
    )
    return _settled(account, Effect(opens=lot), entry.recorded_at)


def reverse(account: Account, entry: Entry) -> Effect:
    """Points taken back for a refund; what the lots no longer have becomes debt."""
    points = -entry.amount
    takes = lots_of.take_back(account.lots, points, entry.reverses, entry.recorded_at)
    return Effect(moves=lots_of.taken(takes), debt=points - sum(taken for _, taken in takes))


def _spend(account: Account, points: int, now: datetime) -> Takes:
    """Debt counts against the balance, so nobody spends what they owe."""
    left = lots_of.spendable(account.lots.values(), now) - account.debt
    if points > left:
        raise lots_of.NotEnough(max(left, 0))
    return lots_of.spend(account.lots.values(), points, now)


def _expired(account: Account, now: datetime) -> Takes:
    gone = [lot for lot in account.lots.values() if lot.expired(now) and lot.remaining > lot.held]
    return [(lot.id, lot.remaining - lot.held) for lot in sorted(gone, key=lots_of.spending_order)]


def _as_stated(account: Account, entry: Entry) -> Effect:
    """The moves that the entry names; what they lack of its amount is debt."""
    released = tuple(lot for lot, _ in entry.moves) if entry.kind == "release" else ()
    moves = list(entry.moves)
    debt = sum(points for _, points in moves) - entry.amount
    if account.debt + debt < 0:
        raise LedgerBroken(f"entry {entry.id} ({entry.kind}) pays more debt than there is")
    stated = Effect(moves=moves, activates=released, debt=debt)
    if released or entry.amount > 0:
        return _settled(account, stated, entry.recorded_at)
    return stated


def _settled(account: Account, done: Effect, now: datetime) -> Effect:
    """The effect and the debt paid from what can be spent after it."""
    debt = account.debt + done.debt
    if not debt:
        return done
    lots = {**account.lots, **_changed(account, done)}
    points = min(debt, lots_of.spendable(lots.values(), now))
    paid = lots_of.taken(lots_of.spend(lots.values(), points, now))
    return replace(done, moves=done.moves + paid, debt=done.debt - points)


def _changed(account: Account, done: Effect) -> dict[UUID, Lot]:
    """The lots that the effect touches, as they are afterwards."""
    opened = {done.opens.id: done.opens} if done.opens else {}
    touched = [*done.moves, *((lot, 0) for lot in (*opened, *done.activates))]
    before = {lot: opened.get(lot) or account.lots[lot] for lot, _ in touched}
    changed = lots_of.moved(before, touched)
    for lot in done.activates:
        changed[lot] = replace(changed[lot], active=True)
    return changed


def apply(account: Account, entry: Entry) -> Account:
    """The account after the entry. Raises LedgerBroken where it cannot follow."""
    lots = dict(account.lots)
    debt = _applied(lots, account.debt, entry)
    return Account(lots, debt)


def _applied(lots: dict[UUID, Lot], debt: int, entry: Entry) -> int:
    """Changes `lots` in place, so that a long ledger replays in linear time; returns the debt."""
    account = Account(lots, debt)
    try:
        done = effect(account, entry)
        lots |= _changed(account, done)
    except LedgerBroken:
        raise
    except (KeyError, ValueError) as error:
        raise LedgerBroken(f"entry {entry.id} ({entry.kind}): {error}") from error
    return debt + done.debt


def once(entries: Iterable[Entry]) -> list[Entry]:
    """Each entry the first time it comes; repeats of its cause are left out."""
    first: dict[tuple[UUID, str, str, UUID], Entry] = {}
    for entry in entries:
        first.setdefault((entry.member, entry.unit, entry.kind, entry.cause), entry)
    return list(first.values())


def replay(entries: Iterable[Entry]) -> Account:
    """The account that one member's entries of one unit, in the order recorded, add up to.

    Raises LedgerBroken at the first entry that cannot follow.
    """
    lots: dict[UUID, Lot] = {}
    debt = 0
    for entry in entries:
        debt = _applied(lots, debt, entry)
    return Account(lots, debt)


def verify(
    entries: Sequence[Entry], stored: Balances, stored_lots: Iterable[Lot] = ()
) -> list[Difference]:
    """What the stored balances and lots have that the entries do not say; [] is in order.

    Used-up lots may have been deleted; holds are the redemptions' business, so `held` of the
    stored lots only has to agree with the stored sum.
    """
    if len(once(entries)) != len(entries):
        causes = [entry.cause for entry in entries]
        return [Difference("causes", sorted({c for c in causes if causes.count(c) > 1}), causes)]
    try:
        account = replay(entries)
    except LedgerBroken as error:
        return [Difference("entries", str(error), None)]
    kept = {lot.id: lot for lot in stored_lots}
    truth = replace(balances(account), held=sum(lot.held for lot in kept.values()))
    found = [
        Difference(name, getattr(truth, name), getattr(stored, name))
        for name in ("lots", "pending", "held", "debt")
        if getattr(truth, name) != getattr(stored, name)
    ]
    return found + _lot_differences(account.lots, kept)


def _lot_differences(truth: dict[UUID, Lot], kept: dict[UUID, Lot]) -> list[Difference]:
    found = []
    for lot in sorted(truth.keys() | kept.keys()):
        said, has = truth.get(lot), kept.get(lot)
        if has is None and said is not None and not said.remaining:
            continue
        plain = replace(has, held=0, opened_at=said.opened_at) if has and said else has
        if said != plain:
            found.append(Difference(f"lot {lot}", said, has))
    return found
