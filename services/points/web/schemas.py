"""What goes over the wire, for the API's documentation and its answers. Points are integers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


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
    """`balance` can be spent now; `held` is reserved by redemptions under way."""

    balance: int
    pending: int
    held: int
    expiring: list[Expiring]


class Lifetime(BaseModel):
    """Sums since joining."""

    earned: int
    spent: int
    visits: int


class Member(BaseModel):
    """A member as tills see one; `next_rank` is there for those without a rank too."""

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


class MemberPage(BaseModel):
    """A page of members; `next` is the cursor of the following one."""

    items: list[Member]
    next: str | None


class NewMember(BaseModel):
    """A member without LINE yet, named by the shop's own id or a phone number."""

    model_config = ConfigDict(extra="forbid")

    external_id: Text | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9-]{6,20}$")] | None = None


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
    """What a purchase earned, and the member's points after it."""

    earned: int
    balance: int
    pending: int


class PurchaseState(BaseModel):
    """A purchase's state: accepted, waiting_for_member, awarded or rejected."""

    id: UUID
    status: str
    points: PurchasePoints | None = None
    rank: Rank | None = None
    explanation: Explanation | None = None
    detail: str | None = None


class Published(BaseModel):
    """A version of the program."""

    version: int
    effective_from: datetime
    published_at: datetime
    published_by: str


class VersionPage(BaseModel):
    """All versions, newest first."""

    items: list[Published]
    next: str | None = None
