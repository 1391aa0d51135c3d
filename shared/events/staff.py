"""People who work at the shop: what they did, and sessions of theirs that ended; and what the
owner's systems did."""

from typing import Any
from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


@contract("staff.session_ended.v1")
class StaffSessionEnded(msgspec.Struct, frozen=True):
    """A session is over before its time: its token is refused from now on."""

    session_id: UUID
    staff_id: UUID
    ended_at: Moment


@contract("staff.acted.v1")
class StaffActed(msgspec.Struct, frozen=True):
    """Somebody who was signed in changed something, in whichever service. `act` is the method and
    the route (`PUT /v1/program`); `before` and `after` are JSON, without secrets and without what
    names a person: of such fields only that they changed."""

    staff_id: UUID
    session_id: UUID
    role: str
    service: str
    act: str
    at: Moment
    target: str | None = None
    before: Any = None  # JSON; msgspec cannot decode `Raw | None`
    after: Any = None
    store: str | None = None


@contract("key.acted.v1")
class KeyActed(msgspec.Struct, frozen=True):
    """One of the owner's systems changed something by an owner key, in whichever service. `key_id`
    is the terminal's; the rest is as in `staff.acted`."""

    key_id: UUID
    service: str
    act: str
    at: Moment
    target: str | None = None
    before: Any = None
    after: Any = None
