"""What goes over the wire about broadcasts."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Word = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC))
]
Percent = Annotated[int, Field(ge=0, le=10_000)]
Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]

State = Literal[
    "draft", "counting", "ready", "scheduled", "recounting", "sending", "paused", "sent",
    "cancelled",
]  # fmt: skip
Status = Literal[
    "waiting", "held", "delivered", "failed", "skipped", "unknown", "cancelled", "dropped"
]


def _sendable(document: Any) -> Any:
    """Only what can be written as JSON in UTF-8 again: Python reads NaN and half characters too."""
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise ValueError(
            "write it as JSON in UTF-8: no NaN, no half characters, less deep"
        ) from None
    return document


Messages = Annotated[
    list[dict[str, Any]], Field(min_length=1, max_length=5), AfterValidator(_sendable)
]


class BroadcastMessages(BaseModel):
    """Messages as LINE takes them, with variables. Without `en` everybody gets `ja`."""

    model_config = ConfigDict(extra="forbid")

    ja: Messages
    en: Messages | None = None


class BroadcastContent(BaseModel):
    """Either a template's name or messages."""

    model_config = ConfigDict(extra="forbid")

    template: Word | None = None
    messages: BroadcastMessages | None = None

    @model_validator(mode="after")
    def _one(self) -> "BroadcastContent":
        if (self.template is None) == (self.messages is None):
            raise ValueError("give either template or messages")
        return self


Definition = Annotated[dict[str, Any], Field(examples=[{"all": True}]), AfterValidator(_sendable)]


class NewBroadcast(BaseModel):
    """`definition` is a segment's document (everybody if left out), `segment` the code of the
    stored segment that it is of, if any. `growth_limit_percent`: by how much more recipients than
    confirmed it may go out without asking again."""

    model_config = ConfigDict(extra="forbid")

    name: Word
    content: BroadcastContent
    definition: Definition = {"all": True}
    segment: Word | None = None
    growth_limit_percent: Percent = 20


class BroadcastChanges(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Word | None = None
    content: BroadcastContent | None = None
    definition: Definition | None = None
    segment: Word | None = None
    growth_limit_percent: Percent | None = None


class BroadcastConfirmation(BaseModel):
    """`revision` is the one whose numbers were seen; `at` when to send (now if left out)."""

    model_config = ConfigDict(extra="forbid")

    revision: Revision
    at: Moment | None = None


class BroadcastResumption(BaseModel):
    """`revision` is needed where the broadcast asks again because of its number."""

    model_config = ConfigDict(extra="forbid")

    revision: Revision | None = None


class BroadcastTest(BaseModel):
    """Which member gets a test in which language. Variables hold examples."""

    model_config = ConfigDict(extra="forbid")

    member: UUID
    language: Literal["ja", "en"] = "ja"


class BroadcastProblem(BaseModel):
    """For people, in both languages."""

    ja: str
    en: str


class BroadcastCount(BaseModel):
    """The segment as of `at`. `recipients` get it; `left_out` do not, by reason: `no_line`,
    `blocked`, `opted_out` (of campaigns), `erased`. `calls` to LINE take about `seconds` at the
    pace that is set. `difference` is to what was confirmed."""

    at: datetime
    people: int
    recipients: int
    languages: dict[str, int]
    left_out: dict[str, int]
    calls: int
    seconds: int
    difference: int | None


class BroadcastCost(BaseModel):
    """What it would cost now: `added_yen` is by how much LINE's bill grows, `value_yen` what the
    messages stand for by the price plan; null without one. `fitting` of the recipients fit this
    month, and `bound` says what stops the rest; `then` is what happens to it."""

    fits: bool
    fitting: int
    bound: str | None
    then: str
    held_until: datetime
    added_yen: int | None
    value_yen: int | None
    quota_left: int | None
    budget_left: int | None


class BroadcastProgress(BaseModel):
    """Deliveries by status so far; `ends_at` is estimated from the pace that is set."""

    recipients: int
    by_status: dict[str, int]
    ends_at: datetime | None


class BroadcastAct(BaseModel):
    """Who did what when; `actor` is the API key's terminal, null for the service itself."""

    act: str
    at: datetime
    actor: UUID | None
    detail: str | None


class Broadcast(BaseModel):
    """A broadcast. `revision` rises with every change of what is to be confirmed. `personal`: each
    recipient's message is made for them, and pushed; else it goes out by multicast."""

    id: UUID
    name: str
    state: State
    revision: int
    content: dict[str, Any]
    definition: dict[str, Any]
    segment: str | None
    growth_limit_percent: int
    personal: bool
    languages: list[str]
    counted: BroadcastCount | None
    confirmed_recipients: int | None
    confirmed_at: datetime | None
    at: datetime | None
    problem: BroadcastProblem | None
    unit: str | None
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime


class BroadcastInFull(Broadcast):
    """A broadcast with how far it is and what was done to it."""

    cost: BroadcastCost | None
    progress: BroadcastProgress | None
    acts: list[BroadcastAct]


class BroadcastPage(BaseModel):
    """A page of broadcasts, newest first."""

    items: list[Broadcast]
    next: str | None = None


class BroadcastRecipient(BaseModel):
    """Somebody whom it concerned, and what became of it."""

    id: UUID
    line_user_id: str
    member: UUID | None
    status: Status
    reason: str | None
    language: str | None
    via: str | None
    tries: int
    line_request_id: str | None
    finished_at: datetime | None


class BroadcastRecipientPage(BaseModel):
    """A page of recipients, in the order in which they were planned."""

    items: list[BroadcastRecipient]
    next: str | None = None


class BroadcastReason(BaseModel):
    """So many, for this reason."""

    reason: str
    count: int


class BroadcastReport(BaseModel):
    """The result. `delivered` were accepted by LINE, which is not seen by people; `unknown` may
    have got it; `left_out` were never to get it, by reason. `open` are still to come.
    `clicks` are of its links."""

    id: UUID
    state: State
    confirmed_recipients: int | None
    planned: int
    delivered: int
    failed: list[BroadcastReason]
    unknown: int
    cancelled: int
    dropped: int
    open: int
    clicks: int
    left_out: list[BroadcastReason]
    started_at: datetime | None
    finished_at: datetime | None
    unit: str | None


class BroadcastTestSent(BaseModel):
    """The delivery of the test."""

    delivery: UUID
