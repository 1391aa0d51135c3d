"""`tamaru ledger verify`: everything that can be derived from the entries, derived again.

Reads in one snapshot, page by page, so it can run beside a busy shop and still compare like with
like. Each night `nights/checking.py` reads the same, with a snapshot a page. It changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.points.reports import keeping
from services.points.rules import ledger
from services.points.rules.ledger import Balances, Difference, Entry
from services.points.rules.lots import Lot
from services.points.store import verification as store
from shared.bus.handling import Connection

PAGE = 1000
MOST_ENTRIES = 20_000
"""Of a page, so that memory stays bounded; of a member who has more, all."""


class Finding(msgspec.Struct, frozen=True):
    """Something that does not add up. `member_id` None concerns the ledger as a whole."""

    member_id: UUID | None
    what: str
    entries: Any
    stored: Any


class Page(msgspec.Struct, frozen=True):
    """A page that was checked: how many members and entries, what was found, and the last of the
    members."""

    members: int
    entries: int
    findings: list[Finding]
    last: UUID = UUID(int=0)


PARTS: tuple[tuple[str, Callable[[Connection], Awaitable[int]]], ...] = (
    ("entries without an account", store.strays),
    ("awarded requests without an entry", store.unsettled),
    ("refunds that purchases or entries do not say", store.refunds),
    ("hours whose kept figures are others", keeping.differences),
)
"""What concerns the ledger as a whole. Each reads all of it at once."""


async def verify(connection: Connection) -> AsyncIterator[Page]:
    """Check all members; yields a page at a time."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for number in range(len(PARTS)):
            yield await part(connection, number)
        after = UUID(int=0)
        while checked := await page(connection, after, PAGE):
            yield checked
            after = checked.last


async def part(connection: Connection, number: int) -> Page:
    """Do one of the checks of the ledger as a whole."""
    what, differing = PARTS[number]
    count = await differing(connection)
    return Page(0, 0, [Finding(None, what, 0, count)] if count else [])


async def page(connection: Connection, after: UUID, members: int) -> Page | None:
    """Check the next members, in one snapshot that the caller has open; None when there are none.
    Nobody's books are on two pages."""
    accounts = await store.accounts(connection, after, members)
    if not accounts:
        return None
    counts = await store.entry_counts(connection, _ids(accounts))
    return await _page(connection, _few(accounts, counts))


async def check(connection: Connection, members: Sequence[UUID]) -> list[Finding]:
    """Check these members only; the caller has a snapshot open."""
    accounts = list(await store.accounts_of(connection, members))
    counts = await store.entry_counts(connection, _ids(accounts))
    findings: list[Finding] = []
    while accounts:
        some = _few(accounts, counts)
        findings += (await _page(connection, some)).findings
        del accounts[: len(some)]
    return findings


def _few(accounts: Sequence[Any], counts: Mapping[UUID, int]) -> Sequence[Any]:
    """The first of these, as many as have not too many entries together; one at least."""
    entries = 0
    for number, account in enumerate(accounts):
        entries += counts.get(account["member_id"], 0)
        if entries > MOST_ENTRIES and number:
            return accounts[:number]
    return accounts


def _ids(accounts: Sequence[Any]) -> list[UUID]:
    return [account["member_id"] for account in accounts]


async def _page(connection: Connection, accounts: Sequence[Any]) -> Page:
    members = _ids(accounts)
    rows = await store.entries(connection, members)
    entries: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        entries[row["member_id"]].append(row)
    lots: dict[UUID, list[Any]] = defaultdict(list)
    for row in await store.lots(connection, members):
        lots[row["member_id"]].append(row)
    held: dict[UUID, Counter[str]] = defaultdict(Counter)
    for row in await store.holds(connection, members):
        held[row["member_id"]].update(dict(msgspec.json.decode(row["holds"])))
    purchases = await store.purchase_sums(connection, members)
    merged = await store.merged_sums(connection, members)
    before = await store.spent_before(connection, members)
    findings = [
        Finding(account["member_id"], each.what, each.entries, each.stored)
        for account in accounts
        for each in _member(
            account,
            entries[account["member_id"]],
            lots[account["member_id"]],
            held[account["member_id"]],
            purchases.get(account["member_id"]),
            merged.get(account["member_id"]),
            before.get(account["member_id"], 0),
        )
    ]
    last = members[-1] if members else UUID(int=0)
    return Page(len(accounts), len(rows), findings, last)


