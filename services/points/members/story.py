"""A member's whole story, newest first: what was earned and spent and why, purchases and refunds,
ranks, changes, cards, links, merges, copies; by whom, where that is known.

Each source is read behind its own position and they are put together here, so that a page costs the
same wherever it stands and whatever the member has lived through.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules import explain, story_words
from services.points.rules.explain import Words
from services.points.store import stories as store
from services.points.store.stories import Around, Position
from services.points.store.views import NEWEST
from shared import clock
from shared.bus.handling import Connection

_SOURCES = ("entries", "moves", "floors", "changes", "short")
"""Of what happened at one moment the later ones come first."""


class Bought(msgspec.Struct, frozen=True):
    """A purchase, with its lines as the till told them and what came back of it (money in minor
    units). `receipt` is the till's own number."""

    id: UUID
    total: int
    refunded: int
    currency: str
    lines: list[dict[str, Any]] = []
    receipt: str | None = None
    refunds: list[dict[str, Any]] = []


class Part(msgspec.Struct, frozen=True):
    """A part that changed: what it is, as it was and as it is."""

    what: Words
    before: str | None
    after: str | None


class Item(msgspec.Struct, frozen=True):
    """Something that happened. `at` is when it was written down, by which the story is
    ordered; `occurred_at` when it took place. `why` are lines of words; `member_id` is whose ledger
    it stands in."""

    id: str
    kind: str
    at: datetime
    title: Words
    member_id: UUID
    occurred_at: datetime | None = None
    why: Words = Words("", "")
    points: int | None = None
    balance: int | None = None
    store: str | None = None
    actor: str | None = None
    by: str | None = None
    reason: str | None = None
    purchase: Bought | None = None
    parts: list[Part] = []
    merge_id: UUID | None = None
    undone: bool = False


class Page(msgspec.Struct, frozen=True):
    """A page of the story, and the cursor of the next one."""

    items: list[Item]
    next: str | None


def beginning() -> Position:
    """Before the newest."""
    far = datetime.max.replace(tzinfo=clock.now().tzinfo)
    return Position(NEWEST, NEWEST, NEWEST, NEWEST, far, "")


def read(text: str) -> Position | None:
    """The position in a cursor, if it is one."""
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        position = msgspec.json.decode(plain, type=Position)
    except ValueError:
        return None
    return position if position.at.tzinfo else None


