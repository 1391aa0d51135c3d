"""Who belongs to a segment: notify asks, points answers page by page from one moment."""

from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


@contract("segment.requested.v1")
class SegmentRequested(msgspec.Struct, frozen=True, omit_defaults=True):
    """Stream the members of a segment. `definition` is a segment's document (JSON) as points'
    API takes it. `segment` is the code of a stored segment, where it was one. The same
    `request_id` asks for the same."""

    request_id: UUID
    definition: msgspec.Raw
    segment: str | None = None


class SegmentPerson(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member in a segment, with what a message may say of them.

    `line_user_id` is None for who has no LINE, or has blocked the account as far as points knows.
    `points` is spendable; `expiring_points` expire at `expiring_at`, the next date on which any
    do. `missing_ja` and `missing_en` say what is missing to the next rank.
    """

    member_id: UUID
    card: str
    line_user_id: str | None = None
    points: int = 0
    pending: int = 0
    rank_code: str | None = None
    rank_name: str | None = None
    next_rank_name: str | None = None
    missing_ja: str = ""
    missing_en: str = ""
    expiring_points: int = 0
    expiring_at: Moment | None = None
    visits: int = 0
    last_visit_at: Moment | None = None


@contract("segment.page.v1")
class SegmentPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Up to 500 members of a segment, all pages of a stream as of the one moment `taken_at`.

    A stream that was cut off is begun anew under another `stream_id`; the first stream whose pages
    0 to the `last` one are all there is the answer, others are to be ignored. `total` counts the
    members up to and including this page.
    """

    request_id: UUID
    stream_id: UUID
    number: int
    taken_at: Moment
    people: list[SegmentPerson]
    total: int
    last: bool = False


@contract("segment.refused.v1")
class SegmentRefused(msgspec.Struct, frozen=True):
    """The definition cannot be computed; `ja` and `en` say why."""

    request_id: UUID
    ja: str
    en: str
