"""What was changed of a member by hand, and what linked them to LINE."""

from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


@contract("member.updated.v1", public=True)
class MemberUpdated(msgspec.Struct, frozen=True, omit_defaults=True):
    """Attributes, names, tags or the card of a member changed. `fields` are the names of what did;
    what they hold is personal and never told: ask the API."""

    member_id: UUID
    fields: list[str]


@contract("member.status_changed.v1", public=True)
class MemberStatusChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member was suspended (earns, does not spend) or is active again; `before` is what they
    were."""

    member_id: UUID
    status: str
    before: str
    line_user_id: str | None = None


@contract("member.linked.v1", public=True)
class MemberLinked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A card and a LINE account came together: `member_id` has the points of both.

    `linked_at` is LINE's time of what the customer did. `welcome_points` were given for it, where
    the welcome had not been given before.
    """

    member_id: UUID
    card: str
    balance: int
    linked_at: Moment
    welcome_points: int = 0
    line_user_id: str | None = None
    reply_token: str | None = None
    reply_until: Moment | None = None


@contract("member.unlinked.v1", public=True)
class MemberUnlinked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A link was undone: the LINE account leads to `member_id` again, the card to `card_member_id`.

    `unlinked_at` is LINE's time of what the customer did."""

    member_id: UUID
    card_member_id: UUID
    card: str
    balance: int
    unlinked_at: Moment
    line_user_id: str | None = None
    reply_token: str | None = None
    reply_until: Moment | None = None


@contract("chat.link_refused.v1")
class LinkRefused(msgspec.Struct, frozen=True, omit_defaults=True):
    """A card was not linked (or not unlinked), for notify to put into words.

    `reason` is one of wrong_code, too_many_tries, already_yours, card_has_line, line_has_card,
    suspended, points_held, not_linked, not_member, expired.
    """

    line_user_id: str
    reason: str
    reply_token: str | None = None
    reply_until: Moment | None = None