def _member(
    account: Any,
    rows: Sequence[Any],
    lots: Sequence[Any],
    held: Counter[str],
    purchases: Any,
    merged: Any,
    before: int,
) -> list[Difference]:
    opened = {row["entry_id"]: row for row in lots}
    stored = Balances(
        lots=account["in_lots"],
        pending=account["pending"],
        held=account["held"],
        debt=account["debt"],
    )
    entries = [_entry(row, opened.get(row["id"])) for row in rows]
    kept = [_lot(row) for row in lots]
    return (
        ledger.verify(entries, stored, kept)
        + _running_balance(rows)
        + _holds(lots, held)
        + _sums(account, rows, purchases, merged, before)
    )


def _running_balance(rows: Sequence[Any]) -> list[Difference]:
    """What an entry says could be spent after it is never more than the entries before add up to
    (less what was held or waited then)."""
    found: list[Difference] = []
    balance = 0
    for row in rows:
        balance += row["amount"]
        if row["balance_after"] > balance:
            found.append(Difference(f"balance after {row['id']}", balance, row["balance_after"]))
    return found


def _holds(lots: Sequence[Any], held: Counter[str]) -> list[Difference]:
    """Lots hold what the redemptions under way say, no more and no less."""
    stored = Counter({str(row["entry_id"]): row["held"] for row in lots if row["held"]})
    if stored == held:
        return []
    return [Difference("holds", dict(held), dict(stored))]


def _sums(
    account: Any, rows: Sequence[Any], purchases: Any, merged: Any, before: int
) -> list[Difference]:
    truth = {
        "earned": (merged["earned"] if merged else 0)
        + sum(row["amount"] for row in rows if row["kind"] == "earn" or _back(row)),
        "spent": (merged["spent"] if merged else 0)
        - sum(row["amount"] for row in rows if row["kind"] == "redeem" or _returned(row)),
        "purchases": purchases["purchases"] if purchases else 0,
        "amount_spent": before + (purchases["amount_spent"] if purchases else 0),
        "visits": purchases["visits"] if purchases else 0,
    }
    return [
        Difference(name, value, account[name])
        for name, value in truth.items()
        if value != account[name]
    ]


def _back(row: Any) -> bool:
    """Points taken back for a refund."""
    return bool(row["kind"] == "reverse" and row["amount"] < 0)


def _returned(row: Any) -> bool:
    """Points spent that came back."""
    return bool(row["kind"] == "reverse" and row["amount"] > 0)


def _entry(row: Any, lot: Any) -> Entry:
    return Entry(
        id=row["id"],
        member=row["member_id"],
        amount=row["amount"],
        kind=row["kind"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        cause=row["cause"],
        source=row["source"],
        program_version=row["program_version"],
        expires_at=lot["expires_at"] if lot else None,
        pending=bool(lot and lot["active_at"] and lot["active_at"] > row["recorded_at"]),
        moves=_moves(row["moves"]),
        reverses=row["reverses"],
    )


def _lot(row: Any) -> Lot:
    return Lot(
        id=row["entry_id"],
        opened_at=row["opened_at"],
        remaining=row["remaining"],
        expires_at=row["expires_at"],
        active=not row["pending"],
        held=row["held"],
    )


def _moves(stored: str | None) -> tuple[tuple[UUID, int], ...]:
    return msgspec.json.decode(stored, type=tuple[tuple[UUID, int], ...]) if stored else ()
