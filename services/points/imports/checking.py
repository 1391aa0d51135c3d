"""The dry run: what would become of each row, page by page; nothing but that is written."""

from services.points.imports import choices, people
from services.points.members.references import written
from services.points.programs.rulebook import Rulebook
from services.points.rules.importing import fates
from services.points.rules.importing import rows as reader
from services.points.rules.importing.fates import Fate, Name, Shop
from services.points.rules.importing.rows import Fault, Read, Terms, Wanted
from services.points.store import import_rows as store
from services.points.store import imports
from services.points.store.import_rows import Stored, Verdict
from services.points.store.imports import Import
from shared import clock
from shared.bus.handling import Connection

PAGE = 1_000


async def page(connection: Connection, rulebook: Rulebook, found: Import) -> None:
    """Try out the next rows of an import, which is locked; after the last one, sum up."""
    await rulebook.refresh(connection)
    now, made = clock.now(), choices.chosen(found)
    terms = choices.terms(made, rulebook.current(), now)
    after = max(found.position, made.first_row - 1)
    rows = await store.page(connection, found.id, after, PAGE)
    if rows:
        await _try_out(connection, found, made, terms, rows)
    if len(rows) == PAGE:
        await imports.advance(connection, found.id, rows[-1].number, now)
        return
    await imports.total(connection, found.id, await store.totals(connection, found.id))
    await imports.move(connection, found.id, "checked", now, position=found.rows)


async def _try_out(
    connection: Connection,
    found: Import,
    made: choices.Choices,
    terms: Terms,
    rows: list[Stored],
) -> None:
    read = {row.number: read_row(row, made, terms) for row in rows}
    good = {number: each.wanted for number, each in read.items() if not each.faults}
    shop = await people.shop(connection, (each.wanted for each in read.values()))
    bearers = {number: [*wanted.names, *_ids(wanted, shop)] for number, wanted in good.items()}
    names = [(written(name), number) for number, borne in bearers.items() for name in borne]
    firsts = await store.claim(connection, found.id, names)
    verdicts = []
    for number, each in read.items():
        borne = bearers.get(number, [])
        earlier = {
            name: first for name in borne if (first := firsts.get(written(name), number)) < number
        }
        fate = fates.fate(each, shop, this=found.id, firsts=earlier, again=made.again)
        verdicts.append(_verdict(number, each, fate))
    await store.keep(connection, found.id, verdicts)


def read_row(row: Stored, made: choices.Choices, terms: Terms) -> Read:
    """What a row wants; one that could not be read wants nothing."""
    if row.fault is not None:
        return Read(Wanted(), [Fault(row.fault)], [])
    return reader.read(row.cells, made.places, terms)


def _ids(wanted: Wanted, shop: Shop) -> list[Name]:
    """The member to whom a row leads, as a name: so a second row of theirs is found, too."""
    ids = {str(shop.members[name].id) for name in wanted.names if name in shop.members}
    return [("id", id) for id in sorted(ids)]


def _verdict(number: int, read: Read, fate: Fate) -> Verdict:
    return Verdict.of(number, fate, points=read.wanted.points, ranked=read.wanted.rank is not None)
