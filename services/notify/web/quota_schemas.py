"""The month's quota as the API shows it and takes it. Yen are whole and without tax."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.notify.categories import Name
from services.notify.quota.plan import PRESETS, Amount, Plan, Policy, Tariff

Messages = Annotated[int, Field(ge=0, le=1_000_000_000)]
Priority = Annotated[int, Field(ge=0, le=3)]
Preset = Literal["communication", "light", "standard"]


class PriceIn(BaseModel):
    """A price plan of LINE's that is none of the presets: `included` messages for `monthly_yen`;
    each one more costs `extra_thousandths_of_yen` (null: there are no more)."""

    model_config = ConfigDict(extra="forbid")

    monthly_yen: Annotated[int, Field(ge=0, le=1_000_000_000)]
    included: Messages
    extra_thousandths_of_yen: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Share(BaseModel):
    """So many messages, or so many per cent of the quota: one of the two."""

    model_config = ConfigDict(extra="forbid")

    messages: Messages | None = None
    percent: Annotated[int, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Share":
        if (self.messages is None) == (self.percent is None):
            raise ValueError("give messages or percent, one of the two")
        return self


class Rule(BaseModel):
    """What happens when a category's budget, or the quota, is used up: `hold` until the month
    turns, `drop`, or `important_only`: up to `up_to_priority` they go on while the quota lasts, the
    rest is held."""

    model_config = ConfigDict(extra="forbid")

    then: Literal["hold", "drop", "important_only"] = "hold"
    up_to_priority: Priority = 1


class QuotaPlan(BaseModel):
    """The owner's plan for the month's messages. `ceiling` is the most that the shop wants to pay
    for; the last `reserve` of the quota is for priorities up to `reserve_for` (0 chat and account,
    1 receipt, 2 rank and expiry, 3 campaign). What has no budget may use the whole quota; what has
    no rule is held."""

    model_config = ConfigDict(extra="forbid")

    price: Preset | PriceIn | None = None
    ceiling: Messages | None = None
    budgets: dict[Name, Share] = {}
    reserve: Share | None = None
    reserve_for: Priority = 1
    when_used_up: dict[Name, Rule] = {}

    def plan(self) -> Plan:
        """The document that is stored."""
        return Plan(
            tariff=_tariff(self.price),
            ceiling=self.ceiling,
            budgets={name: Amount(**share.model_dump()) for name, share in self.budgets.items()},
            reserve=Amount(**self.reserve.model_dump()) if self.reserve else None,
            reserve_for=self.reserve_for,
            when_used_up={
                name: Policy(**rule.model_dump()) for name, rule in self.when_used_up.items()
            },
        )


class QuotaPlanNow(QuotaPlan):
    """The plan in force. `price` is shown in full, `preset` is its name if it has one."""

    preset: Preset | None = None


class Forecast(BaseModel):
    """The day on which nothing is left (null: it lasts): at the mean of the last 7 days, and by
    this month's days of the week. `month_end` is how many will have been used by then."""

    runs_out_by_rate: date | None
    runs_out_by_weekday: date | None
    month_end: int


class Bill(BaseModel):
    """The month's bill: `fee` and `extra`. `unused` is what of the fee no message has used yet."""

    yen: int
    fee_yen: int
    extra_yen: int
    unused_yen: int


class OfCategory(BaseModel):
    """A category: what was sent of it, its budget and what is left of it (null: none is set), what
    it cost (null without a price plan)."""

    category: str
    ja: str
    en: str
    sent: int
    budget: int | None
    left: int | None
    dropped: int
    yen: int | None


class OfKind(BaseModel):
    """What was sent of a kind of message (the template's name), and what it cost."""

    category: str
    kind: str
    sent: int
    yen: int | None


class OfBroadcast(BaseModel):
    """What was sent of a broadcast in this month, and what it cost."""

    broadcast: UUID
    sent: int
    yen: int | None


class HeldMessages(BaseModel):
    """So many are held until then; they go as far as the budgets allow."""

    category: str
    messages: int
    until: datetime


class Quota(BaseModel):
    """The month so far. `quota` null: no limit. `used` is what counts: our own `own`, and what LINE
    counts beyond it (`elsewhere`: the account manager, mostly). `line_used` is LINE's figure of
    `read_at`, `difference` that less our own count at the time; null until it was read.
    `refused_at`: LINE said that nothing is left."""

    month: date
    ends_at: datetime
    quota: int | None
    used: int
    left: int | None
    own: int
    elsewhere: int
    elsewhere_yen: int | None
    line_limit: int | None
    line_used: int | None
    difference: int | None
    read_at: datetime | None
    refused_at: datetime | None
    forecast: Forecast
    bill: Bill | None
    bill_at_month_end: Bill | None
    categories: list[OfCategory]
    kinds: list[OfKind]
    broadcasts: list[OfBroadcast]
    held: list[HeldMessages]
    dropped: int


class MonthUsed(BaseModel):
    """A month. `used` is the higher of LINE's last figure and our own count."""

    month: date
    line_limit: int | None
    line_used: int | None
    own: int
    used: int
    bill: Bill | None


class MonthPage(BaseModel):
    """Months, the newest first."""

    items: list[MonthUsed]
    next: str | None = None


class Released(BaseModel):
    """How many messages are let go in a few seconds, as far as the budgets allow."""

    released: int


def shown(plan: Plan) -> QuotaPlanNow:
    """The plan as the API shows it."""
    tariff = plan.tariff
    price = tariff and PriceIn(
        monthly_yen=tariff.monthly_yen,
        included=tariff.included,
        extra_thousandths_of_yen=tariff.extra_thousandths,
    )
    return QuotaPlanNow.model_validate(
        {
            "price": price,
            "preset": next((name for name, each in PRESETS.items() if each == tariff), None),
            "ceiling": plan.ceiling,
            "budgets": {name: _share(amount) for name, amount in plan.budgets.items()},
            "reserve": _share(plan.reserve) if plan.reserve else None,
            "reserve_for": plan.reserve_for,
            "when_used_up": {
                name: {"then": rule.then, "up_to_priority": rule.up_to_priority}
                for name, rule in plan.when_used_up.items()
            },
        }
    )


def _share(amount: Amount) -> dict[str, int | None]:
    return {"messages": amount.messages, "percent": amount.percent}


def _tariff(price: str | PriceIn | None) -> Tariff | None:
    if price is None:
        return None
    if isinstance(price, str):
        return PRESETS[price]
    return Tariff(price.monthly_yen, price.included, price.extra_thousandths_of_yen)
