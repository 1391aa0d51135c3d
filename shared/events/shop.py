"""What the shop is: its program, stores and API keys, as they now are."""

from uuid import UUID

import msgspec

from shared.events.contract import Moment, contract


@contract("program.published.v1")
class ProgramPublished(msgspec.Struct, frozen=True):
    """A version of the program is in force from `effective_from` on."""

    version: int
    effective_from: Moment
    time_zone: str
    currency: str


@contract("store.changed.v1")
class StoreChanged(msgspec.Struct, frozen=True):
    """A store as it now is. `revision` grows; an older one is ignored."""

    store_id: UUID
    code: str
    name: str
    active: bool
    revision: int


@contract("terminal.changed.v1")
class TerminalChanged(msgspec.Struct, frozen=True):
    """An API key as it now is. `key_hash` is its SHA-256 in hex; `kind` is pos, owner or read. The
    key that it replaced is good until `old_until`."""

    terminal_id: UUID
    name: str
    kind: str
    key_hash: str
    active: bool
    revision: int
    store: str | None = None
    old_key_hash: str | None = None
    old_until: Moment | None = None
