"""The one list of event contracts. Facts are in the past tense, requests imperative.

A wire name carries its version (`points.earned.v1`). Within a version fields are only added, with a
default; golden files under `tests/contracts/golden/` hold that. What a field means stands here.
Points and money are integers (money in minor units of the program's currency), times are aware.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from shared import clock, ids

Data = TypeVar("Data")
Contract = TypeVar("Contract", bound=type[msgspec.Struct])

CONTRACTS: dict[str, type[msgspec.Struct]] = {}
_NAMES: dict[type[msgspec.Struct], str] = {}


class Event(msgspec.Struct, Generic[Data], omit_defaults=True):
    """A CloudEvents 1.0 envelope; `subject` is the member it concerns, where there is one.

    `correlationid` is shared by all that followed from one input, `causationid` is the id of the
    event that led straight to this one.
    """

    id: UUID
    source: str
    type: str
    time: datetime
    data: Data
    subject: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


def contract(name: str) -> Callable[[Contract], Contract]:
    """Register a struct as the data of the event `name`."""

    def register(struct: Contract) -> Contract:
        CONTRACTS[name] = struct
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


# ---------------------------------------------------------------- LINE → webhook


@contract("line.event_received.v1")
class LineEventReceived(msgspec.Struct, frozen=True):
    """One element of a signed webhook's `events`, exactly as LINE sent it.

    `kind` is its `type` ("" when missing), `event` the raw JSON value, `user_id` its source's user.
    """

    kind: str
    event: msgspec.Raw
    received_at: datetime
    destination: str | None = None
    user_id: str | None = None
    redelivered: bool = False


# ---------------------------------------------------------------- tills → webhook → points


class MemberRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member as a till names one: exactly one field is given."""

    id: str | None = None
    card: str | None = None
    qr: str | None = None
    external_id: str | None = None
    phone: str | None = None
    line_user_id: str | None = None


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A receipt line; `amount` is the whole line, tax included."""

    amount: int
    sku: str | None = None
    category: str | None = None
    name: str | None = None
    quantity: int = 1
    tax: int = 0


class Payment(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a part was paid; `redemption` names the points spent."""

    method: str
    amount: int
    redemption: str | None = None


