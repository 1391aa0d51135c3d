"""An import is run: page by page, each in one transaction with what it says of its rows, so that
each row has its effect once, however often the process is killed.

Names are locked, then accounts, then members, as everywhere. Nobody is told in LINE: the events are
quiet, and what a rank gives for being reached is not given for what was reached elsewhere.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.accounts.books import Book, Books, Terms, open_books
from services.points.errors import BooksBroken
from services.points.imports import choices, people
from services.points.imports.checking import read_row
from services.points.imports.choices import Choices
from services.points.imports.settled import Settled
from services.points.members.enrolment import Enrolment
from services.points.members.references import written
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.rankings import rank_moves
from services.points.rules import profiles
from services.points.rules.importing import fates
from services.points.rules.importing.attributes import filled
from services.points.rules.importing.fates import Fate
from services.points.rules.importing.rows import Fault, Read, Wanted
from services.points.rules.profiles import Profile, ProfileRefused
from services.points.store import import_effects as effects
from services.points.store import import_people as store
from services.points.store import import_rows, imports, old_cards
from services.points.store import ledger as ledger_store
from services.points.store import profiles as profile_store
from services.points.store.import_effects import Effect
from services.points.store.import_people import Changed, Person
from services.points.store.imports import Import
from services.points.store.members import NewMember
from shared import clock, ids
from shared.bus.handling import Batch, Connection
from shared.events import MemberUpdated, PointsAdjusted, new_event

SOURCE = "/points/imports"
IMPORT = "import"
"""The `source` of entries that imports make."""

PAGE = 250
"""Rows in one transaction: each locks up to seven names, and others need locks too."""


class Taking:
    """Runs imports, with the program's versions that it keeps in memory."""

    def __init__(self, rulebook: Rulebook, awards: Awards, enrolment: Enrolment) -> None:
        self._rulebook = rulebook
        self._awards = awards
        self._enrolment = enrolment

    async def page(self, batch: Batch, found: Import) -> None:
        """Take in the next rows of an import, which is locked."""
        connection, now = batch.connection, clock.now()
        await self._rulebook.refresh(connection)
        made = choices.chosen(found)
        after = max(found.position, made.first_row - 1)
        stored = await import_rows.good_page(connection, found.id, after, PAGE)
        if stored:
            terms = choices.terms(made, self._rulebook.current(), now)
            rows = {row.number: read_row(row, made, terms) for row in stored}
            done = await self._take(batch, found, made, rows)
            await effects.add(connection, found.id, done, now)
        if len(stored) == PAGE:
            await imports.advance(connection, found.id, stored[-1].number, now)
        else:
            await imports.move(
                connection, found.id, "done", now, position=found.rows, finished=True
            )

    async def _take(
        self, batch: Batch, found: Import, made: Choices, rows: dict[int, Read]
    ) -> list[Effect]:
        connection = batch.connection
        names = sorted({written(name) for each in rows.values() for name in each.wanted.names})
        await ledger_store.lock_references(connection, names)
        shop = await people.shop(connection, (each.wanted for each in rows.values()))
        decided = {
            number: fates.fate(each, shop, this=found.id, firsts={}, again=made.again)
            for number, each in rows.items()
        }
        page = _Page(found, made, rows, decided, clock.now())
        page.keep_out_repeats()
        await self._add_new(batch, page)
        books = await self._open(connection, page)
        page.keep_out_who_left(books)
        await _know(batch, page)
        for number, member in page.members():
            _bring(books, books[member], page, number)
        await books.write(batch)
        await self._rank(batch, page, books.now)
        await self._awards.award_waiting(batch, page.bearers)
        return page.effects()

    async def _add_new(self, batch: Batch, page: "_Page") -> None:
        """Members for rows that lead to nobody, with fresh cards; their old ones lead to them."""
        coming = [(n, _new_member(page.come(n), wanted)) for n, wanted in page.wanted(fates.NEW)]
        added = await self._enrolment.add(batch, [person for _, person in coming])
        there = {person.id: person for person in added}
        for number, person in coming:
            if person.id in there:
                page.welcome(number, there[person.id])
            else:
                page.refuse(number, Fault("names_differ"))

    async def _open(self, connection: Connection, page: "_Page") -> Books:
        """The books of all members of the page; a row whose member's do not add up is refused."""
        while True:
            try:
                members = [member for _, member in page.members()]
                return await open_books(connection, self._rulebook, members)
            except BooksBroken as problem:
                page.refuse_member(problem.member, Fault("books_broken"))

    async def _rank(self, batch: Batch, page: "_Page", now: datetime) -> None:
        """Floors, and ranks by what was spent before; quietly."""
        levels = {level.code for level in self._rulebook.current().program.ranks.levels}
        floors = [
            (member, ids.new_id(), wanted.rank, wanted.rank_until)
            for number, member in page.members()
            if (wanted := page.rows[number].wanted).rank in levels and wanted.rank is not None
        ]
        await store.put_floors(
            batch.connection, floors, reason=page.reason, actor=page.actor, now=now
        )
        moved = [
            member
            for number, member in page.members()
            if page.rows[number].wanted.rank or page.rows[number].wanted.spent
        ]
        causes = dict.fromkeys(sorted(moved))
        await rank_moves.rank(batch, self._rulebook, causes, evaluation=False, quiet=True)


