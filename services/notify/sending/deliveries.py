"""A delivery: one message of one event for one LINE user, and what is known of its fate.

Owns the shape only. A LINE user id is personal data: logs name a delivery by its `id`.
"""

from datetime import datetime
from uuid import UUID

import msgspec


class Delivery(msgspec.Struct):
    """What a sender needs. `messages` is a JSON array as LINE takes it.

    `id` is derived from event and user and is the retry key of every push of it. `unknown_since` is
    when the first push was made whose outcome nobody knows, `reply_tried_at` the same for the
    reply; a row that a crash left carries the moment it was taken, since it may have been sent.
    Nobody else touches it before `lease_until`. `category` and `priority` stand in `categories`;
    `unit` is LINE's aggregation unit, under which a broadcast is counted. `traceparents`, with
    spaces between them, are of the traces that lead to it: its own and of what was merged into it.
    """

    line_user_id: str
    event_id: UUID
    id: UUID
    kind: str
    messages: str
    lease_until: datetime
    tries: int = 0
    unknown_since: datetime | None = None
    reply_token: str | None = None
    reply_until: datetime | None = None
    reply_tried_at: datetime | None = None
    category: str = "account"
    priority: int = 0
    template_version: int | None = None
    language: str | None = None
    broadcast_id: UUID | None = None
    unit: str | None = None
    created_at: datetime | None = None
    traceparents: str | None = None


class Record(msgspec.Struct):
    """What to write down of a delivery after a try. `due_at` is None when it is over.

    `status` is waiting, held, delivered, failed, unknown, skipped or dropped; `via` is reply or
    push.
    """

    line_user_id: str
    event_id: UUID
    status: str
    due_at: datetime | None
    tries: int
    unknown_since: datetime | None = None
    reply_tried_at: datetime | None = None
    keep_token: bool = True
    via: str | None = None
    reason: str | None = None
    request_id: str | None = None
    finished_at: datetime | None = None
