"""The ledger as values: entries, the account that they add up to, and the check of one by other.

Owns what each kind of entry does to lots and debt, and so the equations
    spendable = lots - holds - debt,    sum of entries = lots + pending - debt.
Must not make ids or read clocks: an entry acts at its own `recorded_at`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from services.points.rules import lots as lots_of
from services.points.rules.lots import Lot, Takes

Kind = Literal["earn", "redeem", "release", "reverse", "expire", "adjust", "transfer"]
_OPENING = ("earn", "adjust", "transfer")  # with an amount of zero or more these open a lot
_NO_DEBT = ("redeem", "expire")  # nobody spends or loses by time what they do not have


class LedgerBroken(ValueError):
    """An entry that cannot follow the ones before it."""


class Entry(Struct, frozen=True, kw_only=True):
    """One row of the ledger, never changed; `amount` is signed points of `unit`.

    `cause` is the request or event behind it: an account has one entry of a kind for a cause.
    An entry that opens a lot gives it its own `id`, `expires_at`, and `pending` when it starts
    unspendable. `moves` are signed points by lot, beyond that opening: needed in a draft to return
    points, to release pending ones (0 points each) and to capture held ones, otherwise worked out
    by `decide`. `reverses` is the entry whose lot a refund takes from first.
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


def decide(account: Account, draft: Entry) -> Entry:
    """The entry with all its moves stated: which lots it takes from or gives to, debt paid with it.

    Earnings, returns and releases fill the debt first, from what can be spent then. A draft that
    states its moves (a return to lots, points held before) keeps them. Raises LedgerBroken where it
    cannot follow what was before, NotEnough for an overspend.
    """
    now = draft.recorded_at
    entry = draft if draft.moves else replace(draft, moves=tuple(_ruled(account, draft)))
    if entry.kind == "release" or (entry.amount > 0 and entry.kind not in _NO_DEBT):
        entry = replace(entry, moves=entry.moves + tuple(_debt_paid(account, entry, now)))
    return entry


def _ruled(account: Account, draft: Entry) -> Takes:
    """The moves that follow from the rules where the draft states none."""
    now = draft.recorded_at
    if draft.amount >= 0 and draft.kind in _OPENING:
        return []
    if draft.amount > 0 or draft.kind == "release":
        raise LedgerBroken(f"entry {draft.id} ({draft.kind}) does not state its moves")
    if draft.kind == "redeem":
        return lots_of.taken(_spend(account, -draft.amount, now))
    if draft.kind == "expire":
        gone = lots_of.taken(expired(account, now))
        if (points := sum(points for _, points in gone)) != draft.amount:
            raise LedgerBroken(f"entry {draft.id} moves {points} points, not {draft.amount}")
        return gone
    return lots_of.taken(lots_of.take_back(account.lots, -draft.amount, draft.reverses, now))


def _spend(account: Account, points: int, now: datetime) -> Takes:
    """Debt counts against the balance, so nobody spends what they owe."""
    left = lots_of.spendable(account.lots.values(), now) - account.debt
    if points > left:
        raise lots_of.NotEnough(max(left, 0))
    return lots_of.spend(account.lots.values(), points, now)


def expired(account: Account, now: datetime) -> Takes:
    """What has expired and is not held, by lot, in the order of spending."""
    gone = [lot for lot in account.lots.values() if lot.expired(now) and lot.remaining > lot.held]
    return [(lot.id, lot.remaining - lot.held) for lot in sorted(gone, key=lots_of.spending_order)]


def _debt_paid(account: Account, entry: Entry, now: datetime) -> Takes:
    """What the entry lets the account pay of its debt."""
    if not account.debt:
        return []
    lots = {**account.lots, **_changed(account.lots, entry)}
    points = min(account.debt, lots_of.spendable(lots.values(), now))
    return lots_of.taken(lots_of.spend(lots.values(), points, now))


def apply(account: Account, entry: Entry) -> Account:
    """The account after a decided entry. Raises LedgerBroken where it cannot follow."""
    lots = dict(account.lots)
    debt = _applied(lots, account.debt, entry)
    return Account(lots, debt)


def _applied(lots: dict[UUID, Lot], debt: int, entry: Entry) -> int:
    """Changes `lots` in place, so that a long ledger replays in linear time; returns the debt.

    Only what the entry states counts: rules decided it once, holds of that day are long gone.
    """
    opened = entry.amount if _opens(entry) else 0
    more = opened + sum(points for _, points in entry.moves) - entry.amount
    if more and entry.kind in _NO_DEBT:
        raise LedgerBroken(f"entry {entry.id} moves {entry.amount + more}, not {entry.amount}")
    if debt + more < 0:
        raise LedgerBroken(f"entry {entry.id} ({entry.kind}) pays more debt than there is")
    if more > 0 and entry.amount > 0:
        raise LedgerBroken(f"entry {entry.id} ({entry.kind}) gives points and makes a debt")
    try:
        lots |= _changed(lots, entry)
    except (KeyError, ValueError) as error:
        raise LedgerBroken(f"entry {entry.id} ({entry.kind}): {error}") from error
    return debt + more


def _opens(entry: Entry) -> bool:
    return entry.kind in _OPENING and entry.amount >= 0


def _changed(lots: Mapping[UUID, Lot], entry: Entry) -> dict[UUID, Lot]:
    """The lots that the entry opens, moves or releases, as they are afterwards."""
    before: dict[UUID, Lot] = {}
    if _opens(entry):
        if entry.id in lots:
            raise LedgerBroken(f"lot {entry.id} is open already")
        before[entry.id] = Lot(
            id=entry.id,
            opened_at=entry.recorded_at,
            remaining=entry.amount,
            expires_at=entry.expires_at,
            active=not entry.pending,
        )
    before |= {lot: lots[lot] for lot, _ in entry.moves if lot not in before}
    changed = before | lots_of.moved(before, list(entry.moves))
    if entry.kind == "release":
        changed = {id: replace(lot, active=True) for id, lot in changed.items()}
    return changed


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