class Discount(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a discount took off; `lines` are indexes into the purchase's lines, none = the bill."""

    amount: int
    lines: list[int] | None = None


class Purchase(msgspec.Struct, frozen=True, omit_defaults=True):
    """A purchase as a till posts it. `total` includes `tax`; both in minor units."""

    store: str
    member: MemberRef
    occurred_at: datetime
    total: int
    tax: int = 0
    terminal: str | None = None
    receipt: str | None = None
    lines: list[Line] = []
    payments: list[Payment] = []
    discounts: list[Discount] = []


@contract("purchase.submitted.v1")
class PurchaseSubmitted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A till's purchase, accepted. The event's id is the purchase's.

    `terminal_id` is the terminal of the API key, `body_hash` the SHA-256 (hex) of the body in
    one canonical form, `reply_to` the queue of a till that waits.
    """

    purchase: Purchase
    terminal_id: UUID
    key: str
    body_hash: str
    accepted_at: datetime
    reply_to: str | None = None


@contract("purchase.rejected.v1")
class PurchaseRejected(msgspec.Struct, frozen=True, omit_defaults=True):
    """A purchase accepted and refused later; `reason` is a stable word, `detail` a text."""

    purchase_id: UUID
    reason: str
    detail: str
    terminal_id: UUID | None = None


class PointsOfPurchase(msgspec.Struct, frozen=True):
    """What a purchase earned, and what the member then has."""

    earned: int
    balance: int
    pending: int


class PurchaseAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a till that waits is told, through its reply queue: no event, best effort.

    `status` is awarded, waiting_for_member, conflict (the key came with another body before) or
    rejected (then `detail` says why). `rank` and `explanation` are as in the HTTP contract.
    """

    id: UUID
    status: str
    points: PointsOfPurchase | None = None
    rank: Any = None  # JSON; msgspec cannot decode `Raw | None`
    explanation: Any = None
    detail: str | None = None


# ---------------------------------------------------------------- points: facts


@contract("member.joined.v1")
class MemberJoined(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody is a member for the first time, and linked to LINE.

    `reply_token` may still be good until `reply_until`; whoever speaks first uses it once.
    """

    member_id: UUID
    card: str
    welcome_points: int
    balance: int
    line_user_id: str | None = None
    reply_token: str | None = None
    reply_until: datetime | None = None


@contract("member.returned.v1")
class MemberReturned(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member who had left LINE's friends is back, with the same card and points."""

    member_id: UUID
    card: str
    balance: int
    line_user_id: str | None = None
    reply_token: str | None = None
    reply_until: datetime | None = None


@contract("points.earned.v1")
class PointsEarned(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points (0 and more) were given. `source` is purchase or welcome; `balance` is spendable."""

    member_id: UUID
    entry_id: UUID
    source: str
    points: int
    balance: int
    occurred_at: datetime
    line_user_id: str | None = None
    purchase_id: UUID | None = None
    store: str | None = None
    total: int = 0


@contract("points.adjusted.v1")
class PointsAdjusted(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points were added or taken by hand, with a reason."""

    member_id: UUID
    entry_id: UUID
    points: int
    balance: int
    reason: str
    line_user_id: str | None = None


@contract("rank.changed.v1")
class RankChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member's rank moved; None is no rank. `direction` is up or down."""

    member_id: UUID
    direction: str
    to_rank: str | None = None
    to_name: str | None = None
    from_rank: str | None = None
    from_name: str | None = None
    line_user_id: str | None = None


@contract("program.published.v1")
class ProgramPublished(msgspec.Struct, frozen=True):
    """A version of the program is in force from `effective_from` on."""

    version: int
    effective_from: datetime
    time_zone: str
    currency: str


@contract("store.changed.v1")
class StoreChanged(msgspec.Struct, frozen=True):
    """A store as it now is. `revision` grows; an older one is ignored."""

    store_id: UUID
    code: str
    name: str
    active: bool
    revision: int


@contract("terminal.changed.v1")
class TerminalChanged(msgspec.Struct, frozen=True):
    """An API key as it now is. `key_hash` is its SHA-256 in hex; `kind` is pos, owner or read."""

    terminal_id: UUID
    name: str
    kind: str
    key_hash: str
    active: bool
    revision: int
    store: str | None = None


# ---------------------------------------------------------------- notify ↔ points: chat


@contract("chat.data_requested.v1")
class ChatDataRequested(msgspec.Struct, frozen=True, omit_defaults=True):
    """A customer asked in chat. `topic` is balance or why; the reply token travels along."""

    line_user_id: str
    topic: str
    reply_token: str | None = None
    reply_until: datetime | None = None


class MissingToNext(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is missing to the next rank; only what is missing is set."""

    name: str
    points_earned: int | None = None
    amount_spent: int | None = None
    visits: int | None = None


class Explained(msgspec.Struct, frozen=True):
    """A ledger entry in words a customer understands."""

    points: int
    occurred_at: datetime
    ja: str
    en: str


@contract("chat.data_provided.v1")
class ChatDataProvided(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to `chat.data_requested`, for notify to put into words."""

    line_user_id: str
    topic: str
    member_id: UUID
    card: str
    balance: int
    pending: int = 0
    rank: str | None = None
    next_rank: MissingToNext | None = None
    entries: list[Explained] = []
    reply_token: str | None = None
    reply_until: datetime | None = None


# ---------------------------------------------------------------- scheduler


@contract("schedule.requested.v1")
class ScheduleRequested(msgspec.Struct, frozen=True):
    """Publish `data` as the event `event_type` at `due_at`; the same key replaces."""

    key: str
    due_at: datetime
    event_type: str
    data: msgspec.Raw


@contract("schedule.cancelled.v1")
class ScheduleCancelled(msgspec.Struct, frozen=True):
    """Forget the item with this key, if it has not fired."""

    key: str


@contract("schedule.ticked.v1")
class ScheduleTicked(msgspec.Struct, frozen=True):
    """A cron schedule came due. `due_at` is the moment it was meant for, once per moment."""

    name: str
    due_at: datetime
    fired_at: datetime
