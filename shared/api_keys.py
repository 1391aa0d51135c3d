"""A service's own copy of the API keys that points owns, fed by `terminal.changed`.

The service's schema has `api_keys (terminal_id uuid primary key, key_hash text, kind text, store
text, active boolean, revision bigint, old_key_hash text, old_until timestamptz)` with an index on
each hash. Only hashes are known. A key that was replaced is good until `old_until`.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from shared import clock
from shared.bus.handling import Batch, Connection, Handlers
from shared.events import Event, TerminalChanged

_KEEP = """
INSERT INTO api_keys AS old (terminal_id, key_hash, kind, store, active, revision, old_key_hash,
                             old_until)
SELECT DISTINCT ON (terminal_id) terminal_id, key_hash, kind, store, active, revision,
    old_key_hash, old_until
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[],
            $7::text[], $8::timestamptz[])
    AS r (terminal_id, key_hash, kind, store, active, revision, old_key_hash, old_until)
ORDER BY terminal_id, revision DESC
ON CONFLICT (terminal_id) DO UPDATE
SET key_hash = excluded.key_hash, kind = excluded.kind, store = excluded.store,
    active = excluded.active, revision = excluded.revision,
    old_key_hash = excluded.old_key_hash, old_until = excluded.old_until
WHERE old.revision < excluded.revision
"""
_FIND = """
SELECT terminal_id AS id, kind, store FROM api_keys
WHERE active AND (key_hash = $1 OR old_key_hash = $1 AND old_until > $2)
"""


class Key(msgspec.Struct, frozen=True):
    """Who is calling. `kind` is pos, owner or read; `store` limits a pos key, None does not.

    A person who is signed in counts as one (`shared.web.auth`): `role` is theirs, `id` is theirs,
    `store` is that of their shift, and `stores` limits them, None does not.
    """

    id: UUID
    kind: str
    store: str | None
    role: str | None = None
    stores: tuple[str, ...] | None = None

    @property
    def actor(self) -> str:
        """Who did it, as it is kept with what was done."""
        if self.role:
            return f"staff:{self.id}"
        return f"terminal:{self.id}" if self.kind == "pos" else f"key:{self.id}"

    def covers(self, store: str) -> bool:
        """Whether this caller may act for the store with this code."""
        if self.role is None:
            return self.kind == "owner" or self.store in (None, store)
        if self.role == "staff":
            return store == self.store
        return self.stores is None or store in self.stores


async def find(connection: Connection, key_hash: str) -> Key | None:
    """The holder of an active key, by the SHA-256 (hex) of its secret."""
    row = await connection.fetchrow(_FIND, key_hash, clock.now())
    return Key(**row) if row else None


async def keep(connection: Connection, terminals: Sequence[TerminalChanged]) -> None:
    """Take over what is newer than what is known."""
    await connection.execute(
        _KEEP,
        [terminal.terminal_id for terminal in terminals],
        [terminal.key_hash for terminal in terminals],
        [terminal.kind for terminal in terminals],
        [terminal.store for terminal in terminals],
        [terminal.active for terminal in terminals],
        [terminal.revision for terminal in terminals],
        [terminal.old_key_hash for terminal in terminals],
        [terminal.old_until for terminal in terminals],
    )


async def _changed(batch: Batch, events: list[Event[TerminalChanged]]) -> None:
    await keep(batch.connection, [event.data for event in events])


HANDLERS: Handlers = {"terminal.changed.v1": _changed}
"""Of a service's queue for its copies; stale revisions are ignored, so it needs no inbox."""