class _Page:
    """Rows that are taken in together, and what becomes of each."""

    def __init__(
        self,
        found: Import,
        made: Choices,
        rows: dict[int, Read],
        decided: dict[int, Fate],
        now: datetime,
    ) -> None:
        self.found = found
        self.made = made
        self.rows = rows
        self.fates = decided
        self.now = now
        self.bearers: list[NewMember] = []
        """Who came to bear names, for purchases that waited for these."""

        self.newcomers: dict[int, Profile] = {}
        """What is known of those who come with rows."""

        self.settled = {number: Settled() for number in rows}

    @property
    def reason(self) -> str:
        """Why things changed, as members' histories tell it."""
        return f"取り込み / import: {self.found.file_name}"

    @property
    def actor(self) -> str:
        """Who asked for the import."""
        return self.found.asked_by

    def wanted(self, kind: str) -> list[tuple[int, Wanted]]:
        """Rows of this fate."""
        return [(n, self.rows[n].wanted) for n, fate in self.fates.items() if fate.kind == kind]

    def known(self, number: int, before: Profile) -> Profile:
        """What is known of a row's member with what the row tells."""
        try:
            return filled(before, self.rows[number].wanted, self.made.consent, self.now)
        except ProfileRefused:  # too many tags or fields already: what is there stays
            return before

    def come(self, number: int) -> Profile:
        """The same of somebody who comes with the row, noted."""
        known = self.known(number, _named(self.rows[number].wanted))
        self.newcomers[number] = known
        return known

    def members(self) -> list[tuple[int, UUID]]:
        """Rows that are taken in, with their members."""
        return [
            (number, fate.member_id)
            for number, fate in self.fates.items()
            if fate.kind in (fates.NEW, fates.MATCHED) and fate.member_id is not None
        ]

    def welcome(self, number: int, member: NewMember) -> None:
        """A row's member is there."""
        self.fates[number] = msgspec.structs.replace(self.fates[number], member_id=member.id)
        self.bearers.append(member)

    def refuse(self, number: int, fault: Fault) -> None:
        """A row is not taken in after all."""
        fate = self.fates[number]
        self.fates[number] = Fate(fates.BAD, fate.member_id, fate.matched_by, [fault])

    def refuse_member(self, member: UUID, fault: Fault) -> None:
        """The same for the row of a member."""
        for number, each in self.members():
            if each == member:
                self.refuse(number, fault)

    def keep_out_repeats(self) -> None:
        """Since the dry run two rows may have come to lead to one member."""
        seen: dict[UUID, int] = {}
        for number, member in self.members():
            if member in seen:
                self.refuse(number, Fault("same_member", None, str(seen[member])))
            seen.setdefault(member, number)

    def keep_out_who_left(self, books: Books) -> None:
        """Whoever waited for the lock sees there who has left meanwhile."""
        for number, member in self.members():
            if books[member].account.status == "left":
                self.refuse(number, Fault("member_left"))

    def effects(self) -> list[Effect]:
        """What was done, to be noted."""
        return [
            Effect(
                number,
                fate.kind,
                fate.member_id,
                faults=fate.faults,
                **self.settled[number].facts(),
            )
            for number, fate in self.fates.items()
        ]


