"""Imports over the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

State = Literal[
    "reading",
    "mapping",
    "checking",
    "checked",
    "running",
    "paused",
    "done",
    "undoing",
    "undone",
    "failed",
]
FieldName = Literal[
    "external_id",
    "card",
    "phone",
    "name",
    "birthday",
    "area",
    "note",
    "tags",
    "points",
    "points_until",
    "rank",
    "rank_until",
    "joined",
    "last_visit",
    "spent",
]
Place = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]?)$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class BothLanguages(BaseModel):
    """The same in Japanese and English."""

    ja: str
    en: str


class ImportChoices(BaseModel):
    """`columns`: what each column (from "0") holds; others are not read. `bad_rows`: left out, or
    the whole import refused. `again`: also for members to whom an earlier import brought points.
    `consent`: where the customers agreed that name, birthday, area and note are kept; without it
    these are left out."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[Place, FieldName]
    has_headings: bool = True
    bad_rows: Literal["leave_out", "refuse"] = "leave_out"
    again: bool = False
    consent: Text | None = None


class Undoing(BaseModel):
    """`spent`: refuse to undo anything where points of it were spent, or keep those rows."""

    model_config = ConfigDict(extra="forbid")

    spent: Literal["refuse", "keep"] = "refuse"


class ImportTotals(BaseModel):
    """What would come of it: rows by what becomes of them, points that would be owed, and their
    worth in minor units."""

    new: int
    matched: int
    skipped: int
    bad: int
    noted: int
    ranked: int
    with_points: int
    points: int
    value: int


class ImportDone(BaseModel):
    """What has been done so far, and undone of it; `kept` rows were left by an undoing."""

    new: int
    matched: int
    skipped: int
    bad: int
    points: int
    undone: int
    kept: int
    last_row: int


class ImportRow(BaseModel):
    """A row as it stands in the file."""

    number: int
    cells: list[str]


class Import(BaseModel):
    """An import. Rows are numbered as a spreadsheet shows them. `position` is the last row that was
    dealt with at this step; `totals` what the dry run came to, `done` what was done."""

    id: UUID
    state: State
    file_name: str
    size: int
    preset: str
    encoding: str | None
    delimiter: str | None
    headings: list[str]
    first_rows: list[ImportRow]
    choices: ImportChoices | None
    rows: int
    position: int
    totals: ImportTotals | None
    done: ImportDone | None
    same_file_as: UUID | None
    problem: BothLanguages | None
    has_contents: bool
    asked_by: str
    asked_at: datetime
    changed_at: datetime
    finished_at: datetime | None


class ImportPage(BaseModel):
    """A page of imports, newest first."""

    items: list[Import]
    next: str | None


class ImportRemark(BaseModel):
    """What is wrong with a cell, or how it was read; `column` null: with the row."""

    kind: str
    column: str | None
    words: BothLanguages


class ImportVerdict(BaseModel):
    """What becomes of a row: new, matched (by which name), skipped or bad, and why."""

    number: int
    fate: Literal["new", "matched", "skipped", "bad"]
    member_id: UUID | None
    matched_by: str | None
    points: int
    faults: list[ImportRemark]
    notes: list[ImportRemark]
    cells: list[str]


class ImportVerdictPage(BaseModel):
    """A page of rows; `next` is the cursor of the following one."""

    items: list[ImportVerdict]
    next: str | None


class ImportEffect(BaseModel):
    """What was done for a row; `kept` says why an undoing left it: spent, gone or merged."""

    number: int
    fate: Literal["new", "matched", "skipped", "bad"]
    member_id: UUID | None
    entry_id: UUID | None
    points: int
    faults: list[ImportRemark]
    undone_at: datetime | None
    kept: str | None


class ImportEffectPage(BaseModel):
    """A page of rows; `next` is the cursor of the following one."""

    items: list[ImportEffect]
    next: str | None


class Takeout(BaseModel):
    """A copy of everything: waiting, writing (`section`, `rows` so far), done (`size` in bytes),
    failed or cancelled. It is deleted at `kept_until`."""

    id: UUID
    status: Literal["waiting", "writing", "done", "failed", "cancelled"]
    section: str | None
    rows: int
    size: int
    taken_at: datetime | None
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    kept_until: datetime


class TakeoutPage(BaseModel):
    """The last copies, newest first."""

    items: list[Takeout]
    next: str | None = None
