"""What became of points: facts that points tells."""

from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


@contract("points.earned.v1", public=True)
class PointsEarned(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points (0 and more) were given; `balance` is spendable. `source` is purchase, visit (without
    a purchase), welcome, rank or service (given by staff, with a `reason`). `usable_from`: points
    that wait first are pending until then, and not part of `balance` yet."""

    member_id: UUID
    entry_id: UUID
    source: str
    points: int
    balance: int
    occurred_at: Moment
    line_user_id: str | None = None
    purchase_id: UUID | None = None
    store: str | None = None
    total: int = 0
    reason: str | None = None
    usable_from: Moment | None = None


@contract("points.adjusted.v1", public=True)
class PointsAdjusted(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points were added or taken by hand, with a reason. `quiet`: the customer is not told, as with
    a balance that was brought along from elsewhere."""

    member_id: UUID
    entry_id: UUID
    points: int
    balance: int
    reason: str
    line_user_id: str | None = None
    quiet: bool = False


@contract("points.redeemed.v1", public=True)
class PointsRedeemed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points (above 0) were spent. `value` is what they were worth, in minor units."""

    member_id: UUID
    entry_id: UUID
    redemption_id: UUID
    points: int
    value: int
    balance: int
    store: str
    line_user_id: str | None = None


@contract("points.reversed.v1", public=True)
class PointsReversed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A purchase was refunded: points taken back, and points spent on it that came back.

    `amount` is the money of this refund, `balance` is spendable and may be below zero.
    """

    member_id: UUID
    refund_id: UUID
    purchase_id: UUID
    amount: int
    points_taken_back: int
    points_returned: int
    balance: int
    line_user_id: str | None = None


@contract("points.activated.v1", public=True)
class PointsActivated(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points that had to wait can be spent now."""

    member_id: UUID
    entry_id: UUID
    points: int
    balance: int
    line_user_id: str | None = None


@contract("points.expired.v1", public=True)
class PointsExpired(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points (above 0) are gone because their time was over."""

    member_id: UUID
    entry_id: UUID
    points: int
    balance: int
    line_user_id: str | None = None


class ExpiringPoints(msgspec.Struct, frozen=True):
    """Points that expire at a moment, so many days from the warning."""

    points: int
    expires_at: Moment
    days: int


@contract("points.expiring.v1", public=True)
class PointsExpiring(msgspec.Struct, frozen=True, omit_defaults=True):
    """A warning ahead: `points` expire at `expires_at`, `days` days from the warning; `later` are
    further dates to be warned of on the same day, soonest first."""

    member_id: UUID
    points: int
    expires_at: Moment
    days: int
    balance: int
    line_user_id: str | None = None
    later: list[ExpiringPoints] = []
