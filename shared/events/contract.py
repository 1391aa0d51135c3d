"""What every event has: its envelope, and the registry of the contracts of its data."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec

from shared import clock, ids

Data = TypeVar("Data")
Contract = TypeVar("Contract", bound=type[msgspec.Struct])

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its UTC offset: one without is refused, for nobody could say when it was."""

CONTRACTS: dict[str, type[msgspec.Struct]] = {}
_NAMES: dict[type[msgspec.Struct], str] = {}

PUBLIC: set[str] = set()
"""Names of the contracts that the owner's other systems may subscribe to (docs/webhooks-out.md)."""


class Event(msgspec.Struct, Generic[Data], omit_defaults=True):
    """A CloudEvents 1.0 envelope; `subject` is the member it concerns, where there is one.

    `correlationid` is shared by all that followed from one input, `causationid` is the id of the
    event that led straight to this one.
    """

    id: UUID
    source: str
    type: str
    time: Moment
    data: Data
    subject: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


def contract(name: str, *, public: bool = False) -> Callable[[Contract], Contract]:
    """Register a struct as the data of the event `name`.

    `public`: it is told to the owner's other systems that ask for it. Its fields are then a
    promise to them too; those that name a person are withheld (`points.hooks.messages`).
    """

    def register(struct: Contract) -> Contract:
        CONTRACTS[name] = struct
        if public:
            PUBLIC.add(name)
        _NAMES[struct] = name
        return struct

    return register


def name_of(struct: type[msgspec.Struct]) -> str:
    """The wire name of a contract."""
    return _NAMES[struct]


def new_event(
    source: str,
    data: Data,
    *,
    subject: str | None = None,
    cause: Event[Any] | None = None,
    id: UUID | None = None,
) -> Event[Data]:
    """Wrap `data` in an envelope; with a `cause` it joins that event's chain and trace."""
    cause_id = str(cause.id) if cause else None
    return Event(
        id=id or ids.new_id(),
        source=source,
        type=_NAMES[type(data)],  # type: ignore[index]
        time=clock.now(),
        data=data,
        subject=subject or (cause.subject if cause else None),
        correlationid=(cause.correlationid or cause_id) if cause else None,
        causationid=cause_id,
        traceparent=cause.traceparent if cause else None,
    )
