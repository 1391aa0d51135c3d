"""Answers that are the same everywhere, as documented."""

from pydantic import BaseModel


class ProblemField(BaseModel):
    """One thing wrong with the input."""

    path: str
    message: str


class Problem(BaseModel):
    """RFC 9457: what is wrong and what to do."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemField] | None = None
