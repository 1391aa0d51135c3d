"""What goes over the wire at the counter. Points are integers, money is minor units."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.points.web import schemas
from services.points.web.quotes import Value
from services.points.web.schemas import Text

Kind = Literal["purchase", "visit", "service", "redemption", "refund"]
Money = Annotated[int, Field(strict=True, ge=0, le=10**12)]
SomeMoney = Annotated[int, Field(strict=True, ge=1, le=10**12)]
SomePoints = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
_STRICT = ConfigDict(extra="forbid")


class Served(BaseModel):
    """Who is served, named in exactly one way. `qr` and `id` together: the code that was scanned,
    and the member whose panel is open, who must be the same."""

    model_config = _STRICT

    id: Text | None = None
    card: Text | None = None
    qr: Text | None = None
    external_id: Text | None = None
    phone: Text | None = None


class _Act(BaseModel):
    """`store` is that of the shift if it is left out. `scanned_at`: when the code was read, where
    the act waited for the network; at most 24 hours ago."""

    model_config = _STRICT

    member: Served
    store: Text | None = None
    scanned_at: AwareDatetime | None = None


class _Kept(_Act):
    """`at`: when it was done, where it waited for the network; at most 24 hours ago."""

    at: AwareDatetime | None = None


class CounterPurchase(_Kept):
    """A purchase by its total (tax included). `use_points` are spent on it in the same act."""

    total: SomeMoney
    tax: Money = 0
    receipt: Text | None = None
    use_points: SomePoints | None = None


class CounterVisit(_Act):
    """Somebody came and bought nothing."""


class CounterGift(_Kept):
    """Service points, or a service rule of the program; and why."""

    points: SomePoints | None = None
    rule: Text | None = None
    reason: Text | None = None


class CounterRedemption(_Act):
    """Points to spend at once. They need the network: without it the balance is not known."""

    points: SomePoints
    purchase_total: Money | None = None


class CounterRefund(BaseModel):
    """What comes back of a purchase of this store: an `amount`, or all that is left."""

    model_config = _STRICT

    purchase: Text
    amount: SomeMoney | None = None
    store: Text | None = None


class ActMember(BaseModel):
    """Whom an act was for: no more than staff need to know again. `name` is a family name."""

    id: UUID
    name: str | None
    card_end: str


class Undone(BaseModel):
    """When an act was undone, and by whom."""

    at: datetime
    by: str


class CounterAct(BaseModel):
    """What was done at the counter, as it is now.

    `status`: accepted (the points follow), done, waiting_for_member or rejected (`detail` says
    why). `points` were given (above 0) or taken (below); `used` were spent on a purchase.
    `undo_until` is there while whoever asks may undo it.
    """

    id: UUID
    kind: Kind
    status: str
    store: str
    by: str
    by_name: str | None
    mine: bool
    member: ActMember
    points: int | None
    amount: int | None
    used: int | None
    remaining: int | None
    visits: int | None
    receipt: str | None
    reason: str | None
    detail: str | None
    purchase: UUID | None
    redemption: UUID | None
    happened_at: datetime
    acted_at: datetime
    undo_until: datetime | None
    undone: Undone | None


class CounterResult(CounterAct):
    """What an act came to: besides it, the member's points and rank now, and why."""

    balance: int
    pending: int
    rank: schemas.Rank | None
    explanation: schemas.Explanation | None


class ActPage(BaseModel):
    """A store's acts, newest first."""

    items: list[CounterAct]
    next: str | None


class Warning(BaseModel):
    """What staff should know before they act: `kind` is suspended, left, debt or merged."""

    kind: str
    text: dict[str, str]


class Usable(BaseModel):
    """What the member's points can be used for: `points` of them now, in steps of `unit`, no fewer
    than `minimum`, for `maximum_percent` of a bill at most; `value` says what they are worth."""

    points: int
    worth: int
    minimum: int
    unit: int
    maximum_percent: int
    value: Value


class Gift(BaseModel):
    """A service rule of the program."""

    id: str
    name: str
    points: int


class Gifts(BaseModel):
    """What whoever asks may give: one of `rules`, or up to `maximum` points with a reason (null:
    any number)."""

    rules: list[Gift]
    maximum: int | None


class Panel(BaseModel):
    """A member as the counter shows one: who it is, rank, points, what may be done."""

    member: schemas.Member
    name: str | None
    named_by: str
    warnings: list[Warning]
    usable: Usable
    gifts: Gifts


class Scanned(BaseModel):
    """What was scanned or typed: a member's code, a card's number, a phone number, or the shop's
    own number."""

    model_config = _STRICT

    code: Text
    store: Text | None = None


class Sale(BaseModel):
    """A purchase that could be refunded at the counter; `points` without what was taken back."""

    id: UUID
    member: ActMember
    occurred_at: datetime
    total: int
    remaining: int
    points: int
    receipt: str | None


class SalePage(BaseModel):
    """Purchases of the store, newest first; 50 at most."""

    items: list[Sale]
    next: str | None = None
