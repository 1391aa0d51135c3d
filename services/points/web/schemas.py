"""What goes over the wire, for the API's documentation and its answers. Points are integers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.points.rules import phones

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


def _phone(text: str) -> str:
    normal = phones.normal(text)
    if normal is None:
        raise ValueError("give a phone number, such as 090-1234-5678 or +81 90 1234 5678")
    return normal


Phone = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_phone)]
"""A phone number, however it is written; kept as digits."""


class NextRank(BaseModel):
    """The next level; `missing` holds only conditions that are not met yet.

    `progress` is in percent, of the condition that is furthest away.
    """

    code: str
    name: str
    missing: dict[str, int]
    progress: int


class Rank(BaseModel):
    """A member's rank."""

    code: str
    name: str
    next: NextRank | None


class Expiring(BaseModel):
    """Points that expire at the same moment."""

    points: int
    at: datetime


class Points(BaseModel):
    """`balance` can be spent now; `held` is reserved by redemptions under way. Where the rest of a
    point is carried over, the next one takes a purchase of `missing_amount` (minor units)."""

    balance: int
    pending: int
    held: int
    expiring: list[Expiring]
    missing_amount: int | None = None


class Lifetime(BaseModel):
    """Sums since joining."""

    earned: int
    spent: int
    visits: int


class Member(BaseModel):
    """A member as tills see one; `next_rank` is there for those without a rank too.
    `route`: the code of the poster, store or advertisement by which they joined."""

    id: UUID
    card: str
    status: str
    rank: Rank | None
    next_rank: NextRank | None
    points: Points
    stamps: list[Any] = []
    lifetime: Lifetime
    joined_at: datetime
    last_visit_at: datetime | None
    route: str | None = None


class MemberPage(BaseModel):
    """A page of members; `next` is the cursor of the following one."""

    items: list[Member]
    next: str | None


class NewMember(BaseModel):
    """A member without LINE yet, named by the shop's own id or a phone number."""

    model_config = ConfigDict(extra="forbid")

    external_id: Text | None = None
    phone: Phone | None = None


class Adjustment(BaseModel):
    """Points to add (positive) or take (negative), and why."""

    model_config = ConfigDict(extra="forbid")

    points: Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)]
    reason: Text


class Adjusted(BaseModel):
    """What an adjustment did; `id` is the ledger entry's."""

    id: UUID
    points: int
    balance: int


class Explanation(BaseModel):
    """Why: words for people in both languages, and the facts behind them."""

    model_config = ConfigDict(extra="allow")

    text: dict[str, str]


class Entry(BaseModel):
    """A ledger row."""

    id: UUID
    kind: str
    unit: str
    amount: int
    balance_after: int
    occurred_at: datetime
    source: str
    explanation: Explanation


class EntryPage(BaseModel):
    """A page of ledger rows, newest first."""

    items: list[Entry]
    next: str | None


class PurchasePoints(BaseModel):
    """What a purchase earned, what refunds took back of that, points spent on it that returned,
    and the member's points now."""

    earned: int
    balance: int
    pending: int
    taken_back: int = 0
    returned: int = 0


class RefundedLine(BaseModel):
    """Units of a line that came back."""

    sku: str | None
    quantity: int


class PurchaseRefund(BaseModel):
    """A refund of a purchase; of one that is only accepted nothing else is known yet."""

    id: UUID
    status: str
    amount: int | None = None
    lines: list[RefundedLine] | None = None
    points_taken_back: int | None = None
    points_returned: int | None = None
    refunded_at: datetime | None = None


class PurchaseState(BaseModel):
    """A purchase's state: accepted, waiting_for_member, awarded or rejected; money of it that was
    refunded and that can still be (minor units)."""

    id: UUID
    status: str
    points: PurchasePoints | None = None
    rank: Rank | None = None
    explanation: Explanation | None = None
    detail: str | None = None
    refunded: int | None = None
    remaining: int | None = None
    refunds: list[PurchaseRefund] | None = None
