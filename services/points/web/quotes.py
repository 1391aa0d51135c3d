"""`POST /v1/quotes`: what a purchase would earn and what could be spent on it, before it is made.

The body is that of a purchase, checked as strictly, so that what is quoted will be accepted.
"""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.points.purchases import quoting
from services.points.rules import purchase as purchases
from services.points.rules.purchase import Discount, Line, Payment, Purchase
from services.points.web import naming, schemas
from services.points.web.naming import MemberName
from services.points.web.schemas import Text
from shared import clock
from shared.problems import invalid
from shared.web.auth import Caller

router = APIRouter(prefix="/v1/quotes", tags=["quotes"])

FUTURE = timedelta(hours=24)
MOST_ROWS = 500
Money = Annotated[int, Field(strict=True, ge=0, le=10**12)]
_STRICT = ConfigDict(extra="ignore")


class QuotedLine(BaseModel):
    """A receipt line; `amount` is the whole line, tax included."""

    model_config = _STRICT

    amount: Money
    sku: Text | None = None
    category: Text | None = None
    name: Text | None = None
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1
    tax: Money = 0


class QuotedPayment(BaseModel):
    """How a part is paid already."""

    model_config = _STRICT

    method: Text
    amount: Money
    redemption: Text | None = None


class QuotedDiscount(BaseModel):
    """What a discount took off; `lines` are indexes into the lines, none = the bill."""

    model_config = _STRICT

    amount: Money
    lines: list[Annotated[int, Field(strict=True, ge=0)]] | None = None


class QuoteRequest(BaseModel):
    """A purchase that has not been made. `occurred_at` is now if it is left out."""

    model_config = _STRICT

    store: Text
    member: MemberName | None = None
    occurred_at: AwareDatetime | None = None
    total: Money
    tax: Money = 0
    lines: Annotated[list[QuotedLine], Field(max_length=MOST_ROWS)] = []
    payments: Annotated[list[QuotedPayment], Field(max_length=MOST_ROWS)] = []
    discounts: Annotated[list[QuotedDiscount], Field(max_length=MOST_ROWS)] = []


class QuotedPoints(BaseModel):
    """What would be earned, and what the member would have then."""

    earned: int
    balance_after: int
    pending_after: int


class Value(BaseModel):
    """So many points are worth so much money (minor units)."""

    points: int
    amount: int


class QuotedRedemption(BaseModel):
    """What could be spent on this bill now: `maximum` of the `spendable` points, worth
    `maximum_value`, in steps of `unit`, no fewer than `minimum`."""

    spendable: int
    maximum: int
    minimum: int
    unit: int
    value: Value
    maximum_value: int


class QuotedRank(BaseModel):
    """The rank that was reckoned with."""

    code: str
    name: str


class Quote(BaseModel):
    """What a purchase would do. `visits` is 1 where it would count as a visit."""

    points: QuotedPoints
    visits: int
    rank: QuotedRank | None
    redemption: QuotedRedemption
    explanation: schemas.Explanation


@router.post("", response_model=Quote)
async def quote(request: Request, key: Caller, body: QuoteRequest) -> Quote:
    """What a purchase would earn and what could be spent on it, changing nothing. Without
    `member`: for somebody new. A rotating code stays good for the purchase at the same till."""
    now = clock.now()
    purchase = _purchase(body, now)
    async with request.app.state.process.pool.acquire() as connection:
        await naming.store(connection, key, body.store)
        member: UUID | None = None
        if body.member is not None:
            member = await naming.member(request, connection, key, body.member)
        rulebook = request.app.state.rulebook
        found = await quoting.quote(connection, rulebook, member, purchase, now)
    spending = found.redemption
    return Quote(
        points=QuotedPoints(
            earned=found.earned,
            balance_after=found.balance_after,
            pending_after=found.pending_after,
        ),
        visits=found.visits,
        rank=QuotedRank(**found.rank) if found.rank else None,
        redemption=QuotedRedemption(
            spendable=spending.spendable,
            maximum=spending.maximum,
            minimum=spending.minimum,
            unit=spending.unit,
            value=Value(points=spending.value[0], amount=spending.value[1]),
            maximum_value=spending.maximum_value,
        ),
        explanation=schemas.Explanation(**found.explanation),
    )


def _purchase(body: QuoteRequest, now: datetime) -> Purchase:
    """The purchase as accrual sees it. Raises Problem 422 with all that is wrong with it."""
    purchase = Purchase(
        total=body.total,
        tax=body.tax,
        occurred_at=body.occurred_at or now,
        store=body.store,
        lines=[Line(**line.model_dump()) for line in body.lines],
        payments=[Payment(**payment.model_dump()) for payment in body.payments],
        discounts=[Discount(**discount.model_dump()) for discount in body.discounts],
    )
    problems: list[tuple[str, str]] = [*purchases.check_purchase(purchase)]
    if purchase.occurred_at - now > FUTURE:
        late = "is more than 24 hours in the future; check the till's clock"
        problems.append(("occurred_at", late))
    whole = sum(line.amount for line in purchase.lines)
    expected = purchase.total + sum(each.amount for each in purchase.discounts if not each.lines)
    if purchase.lines and whole != expected and not problems:
        problems.append(("lines", f"amounts sum to {whole}; with the discounts it is {expected}"))
    if problems:
        raise invalid(problems)
    return purchase
