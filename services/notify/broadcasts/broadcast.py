"""What a broadcast is, as stored, and what was counted of its segment. Owns the shapes only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.notify.broadcasts.states import State

EVERYBODY = b'{"all":true}'
GROWTH_LIMIT_PERCENT = 20


class Words(msgspec.Struct, frozen=True):
    """One thing said in both languages."""

    ja: str
    en: str


class Counts(msgspec.Struct, frozen=True):
    """A segment counted: everybody in it, those who get the message by their language, and how
    many do not, by the reason. `calls` are LINE's calls that it takes."""

    people: int = 0
    recipients: int = 0
    languages: dict[str, int] = {}
    left_out: dict[str, int] = {}
    calls: int = 0


class Broadcast(msgspec.Struct, kw_only=True):
    """A row of `broadcasts`. `kind` is what its deliveries are called: the template's name."""

    id: UUID
    name: str
    state: State
    revision: int
    kind: str
    content: str
    definition: str
    growth_limit_percent: int
    personal: bool
    spoken: list[str]
    created_at: datetime
    segment: str | None = None
    request_id: UUID | None = None
    requested_at: datetime | None = None
    stream_id: UUID | None = None
    counted_at: datetime | None = None
    counts: Counts | None = None
    confirmed_recipients: int | None = None
    confirmed_at: datetime | None = None
    at: datetime | None = None
    problem: Words | None = None
    unit: str | None = None
    template_version: int | None = None
    planned_language: str = ""
    planned_user: str = ""
    planned_chunks: int = 0
    planned_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    settled_at: datetime | None = None


FIELDS: Sequence[str] = Broadcast.__struct_fields__
_JSON = ("counts", "problem")


def from_row(row: Any) -> Broadcast:
    """The broadcast in a row of all `FIELDS`."""
    values = dict(row)
    for name, type in (("counts", Counts), ("problem", Words)):
        if values[name] is not None:
            values[name] = msgspec.json.decode(values[name], type=type)
    return Broadcast(**{**values, "state": State(values["state"])})


def to_column(name: str, value: Any) -> Any:
    """A field as the table keeps it."""
    if name in _JSON and value is not None:
        return msgspec.json.encode(value).decode()
    return value.value if isinstance(value, State) else value
