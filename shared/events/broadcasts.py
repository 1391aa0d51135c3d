"""Messages to many, as far as other services take part."""

from uuid import UUID

import msgspec

from shared.events.contract import contract


@contract("broadcast.due.v1")
class BroadcastDue(msgspec.Struct, frozen=True):
    """A broadcast's time has come; registered with the scheduler when it was confirmed. One that
    was changed since has another `revision`, and this word of it is ignored."""

    broadcast_id: UUID
    revision: int
