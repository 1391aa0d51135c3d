"""What a customer asks in chat, and what points answers."""

from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


@contract("chat.data_requested.v1")
class ChatDataRequested(msgspec.Struct, frozen=True, omit_defaults=True):
    """A customer asked in chat. `topic` is balance or why; the reply token travels along."""

    line_user_id: str
    topic: str
    reply_token: str | None = None
    reply_until: Moment | None = None


class MissingToNext(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is missing to the next rank; only what is missing is set.

    `ja` and `en` say it in a sentence, the amount in the program's currency. `progress` is in
    percent, of the condition that is furthest away.
    """

    name: str
    points_earned: int | None = None
    amount_spent: int | None = None
    visits: int | None = None
    ja: str = ""
    en: str = ""
    progress: int = 0


class Explained(msgspec.Struct, frozen=True):
    """A ledger entry in words a customer understands."""

    points: int
    occurred_at: Moment
    ja: str
    en: str


@contract("chat.data_provided.v1")
class ChatDataProvided(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to `chat.data_requested`, for notify to put into words. `status` is the member's:
    who is suspended earns but cannot spend."""

    line_user_id: str
    topic: str
    member_id: UUID
    card: str
    balance: int
    pending: int = 0
    rank: str | None = None
    next_rank: MissingToNext | None = None
    entries: list[Explained] = []
    reply_token: str | None = None
    reply_until: Moment | None = None
    status: str = "active"
