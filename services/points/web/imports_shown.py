"""Imports as the API shows them, and the pages too."""

from collections.abc import Sequence

from services.points.imports import choices
from services.points.programs.rulebook import Rulebook
from services.points.rules import redemption
from services.points.rules.explain import Words
from services.points.rules.importing import words
from services.points.rules.importing.rows import Fault
from services.points.store import import_effects, import_rows
from services.points.store import imports as store
from services.points.store.imports import Import
from services.points.web import imports_schemas as schemas
from shared.bus.handling import Connection

FIRST_ROWS = 6
BEFORE_CHOICES = ("reading", "failed")


async def shown(connection: Connection, rulebook: Rulebook, found: Import) -> schemas.Import:
    """An import with its first rows, what was chosen or is guessed, and what it came to."""
    await rulebook.refresh(connection)
    first = await import_rows.first(connection, found.id, FIRST_ROWS)
    made = None if found.state in BEFORE_CHOICES else choices.chosen(found)
    totals = None
    if found.totals is not None:
        totals = schemas.ImportTotals(**found.totals, value=worth(rulebook, found.totals["points"]))
    return schemas.Import(
        id=found.id,
        state=found.state,
        file_name=found.file_name,
        size=found.size,
        preset=found.preset,
        encoding=found.encoding,
        delimiter=found.delimiter,
        headings=found.headings or [],
        first_rows=[schemas.ImportRow(number=row.number, cells=row.cells) for row in first],
        choices=schemas.ImportChoices(**choices.settings_of(made)) if made else None,
        rows=found.rows,
        position=found.position,
        totals=totals,
        done=await _done(connection, found),
        same_file_as=await store.twin(connection, found),
        problem=schemas.BothLanguages(**found.problem) if found.problem else None,
        has_contents=bool(first),
        asked_by=found.asked_by,
        asked_at=found.asked_at,
        changed_at=found.changed_at,
        finished_at=found.finished_at,
    )


def worth(rulebook: Rulebook, points: int) -> int:
    """What points are worth when they are spent, in minor units."""
    if rulebook.empty:
        return 0
    return redemption.value_of(rulebook.current().program.redemption, points)


async def _done(connection: Connection, found: Import) -> schemas.ImportDone | None:
    if found.state not in ("running", "paused", "done", "undoing", "undone"):
        return None
    counts = await import_effects.counts(connection, found.id)
    return schemas.ImportDone(last_row=counts.pop("last"), **counts)


def verdict(row: import_rows.Shown) -> schemas.ImportVerdict:
    """A row with what the dry run says."""
    return schemas.ImportVerdict(
        number=row.number,
        fate=row.fate,
        member_id=row.member_id,
        matched_by=row.matched_by,
        points=row.points,
        faults=_remarks(row.faults),
        notes=_remarks(row.notes),
        cells=row.cells,
    )


def effect(row: import_effects.Shown) -> schemas.ImportEffect:
    """A row with what was done."""
    return schemas.ImportEffect(
        number=row.number,
        fate=row.fate,
        member_id=row.member_id,
        entry_id=row.entry_id,
        points=row.points,
        faults=_remarks(row.faults),
        undone_at=row.undone_at,
        kept=row.kept,
    )


def _remarks(faults: Sequence[Fault]) -> list[schemas.ImportRemark]:
    return [
        schemas.ImportRemark(kind=each.kind, column=each.field, words=_both(words.sentence(each)))
        for each in faults
    ]


def _both(said: Words) -> schemas.BothLanguages:
    return schemas.BothLanguages(ja=said.ja, en=said.en)