async def _know(batch: Batch, page: _Page) -> None:
    """Fill in what is known of the members, and let old cards lead to them."""
    connection = batch.connection
    members = page.members()
    matched = [member for number, member in members if number not in page.newcomers]
    await store.lock(connection, matched)
    there = await profile_store.find_all(connection, matched)
    people_, changes = [], []
    for number, member in members:
        new = number in page.newcomers
        before = _named(page.rows[number].wanted) if new else there[member]
        after = page.newcomers[number] if new else page.known(number, before)
        if after == before:
            continue
        people_.append(Person(member, after, itself=not new))
        if not new:
            changed = _change(batch, member, before, after)
            changes.append(changed)
            page.settled[number].learnt(changed.before, changed.after)
            names = NewMember(id=member, external_id=after.external_id, phone=after.phone)
            page.bearers.append(names)
    await _note_visits(connection, page)
    await store.save(connection, people_)
    await store.note(connection, changes, reason=page.reason, actor=page.actor, now=page.now)
    cards = [(card, member) for n, member in members if (card := _old_card(page, n, member))]
    await old_cards.add(connection, page.found.id, cards)
    page.bearers += [NewMember(id=member, card=card) for card, member in cards]


async def _note_visits(connection: Connection, page: _Page) -> None:
    """When members were last seen, as far as rows tell otherwise: for undoing, which knows it of
    those who came with rows."""
    seen = [each for each in page.members() if each[0] not in page.newcomers]
    told = [(n, m) for n, m in seen if page.rows[n].wanted.last_visit]
    visits = await store.last_visits(connection, [member for _, member in told]) if told else {}
    for number, member in told:
        page.settled[number].learnt({"last_visit_at": visits.get(member)}, {})


def _named(wanted: Wanted) -> Profile:
    """Somebody of whom nothing but names is known."""
    return Profile(external_id=wanted.external_id, phone=wanted.phone)


def _new_member(known: Profile, wanted: Wanted) -> NewMember:
    return NewMember(
        id=ids.new_id(),
        external_id=known.external_id,
        phone=known.phone,
        birthday=known.birthday,
        joined=wanted.joined,
    )


def _change(batch: Batch, member: UUID, before: Profile, after: Profile) -> Changed:
    old, new = profiles.difference(before, after)
    batch.emit(new_event(SOURCE, MemberUpdated(member, sorted(new)), subject=str(member)))
    return Changed(member, ids.new_id(), old, new)


def _old_card(page: _Page, number: int, member: UUID) -> str | None:
    """The row's card, unless it led here already."""
    fate, card = page.fates[number], page.rows[number].wanted.card
    return None if fate.matched_by == "card" else card


def _bring(books: Books, book: Book, page: _Page, number: int) -> None:
    """Points by an entry of their own, and what was spent and seen before."""
    wanted, settled = page.rows[number].wanted, page.settled[number]
    if wanted.spent:
        book.movement.amount_spent += wanted.spent
        settled.spent = wanted.spent
    if wanted.last_visit:
        book.movement.last_visit_at = wanted.last_visit
    if not wanted.points:
        return
    entry = book.post(
        "transfer",
        wanted.points,
        cause=cause(page.found.id, number),
        source=IMPORT,
        actor=page.actor,
        explanation=_explained(page.found, number, wanted.points),
        terms=_terms(books, wanted),
    )
    settled.brought(entry.id, wanted.points)
    told = PointsAdjusted(
        book.member_id,
        entry.id,
        wanted.points,
        book.balance,
        page.reason,
        book.account.line_user_id,
        quiet=True,
    )
    books.tell(new_event(SOURCE, told, subject=str(book.member_id)))


def _terms(books: Books, wanted: Wanted) -> Terms:
    """The expiry that the row gives, or else that of points given today."""
    if wanted.points_until is not None:
        return Terms(expires_at=wanted.points_until)
    return Terms.of(books.edition, books.now)


def _explained(found: Import, number: int, points: int) -> dict[str, Any]:
    return {"points": points, "import": str(found.id), "row": number, "file": found.file_name}


def cause(id: UUID, number: int) -> UUID:
    """The cause of the entry of a row: the ledger has it once."""
    return ids.derived_id("import", str(id), str(number))
