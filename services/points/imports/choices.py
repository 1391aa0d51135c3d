"""What the owner chooses of an import, and what its cells are read by."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from services.points.programs.rulebook import Edition
from services.points.rules.importing import columns, rows
from services.points.rules.importing.rows import Terms
from services.points.store.imports import Import


class Choices(msgspec.Struct, frozen=True):
    """`columns` says what each column (from 0) holds. `bad_rows`: left out, or the whole import
    refused. `again`: who had points brought along by an earlier import gets these too. `consent` is
    where the customers agreed that the shop keeps their attributes; None: these are not taken in.
    """

    columns: dict[str, str]
    has_headings: bool
    bad_rows: Literal["leave_out", "refuse"] = "leave_out"
    again: bool = False
    consent: str | None = None

    @property
    def places(self) -> dict[int, str]:
        """What each column holds, by its place."""
        return {int(place): field for place, field in self.columns.items()}

    @property
    def first_row(self) -> int:
        """The first row that is no heading."""
        return 2 if self.has_headings else 1


class BadChoice(ValueError):
    """A choice that cannot be; `path` says which. The text is for people."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        super().__init__(text)


def checked(choices: Choices, found: Import) -> Choices:
    """The choices, if they fit the file. Raises BadChoice."""
    width = max(len(found.headings or ()), 1)
    fields = list(choices.columns.values())
    for place, field in choices.columns.items():
        if not place.isdecimal() or int(place) >= min(width, columns.MOST_COLUMNS):
            raise BadChoice("columns", f"The file has no column {place}; it has {width}.")
        if fields.count(field) > 1:
            raise BadChoice("columns", f"Two columns cannot both be {field}.")
    if not set(fields) & set(columns.NAMES):
        raise BadChoice(
            "columns", "One column must be the external_id, card or phone: it names the member."
        )
    return choices


def guessed(found: Import) -> Choices:
    """What the first row says, for the owner to correct."""
    guess = columns.guess(found.headings or [], found.preset)
    places = {str(place): field for place, field in guess.columns.items()}
    return Choices(places, guess.has_headings)


def chosen(found: Import) -> Choices:
    """What was chosen of an import, or is guessed."""
    if found.settings is None:
        return guessed(found)
    return msgspec.convert(found.settings, Choices)


def settings_of(choices: Choices) -> dict[str, Any]:
    """The choices as they are stored."""
    return msgspec.structs.asdict(choices)


def terms(choices: Choices, edition: Edition, now: datetime) -> Terms:
    """What cells are read by under the program in force."""
    levels = {level.code: level.name for level in edition.program.ranks.levels}
    return Terms(
        now=now,
        zone=edition.program.zone,
        currency=edition.program.currency,
        ranks=rows.rank_names(levels),
        attributes=choices.consent is not None,
    )