def written(position: Position) -> str:
    """A position as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


async def tell(
    connection: Connection,
    member: UUID,
    ranks: Mapping[str, str],
    currency: str,
    *,
    behind: Position | None,
    limit: int,
) -> Page | None:
    """A page of a member's story; None if there is no such member. `ranks` are the names of ranks
    by code."""
    ledgers = await store.ledgers(connection, member)
    if not ledgers:
        return None
    who = [row["id"] for row in ledgers]
    position = behind or beginning()
    lines = await store.lines(connection, who, position, limit + 1)
    around = await store.around(connection, who, [row["cause"] for row in lines.entries])
    long: dict[str, list[Item]] = {
        "entries": [_entry(row, around, currency) for row in lines.entries],
        "changes": [_change(row) for row in lines.changes],
        "floors": [_floor(row, ranks) for row in lines.floors],
        "moves": [_move(row, ranks) for row in lines.moves],
    }
    short = await _short(connection, ledgers, currency)
    behind_us = [each for each in short if (each.at, each.id) < (position.at, position.name)]
    items, position = _newest(long, behind_us, position, limit + 1)
    more = len(items) > limit
    shown = await _named(connection, [item for item, _ in items[:limit]])
    return Page(shown, written(items[limit - 1][1]) if more else None)


def _newest(
    long: dict[str, list[Item]], short: list[Item], position: Position, limit: int
) -> tuple[list[tuple[Item, Position]], Position]:
    """The newest of all sources, each with the position behind it."""
    found: list[tuple[Item, Position]] = []
    heads: dict[str, Iterator[Item]] = {name: iter(items) for name, items in long.items()}
    heads["short"] = iter(sorted(short, key=lambda each: (each.at, each.id), reverse=True))
    waiting = {name: item for name, head in heads.items() if (item := next(head, None))}
    while waiting and len(found) < limit:
        name = max(waiting, key=lambda each: (waiting[each].at, _SOURCES.index(each)))
        item = waiting.pop(name)
        if name == "short":
            position = msgspec.structs.replace(position, at=item.at, name=item.id)
        else:
            position = msgspec.structs.replace(position, **{name: UUID(item.id)})
        found.append((item, position))
        if following := next(heads[name], None):
            waiting[name] = following
    return found, position


async def _named(connection: Connection, items: Sequence[Item]) -> list[Item]:
    """With the names of who acted and of stores."""
    ids = {each.actor: _id(each.actor) for each in items if each.actor}
    known = await store.who(connection, [id for id in ids.values() if id])
    stores = await store.stores(connection) if any(each.store for each in items) else {}
    named = []
    for each in items:
        row = known.get(ids.get(each.actor) or NEWEST) if each.actor else None
        place = each.store or (row["store"] if row else None)
        named.append(
            msgspec.structs.replace(
                each,
                by=row["name"] if row else None,
                store=stores.get(place, place) if place else None,
            )
        )
    return named


def _id(actor: str) -> UUID | None:
    try:
        return UUID(actor.partition(":")[2])
    except ValueError:
        return None


# What each source's rows say.


def _entry(row: Any, around: Around, currency: str) -> Item:
    facts = msgspec.json.decode(row["explanation"])
    kind, source, amount = row["kind"], row["source"], row["amount"]
    refund = around.refunds.get(row["cause"])
    bought = around.purchases.get(refund["purchase_id"] if refund else row["cause"])
    spent = around.redemptions.get(row["cause"])
    words = explain.text(kind, source, amount, facts)
    store_code = next((each["store"] for each in (bought, spent) if each), facts.get("store"))
    title = explain.title(kind, source, amount)
    what = source if kind == "earn" else kind
    if bought and not refund and bought["total"] == 0:
        what, title = "visit", story_words.VISIT
    return Item(
        id=str(row["id"]),
        kind="refund" if refund else what,
        at=row["recorded_at"],
        occurred_at=row["occurred_at"],
        title=title,
        why=Words(words["ja"], words["en"]),
        points=amount,
        balance=row["balance_after"],
        member_id=row["member_id"],
        store=store_code,
        actor=row["actor"],
        reason=facts.get("reason"),
        purchase=_bought(bought, around, currency) if bought and bought["total"] else None,
    )


def _bought(row: Any, around: Around, currency: str) -> Bought:
    told = msgspec.json.decode(row["purchase"])
    refunds = [
        {
            "id": str(each["id"]),
            "amount": each["amount"],
            "lines": msgspec.json.decode(each["lines"] or "[]"),
            "points": each["points_taken_back"],
            "at": each["refunded_at"],
        }
        for each in around.refunds.values()
        if each["purchase_id"] == row["id"]
    ]
    return Bought(
        id=row["id"],
        total=row["total"],
        refunded=row["refunded"],
        currency=told.get("currency") or currency,
        lines=[_line(each) for each in told.get("lines") or [] if isinstance(each, dict)],
        receipt=told.get("receipt"),
        refunds=refunds,
    )


def _line(told: dict[str, Any]) -> dict[str, Any]:
    """A line of a receipt, with all parts that there may be."""
    named = {name: told.get(name) for name in ("name", "sku", "category")}
    return {**named, "quantity": told.get("quantity") or 1, "amount": told.get("amount") or 0}


def _change(row: Any) -> Item:
    before, after = row["before"], row["after"]
    kind, title = story_words.change(before, after)
    return Item(
        id=str(row["id"]),
        kind=kind,
        at=row["at"],
        title=title,
        member_id=row["member_id"],
        actor=row["actor"],
        reason=row["reason"],
        parts=[Part(*each) for each in story_words.differences(before, after)],
    )


def _floor(row: Any, ranks: Mapping[str, str]) -> Item:
    return Item(
        id=str(row["id"]),
        kind="floor",
        at=row["at"],
        title=story_words.floor(ranks.get(row["code"], row["code"]) if row["code"] else None),
        member_id=row["member_id"],
        actor=row["actor"],
        reason=row["reason"],
        parts=_until(row["until"]),
    )


def _until(moment: datetime | None) -> list[Part]:
    if moment is None:
        return []
    return [Part(Words("期限", "until"), None, f"{moment:%Y-%m-%d}")]


def _move(row: Any, ranks: Mapping[str, str]) -> Item:
    before, after = (ranks.get(code or "", code) for code in (row["from_code"], row["to_code"]))
    return Item(
        id=str(row["id"]),
        kind="rank",
        at=row["at"],
        title=story_words.rank(row["direction"], before, after),
        member_id=row["member_id"],
    )


async def _short(connection: Connection, ledgers: Sequence[Any], currency: str) -> list[Item]:
    who = [row["id"] for row in ledgers]
    found = await store.short(connection, who)
    items = [item for row in found.merges for item in _merges(row, who[0])]
    items += [
        Item(f"export:{row['id']}", "export", row["asked_at"], story_words.EXPORT, who[0])
        for row in found.exports
    ]
    items += [_redemption(row) for row in found.redemptions]
    refunded = await store.around(connection, who, [row["purchase_id"] for row in found.refunds])
    items += [_silent(row, refunded, currency) for row in found.refunds]
    for row in ledgers:
        items += _life(row)
    return items


def _merges(row: Any, member: UUID) -> Iterator[Item]:
    kept = row["kept"] == member
    card = row["absorbed_card"] if kept else row["kept_card"]
    card = None if (card or "").startswith("erased-") else card
    undone = row["undone_at"] is not None
    yield Item(
        f"merge:{row['id']}",
        "merge",
        row["merged_at"],
        story_words.merge(card, kept=kept, undone=False),
        member,
        actor=row["actor"],
        reason=row["reason"] or None,
        merge_id=row["id"],
        undone=undone,
    )
    if undone:
        title = story_words.merge(card, kept=kept, undone=True)
        by = row["undone_by"]
        yield Item(f"unmerge:{row['id']}", "unmerge", row["undone_at"], title, member, actor=by)


def _redemption(row: Any) -> Item:
    return Item(
        f"redemption:{row['id']}",
        "held" if row["status"] == "authorised" else "let_go",
        row["finished_at"] or row["authorised_at"],
        story_words.redemption(row["status"]),
        row["member_id"],
        occurred_at=row["authorised_at"],
        parts=[Part(Words("ポイント", "points"), None, f"{row['points']:,}")],
        store=row["store"],
        actor=f"terminal:{row['terminal_id']}",
    )


def _silent(row: Any, around: Around, currency: str) -> Item:
    bought = around.purchases.get(row["purchase_id"])
    return Item(
        f"refund:{row['id']}",
        "refund",
        row["refunded_at"],
        story_words.REFUND,
        row["member_id"],
        store=bought["store"] if bought else None,
        actor=row["actor"],
        purchase=_bought(bought, around, currency) if bought else None,
    )


def _life(row: Any) -> Iterator[Item]:
    """Joining, leaving, and how it stands with LINE."""
    id = row["id"]
    yield Item(f"joined:{id}", "joined", row["joined_at"], story_words.JOINED, id)
    if row["left_at"]:
        left, why = story_words.LEFT, row["left_reason"]
        yield Item(f"left:{id}", "left", row["left_at"], left, id, reason=why)
    if row["erased_at"]:
        yield Item(f"erased:{id}", "erased", row["erased_at"], story_words.ERASED, id)
    if row["linked"] and row["friend_changed_at"]:
        title = story_words.FRIEND if row["friend"] else story_words.BLOCKED
        kind = "friend" if row["friend"] else "blocked"
        yield Item(f"{kind}:{id}", kind, row["friend_changed_at"], title, id)
