"""Spending points at a till: held (authorised), then captured or voided, or spent in one step.

The account's lock makes tills queue for one member, so however many redeem at the same moment,
they never take more than the balance. What a hold sets aside nobody else can spend; a hold that is
neither captured nor voided in time is let go.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace

from services.points.accounts.books import Books, open_books
from services.points.errors import NotSpendable, RedemptionOver
from services.points.programs.rulebook import Rulebook
from services.points.rules import redemption as rules
from services.points.rules.lots import Takes
from services.points.store import redemptions as store
from services.points.store.redemptions import Stored
from shared import clock, outbox
from shared.bus.handling import Batch, Connection
from shared.db import Pool
from shared.events import PointsRedeemed, new_event

SOURCE = "/points/redemptions"
PAGE = 100


async def redeem(
    batch: Batch,
    rulebook: Rulebook,
    *,
    id: UUID,
    member_id: UUID,
    store_code: str,
    terminal: UUID,
    actor: str,
    points: int,
    purchase_total: int | None,
    capture: bool,
) -> Stored:
    """Hold points, or spend them at once; `id` is the redemption's.

    Raises NotEnoughPoints with the balance, NotSpendable where the program forbids it.
    """
    books = await open_books(batch.connection, rulebook, [member_id])
    book, program = books[member_id], books.edition.program
    await _let_go_due(batch.connection, books, [member_id])
    if book.account.status != "active":
        raise NotSpendable(
            "not-active", "この会員は現在ご利用いただけません。", "The member is not active."
        )
    if why := rules.refusal(program.redemption, points, purchase_total):
        raise NotSpendable(why.kind, why.ja, why.en)
    made = Stored(
        member_id=member_id,
        id=id,
        store=store_code,
        status="authorised",
        points=points,
        value=rules.value_of(program.redemption, points),
        captured=0,
        returned=0,
        purchase_total=purchase_total,
        holds=book.hold(points),
        entry_id=None,
        expires_at=books.now + timedelta(minutes=program.redemption.hold_minutes),
    )
    if capture:
        made = _capture(books, made, points, made.value, actor)
    await books.write(batch)
    await store.add(batch.connection, made, terminal, books.edition.version, books.now)
    return made


async def capture(
    batch: Batch, rulebook: Rulebook, asked: Stored, points: int | None, actor: str
) -> Stored:
    """Spend `points` (None: all) of what is held; the rest is let go.

    Raises RedemptionOver when it is finished already, NotSpendable for more than was held.
    """
    books, held = await _open(batch.connection, rulebook, asked)
    wanted = held.points if points is None else points
    if not 0 < wanted <= held.points:
        raise NotSpendable(
            "more-than-held",
            f"確保されているのは{held.points}ポイントです。",
            f"{held.points} points are held. Capture 1 to {held.points}.",
        )
    value = held.value * wanted // held.points
    done = _capture(books, held, wanted, value, actor)
    await books.write(batch)
    await store.finish(batch.connection, done, books.now)
    return done


async def void(batch: Batch, rulebook: Rulebook, asked: Stored) -> Stored:
    """Let the held points go. Raises RedemptionOver when it is finished already."""
    books, held = await _open(batch.connection, rulebook, asked)
    done = _let_go(books, held, "voided")
    await books.write(batch)
    await store.finish(batch.connection, done, books.now)
    return done


async def time_out(pool: Pool, relay: outbox.Relay, rulebook: Rulebook) -> None:
    """Let go whatever was held too long, a page of members at a time."""
    while True:
        async with pool.acquire() as connection, connection.transaction():
            await rulebook.refresh(connection)
            batch = Batch(connection)
            members = await store.members_due(connection, clock.now(), PAGE)
            if rulebook.empty or not members:
                return
            books = await open_books(connection, rulebook, members)
            await _let_go_due(connection, books, members)
            await books.write(batch)
            rows = await outbox.write(connection, batch.emitted)
        await relay.hand_over(rows)


async def let_all_go(connection: Connection, books: Books, member: UUID) -> None:
    """Let go of all that a member's redemptions under way hold; they are voided."""
    await _let_go_due(connection, books, [member])
    for held in await store.under_way(connection, member):
        await store.finish(connection, _let_go(books, held, "voided"), books.now)


async def _open(connection: Connection, rulebook: Rulebook, asked: Stored) -> tuple[Books, Stored]:
    """The books of a redemption's member, and the redemption as it is now, still held."""
    books = await open_books(connection, rulebook, [asked.member_id])
    await _let_go_due(connection, books, [asked.member_id])
    now = await store.find(connection, asked.member_id, asked.id)
    assert now is not None  # noqa: S101 - redemptions are never deleted
    if now.status != "authorised":
        raise RedemptionOver(now.status)
    return books, now


async def _let_go_due(connection: Connection, books: Books, members: Sequence[UUID]) -> None:
    for held in await store.due(connection, members, books.now):
        await store.finish(connection, _let_go(books, held, "expired"), books.now)


def _let_go(books: Books, held: Stored, status: str) -> Stored:
    book = books[held.member_id]
    book.let_go(held.holds)
    book.pay_debt(held.id, "redemption", held.holds)
    return replace(held, status=status, value=0)


def _capture(books: Books, held: Stored, points: int, value: int, actor: str) -> Stored:
    book = books[held.member_id]
    book.let_go(held.holds)
    entry = book.post(
        "redeem",
        -points,
        cause=held.id,
        source="redemption",
        actor=actor,
        explanation=_facts(books, held, points, value),
        moves=_first(held.holds, points),
    )
    book.movement.spent += points
    book.movement.last_activity_at = books.now
    book.pay_debt(held.id, "redemption", held.holds)
    told = PointsRedeemed(
        held.member_id,
        entry.id,
        held.id,
        points,
        value,
        book.balance,
        held.store,
        book.account.line_user_id,
    )
    books.tell(new_event(SOURCE, told, subject=str(held.member_id)))
    return replace(held, status="captured", captured=points, value=value, entry_id=entry.id)


def _facts(books: Books, held: Stored, points: int, value: int) -> dict[str, object]:
    return {
        "points": -points,
        "redemption": str(held.id),
        "store": held.store,
        "value": value,
        "currency": books.edition.program.currency,
    }


def _first(holds: Takes, points: int) -> Takes:
    """The moves that take `points` out of what was held, in the order in which it was taken."""
    moves: Takes = []
    for lot, held in holds:
        if points:
            moves.append((lot, -min(held, points)))
            points -= min(held, points)
    return moves
