"""What is to be published later, and what came due."""

import msgspec

from shared.events.contract import Moment, contract


@contract("schedule.requested.v1")
class ScheduleRequested(msgspec.Struct, frozen=True):
    """Publish `data` as the event `event_type` at `due_at`; the same key replaces."""

    key: str
    due_at: Moment
    event_type: str
    data: msgspec.Raw


@contract("schedule.cancelled.v1")
class ScheduleCancelled(msgspec.Struct, frozen=True):
    """Forget the item with this key, if it has not fired."""

    key: str


@contract("schedule.ticked.v1")
class ScheduleTicked(msgspec.Struct, frozen=True):
    """A cron schedule came due. `due_at` is the moment it was meant for, once per moment."""

    name: str
    due_at: Moment
    fired_at: Moment
