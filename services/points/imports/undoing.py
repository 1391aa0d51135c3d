"""An import is undone, page by page: points come out of the lots that they made, and members who
came by it and did nothing since are no members any more.

What was spent, held or has expired stays, and so does whoever was merged or has left; the row says
which. What was filled in is emptied where it is still as the import left it.
"""

from datetime import datetime

from services.points.accounts.books import Books, open_books
from services.points.imports.taking import IMPORT, SOURCE
from services.points.programs.rulebook import Rulebook
from services.points.rankings import rank_moves
from services.points.rules import profiles
from services.points.rules.importing.attributes import restored, restored_tags
from services.points.rules.profiles import Profile, patched, retagged
from services.points.store import import_effects as effects
from services.points.store import import_people as store
from services.points.store import imports, old_cards
from services.points.store import profiles as profile_store
from services.points.store.import_effects import Done
from services.points.store.import_people import Changed, Person
from services.points.store.imports import Import
from shared import clock, ids
from shared.bus.handling import Batch
from shared.events import MemberUpdated, PointsAdjusted, new_event

PAGE = 500
SPENT, GONE, MERGED = "spent", "gone", "merged"
"""Why a row is left as it is."""


async def page(batch: Batch, rulebook: Rulebook, found: Import) -> None:
    """Undo the next rows of an import, which is locked."""
    connection, now = batch.connection, clock.now()
    rows = await effects.to_undo(connection, found.id, found.position, PAGE)
    if rows:
        await _undo(batch, rulebook, found, rows)
    if len(rows) == PAGE:
        await imports.advance(connection, found.id, rows[-1].number, now)
    else:
        await imports.move(connection, found.id, "undone", now, finished=True)


async def _undo(batch: Batch, rulebook: Rulebook, found: Import, rows: list[Done]) -> None:
    connection = batch.connection
    books = await open_books(connection, rulebook, [row.member_id for row in rows], merged_too=True)
    kept = {row.number: _why_kept(books, row) for row in rows}
    undone = [row for row in rows if kept[row.number] is None]
    members = [row.member_id for row in undone]
    alive = await effects.alive(connection, members)
    leaving = [row.member_id for row in undone if row.fate == "new" and row.member_id not in alive]
    staying = [row for row in undone if row.member_id not in set(leaving)]
    for row in undone:
        _take_out(books, row, found)
    await books.write(batch)
    await _forget(batch, found, staying, books.now)
    await old_cards.drop(connection, found.id, members)
    lifted = await store.lift_floors(
        connection,
        [(member, ids.new_id()) for member in members],
        reason=_reason(found),
        actor=found.asked_by,
        now=books.now,
    )
    if leaving:
        await store.dissolve(connection, leaving, _reason(found), books.now)
    again = sorted({*lifted, *(row.member_id for row in undone if row.spent)} - set(leaving))
    await rank_moves.rank(batch, rulebook, dict.fromkeys(again), evaluation=False, quiet=True)
    await effects.undo(connection, found.id, kept, books.now)


def _why_kept(books: Books, row: Done) -> str | None:
    account = books[row.member_id].account
    if row.merged_from is not None or account.merged_into is not None:
        return MERGED
    if account.status == "left":
        return GONE
    if row.entry_id is None:
        return None
    lot = books[row.member_id].lots.get(row.entry_id)
    return None if lot and lot.remaining == row.points and not lot.held else SPENT


def _take_out(books: Books, row: Done, found: Import) -> None:
    """Points and money that the row brought go again."""
    book = books[row.member_id]
    book.movement.amount_spent -= row.spent
    if row.entry_id is None:
        return
    entry = book.post(
        "transfer",
        -row.points,
        cause=ids.derived_id("import undone", str(found.id), str(row.number)),
        source=IMPORT,
        actor=found.asked_by,
        explanation={
            "points": -row.points,
            "import": str(found.id),
            "row": row.number,
            "file": found.file_name,
        },
        moves=[(row.entry_id, -row.points)],
        reverses=row.entry_id,
    )
    told = PointsAdjusted(
        book.member_id,
        entry.id,
        -row.points,
        book.balance,
        _reason(found),
        book.account.line_user_id,
        quiet=True,
    )
    books.tell(new_event(SOURCE, told, subject=str(book.member_id)))


async def _forget(batch: Batch, found: Import, rows: list[Done], now: datetime) -> None:
    """Empty what was filled in of members who stay."""
    connection = batch.connection
    await store.lock(connection, [row.member_id for row in rows])
    known = await profile_store.find_all(connection, [row.member_id for row in rows])
    people, changes = [], []
    for row in rows:
        before = known[row.member_id]
        after = _emptied(before, row)
        if after == before:
            continue
        old, new = profiles.difference(before, after)
        people.append(Person(row.member_id, after))
        changes.append(Changed(row.member_id, ids.new_id(), old, new))
        told = MemberUpdated(row.member_id, sorted(new))
        batch.emit(new_event(SOURCE, told, subject=str(row.member_id)))
    await store.save(connection, people)
    reason = f"取り込みの取り消し / import undone: {found.file_name}"
    await store.note(connection, changes, reason=reason, actor=found.asked_by, now=now)
    await store.put_back_visits(
        connection,
        [
            (row.member_id, _moment(row.before.get("last_visit_at")))
            for row in rows
            if row.fate == "new" or "last_visit_at" in row.before
        ],
    )


def _emptied(before: Profile, row: Done) -> Profile:
    patch = restored(before, row.before, row.after)
    after = patched(before, patch) if patch else before
    return retagged(after, restored_tags(after, row.before, row.after))


def _moment(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def _reason(found: Import) -> str:
    return f"取り込み / import: {found.file_name}"
