"""What goes over the wire about the program: versions, checks, differences."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from services.points.programs.timeline import Placed
from services.points.rules.advice import Caution
from services.points.rules.differences import Difference
from services.points.rules.problem_words import in_both
from services.points.rules.sentences import Sentence
from services.points.rules.terms import Problem
from shared.web.schemas import ProblemField


class Published(BaseModel):
    """A version of the program. `until` is when a later version takes over, as far as one is
    published; `withdrawn_at` is there for one that was taken back before it started."""

    version: int
    state: Literal["scheduled", "in_force", "past", "withdrawn"]
    effective_from: datetime
    until: datetime | None
    published_at: datetime
    published_by: str
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None


class VersionPage(BaseModel):
    """All versions, newest first."""

    items: list[Published]
    next: str | None = None


class PublishedDocument(Published):
    """A version with its document, as it was put."""

    document: Any


class Doubt(BaseModel):
    """Something allowed that is hardly meant, in words."""

    path: str
    text: dict[str, str]


class Changed(BaseModel):
    """A difference. Items of lists go by key (`accrual.rules[base].per`); `before` null: it was not
    there, `after` null: it is there no more."""

    path: str
    before: Any
    after: Any
    text: dict[str, str]


class Differences(BaseModel):
    """What changed on the way from one version (`before`, null: nothing yet) to another."""

    before: int | None
    after: int
    items: list[Changed]


class Flaw(ProblemField):
    """Something that keeps a document from being published; `text` says it in both languages."""

    text: dict[str, str]


class Said(BaseModel):
    """A part of the program in a plain sentence; `name` is what the owner called it."""

    path: str
    name: str
    text: dict[str, str]


class Checked(BaseModel):
    """Whether a document can be published, what would change against the version in force, and what
    it says.

    `warnings`, `differences` and `sentences` are there for a valid document only.
    """

    valid: bool
    problems: list[Flaw]
    warnings: list[Doubt]
    differences: list[Changed]
    sentences: list[Said] = []


def published(placed: Placed) -> Published:
    """A version as the API shows it."""
    version, word = placed.version, placed.withdrawn
    return Published(
        version=version.version,
        state=placed.state,
        effective_from=version.effective_from,
        until=placed.until,
        published_at=version.published_at,
        published_by=version.published_by,
        withdrawn_at=word.published_at if word else None,
        withdrawn_by=word.published_by if word else None,
    )


def changed(difference: Difference) -> Changed:
    """A difference as the API shows it."""
    return Changed(
        path=difference.path,
        before=difference.before,
        after=difference.after,
        text=difference.text,
    )


def doubt(caution: Caution) -> Doubt:
    """A warning as the API shows it."""
    return Doubt(path=caution.path, text=caution.text)


def flaw(problem: Problem) -> Flaw:
    """What is wrong as the API shows it."""
    return Flaw(path=problem.path, message=problem.message, text=in_both(problem)._asdict())


def said(sentence: Sentence) -> Said:
    """A sentence as the API shows it."""
    return Said(path=sentence.path, name=sentence.name, text=sentence.words._asdict())
