"""What became of points: facts that points tells."""

from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


@contract("points.earned.v1")
class PointsEarned(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points (0 and more) were given. `source` is purchase or welcome; `balance` is spendable."""

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


@contract("points.adjusted.v1")
class PointsAdjusted(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points were added or taken by hand, with a reason."""

    member_id: UUID
    entry_id: UUID
    points: int
    balance: int
    reason: str
    line_user_id: str | None = None
