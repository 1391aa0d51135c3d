"""What LINE sent, as webhook hands it on."""

import msgspec

from shared.events.contract import Moment, contract


@contract("line.event_received.v1")
class LineEventReceived(msgspec.Struct, frozen=True):
    """One element of a signed webhook's `events`, exactly as LINE sent it.

    `kind` is its `type` ("" when missing), `event` the raw JSON value, `user_id` its source's user.
    """

    kind: str
    event: msgspec.Raw
    received_at: Moment
    destination: str | None = None
    user_id: str | None = None
    redelivered: bool = False


@contract("recipient.named.v1")
class RecipientNamed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What LINE calls somebody, learned or changed at `named_at`; None: LINE tells no name.

    Personal data: it is in copies and erased wherever it is kept, and never in a log.
    """

    line_user_id: str
    named_at: Moment
    name: str | None = None
