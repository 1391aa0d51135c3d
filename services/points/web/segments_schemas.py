"""What goes over the wire about segments. Their documents: docs/segments.md."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from services.points.web.schemas import Text

Code = Annotated[
    str,
    Path(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        description="Small letters, digits, - and _; chosen by whoever stores it.",
        examples=["not-seen-14-days"],
    ),
]
Document = Annotated[
    dict[str, Any],
    Field(
        description="Conditions joined by all, any and not; docs/segments.md has them all.",
        examples=[{"all": [{"points": {"min": 1000}}, {"last_visit": {"before_days": 14}}]}],
    ),
]


class InBoth(BaseModel):
    """The same in both languages."""

    ja: str
    en: str


class Defined(BaseModel):
    """A definition that is not stored, to be counted or checked."""

    model_config = ConfigDict(extra="forbid")

    definition: Document


class SegmentChange(BaseModel):
    """A segment to store. `revision`: the one that you saw; another one now is a 409. Left out: it
    replaces whatever there is."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    definition: Document
    revision: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None


class Segment(BaseModel):
    """A segment, with its definition in words. `shipped`: it comes with Tamaru, and its revision is
    0; one that is stored under the same code takes its place."""

    code: str
    name: InBoth
    definition: dict[str, Any]
    words: InBoth
    revision: int
    shipped: bool
    changed_at: datetime | None = None


class SegmentPage(BaseModel):
    """All segments: those shipped first, then the others by code."""

    items: list[Segment]
    next: str | None = None


class SegmentCount(BaseModel):
    """How many members a definition has at a moment, and how many of them LINE reaches."""

    count: int
    reachable_by_line: int
    at: datetime
    words: InBoth


class DefinitionProblem(BaseModel):
    """One thing wrong with a definition: where, and what to do about it."""

    path: str
    ja: str
    en: str


class Checked(BaseModel):
    """Everything that is wrong with a definition; if nothing is, what it says."""

    problems: list[DefinitionProblem]
    words: InBoth | None


class SegmentMember(BaseModel):
    """A member of a segment, with what messages may say. `reachable_by_line`: LINE reaches them, as
    far as is known."""

    id: UUID
    card: str
    reachable_by_line: bool
    points: int
    pending: int
    rank: str | None
    next_rank: str | None
    missing: InBoth | None
    expiring_points: int
    expiring_at: datetime | None
    visits: int
    last_visit_at: datetime | None


class SegmentMemberPage(BaseModel):
    """A page of a segment's members in id order, as of the moment at which it was read."""

    items: list[SegmentMember]
    next: str | None
    at: datetime
