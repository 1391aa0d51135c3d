"""Leaving, copies of all that is known of somebody, and erasure."""

from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


@contract("member.left.v1", public=True)
class MemberLeft(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member left for good (a friend who only blocks the account has not left). `points_lost`
    are those that could be spent or were pending; a debt stays as it was."""

    member_id: UUID
    card: str
    points_lost: int
    left_at: Moment
    line_user_id: str | None = None


@contract("member.export_requested.v1")
class MemberExportRequested(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody wants all that is known of a member. Each service that keeps personal data answers
    once with `member.export_part`.

    `member_ids` are the member and whoever was merged into them, `line_user_ids` all of theirs.
    """

    request_id: UUID
    member_ids: list[UUID]
    line_user_ids: list[str] = []


@contract("member.export_part.v1")
class MemberExportPart(msgspec.Struct, frozen=True):
    """What one service knows, for points to put together: a JSON object whose names a customer can
    read. The same answer has the same event id, however often it is given."""

    request_id: UUID
    service: str
    part: msgspec.Raw


@contract("member.erased.v1", public=True)
class MemberErased(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member's personal data is to be deleted everywhere; `member_id` names nobody any more.

    `line_user_id` is there for services to find what they keep; it is None where the LINE account
    never was theirs or is another member's now. What happened up to `erased_at` must not be kept
    when it is heard of later.
    """

    member_id: UUID
    erased_at: Moment
    line_user_id: str | None = None
