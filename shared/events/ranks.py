"""What is about to become of ranks: facts that points tells."""

from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


class MissingToKeep(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is missing to keep a rank; only what is missing is set.

    `ja` and `en` say it in words, the amount in the program's currency.
    """

    points_earned: int | None = None
    amount_spent: int | None = None
    visits: int | None = None
    ja: str = ""
    en: str = ""


@contract("rank.expiring.v1", public=True)
class RankExpiring(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member will lose a rank at the first evaluation from `keep_until` on, unless they do what
    is missing. Told once in each keep period."""

    member_id: UUID
    rank: str
    name: str
    keep_until: Moment
    missing: MissingToKeep
    line_user_id: str | None = None
