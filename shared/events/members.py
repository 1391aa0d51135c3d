"""What became of members and their ranks: facts that points tells."""

from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


@contract("member.joined.v1", public=True)
class MemberJoined(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody is a member for the first time, and linked to LINE.

    `reply_token` may still be good until `reply_until`; whoever speaks first uses it once.
    `followed_at` is LINE's time of the follow, where a follow it was; `route` the code of the
    route (a poster, a store, an advertisement) on which they came, where one is known. Welcome
    points that wait first are pending until `usable_from`, and not part of `balance` yet.
    """

    member_id: UUID
    card: str
    welcome_points: int
    balance: int
    line_user_id: str | None = None
    reply_token: str | None = None
    reply_until: Moment | None = None
    followed_at: Moment | None = None
    route: str | None = None
    usable_from: Moment | None = None


@contract("member.returned.v1", public=True)
class MemberReturned(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member who had left LINE's friends is back, with the same card and points.

    `followed_at` is LINE's time of the follow.
    """

    member_id: UUID
    card: str
    balance: int
    line_user_id: str | None = None
    reply_token: str | None = None
    reply_until: Moment | None = None
    followed_at: Moment | None = None


@contract("rank.changed.v1", public=True)
class RankChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member's rank moved; None is no rank. `direction` is up or down; `points` are what was
    given for the levels that were reached. `brings_ja` and `brings_en` say what the rank gives from
    now on; empty where it gives nothing, or was lost. `quiet`: the customer is not told, as with a
    rank that was reached elsewhere before."""

    member_id: UUID
    direction: str
    to_rank: str | None = None
    to_name: str | None = None
    from_rank: str | None = None
    from_name: str | None = None
    line_user_id: str | None = None
    points: int = 0
    brings_ja: str = ""
    brings_en: str = ""
    quiet: bool = False


@contract("member.merged.v1", public=True)
class MemberMerged(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member took over all that another one had; the other's names lead here from now on."""

    member_id: UUID
    absorbed_id: UUID
    merge_id: UUID
    card: str
    balance: int
    line_user_id: str | None = None


@contract("member.unmerged.v1", public=True)
class MemberUnmerged(msgspec.Struct, frozen=True, omit_defaults=True):
    """A merge was undone: `member_id`, who had been absorbed by `kept_id`, stands alone again."""

    member_id: UUID
    kept_id: UUID
    merge_id: UUID
    card: str
    balance: int
    line_user_id: str | None = None
