"""Purchases on their way from tills to points, and what a waiting till is told."""

from typing import Any
from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


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
    occurred_at: Moment
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
    one canonical form, `reply_to` the queue of a till that waits. `actor` is who posted it where
    that is no terminal: `staff:<id>`.
    """

    purchase: Purchase
    terminal_id: UUID
    key: str
    body_hash: str
    accepted_at: Moment
    reply_to: str | None = None
    actor: str | None = None


@contract("purchase.rejected.v1", public=True)
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
