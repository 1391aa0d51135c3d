"""Personal data locked away in its columns (`shared.sealing`), each member's under a data key of
their own in `member_keys`. Whoever was erased has none: what is left of theirs somewhere is read by
nobody, and told as nothing.

The installation's key is given once at the start of a process, as time is taken from one clock:
stores of all kinds read and write what is locked away.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from shared import clock, ids, sealing
from shared.bus.handling import Connection
from shared.keys import Keys
from shared.sealing import OtherKey

WAIT = timedelta(days=1)
"""After the migration, in a shop that was there before: as long as the version before may run."""

_KEY_COLUMN = "member_keys.sealed"
_MIGRATED = """
SELECT applied_at FROM migrations WHERE version = 35 AND EXISTS (SELECT FROM sealing_waits)
"""
_KEYS = "SELECT member_id, key_name, sealed FROM member_keys WHERE member_id = ANY($1::uuid[])"
_ADD = """
INSERT INTO member_keys (member_id, key_name, sealed)
SELECT k.member_id, $2, k.sealed FROM unnest($1::uuid[], $3::bytea[]) AS k (member_id, sealed)
JOIN members m ON m.id = k.member_id AND m.erased_at IS NULL
ORDER BY k.member_id
ON CONFLICT DO NOTHING
RETURNING member_id
"""
_OLD_KEYS = """
SELECT member_id, key_name, sealed FROM member_keys WHERE key_name = $1
ORDER BY member_id LIMIT $2 FOR UPDATE
"""
_OTHERS = """
SELECT count(*) FROM (
    SELECT member_id FROM member_keys WHERE key_name <> ALL($1::text[])
    UNION SELECT member_id FROM member_phones
    WHERE EXISTS (SELECT FROM mark_key WHERE key_name <> ALL($1::text[]))
) AS locked
"""
_RESEAL = """
UPDATE member_keys m SET key_name = $2, sealed = k.sealed
FROM unnest($1::uuid[], $3::bytea[]) AS k (member_id, sealed) WHERE m.member_id = k.member_id
"""
_MARK_KEY = "SELECT id AS member_id, key_name, sealed FROM mark_key"
_ADD_MARK_KEY = """
INSERT INTO mark_key (id, key_name, sealed)
SELECT k.id, $2, k.sealed FROM unnest($1::uuid[], $3::bytea[]) AS k (id, sealed)
ON CONFLICT DO NOTHING
"""
_OLD_MARK_KEY = f"{_MARK_KEY} WHERE key_name = $1 FOR UPDATE"
_RESEAL_MARK_KEY = """
UPDATE mark_key m SET key_name = $2, sealed = k.sealed
FROM unnest($1::uuid[], $3::bytea[]) AS k (id, sealed) WHERE m.id = k.id
"""


class WrongKey(Exception):
    """A key is locked away under a PERSONAL_DATA_KEY that this process has not."""


class MarkKey(NamedTuple):
    """What marks are made with, and its id."""

    id: UUID
    key: bytes


class _Process:
    """The installation's key in this process, by its names."""

    def __init__(self) -> None:
        self.keys: Keys[bytes] | None = None
        self.marks: MarkKey | None = None

    def of(self, name: str) -> bytes:
        """The key with a name. Raises WrongKey."""
        for key in self.given.all:
            if sealing.name_of(key) == name:
                return key
        raise WrongKey(
            "personal data is sealed under another PERSONAL_DATA_KEY: give the one that it was "
            "sealed with, as PERSONAL_DATA_KEY or PERSONAL_DATA_KEY_OLD"
        )

    @property
    def given(self) -> Keys[bytes]:
        """The key that makes, and those that are good."""
        if self.keys is None:
            raise RuntimeError("this process was given no PERSONAL_DATA_KEY")
        return self.keys


_process = _Process()


def use(keys: Keys[str]) -> None:
    """From now on this process locks and unlocks with PERSONAL_DATA_KEY."""
    old = None if keys.old is None else sealing.installation_key(keys.old)
    _process.keys = Keys(sealing.installation_key(keys.new), old)
    _process.marks = None


async def begun(connection: Connection, migrated_at: str = _MIGRATED) -> bool:
    """Whether what is written now is locked away; not while the version before may still run. The
    query says when the migration came, and nothing in a shop that was not there before."""
    migrated = await connection.fetchval(migrated_at)
    return migrated is None or clock.now() >= migrated + WAIT


async def shut(
    connection: Connection, column: str, values: Sequence[tuple[UUID, Any]]
) -> list[bytes | None]:
    """Values, each of a member, as JSON locked away for a column (`table.column`); None for what is
    nobody's any more. The members must be locked, or nobody else can write what is theirs."""
    keys = await _made(connection, [member for member, _ in values])
    return [
        sealing.seal(keys[member], msgspec.json.encode(value), sealing.place(column, member))
        if member in keys
        else None
        for member, value in values
    ]


async def opened(
    connection: Connection, column: str, values: Sequence[tuple[UUID, bytes | None]]
) -> list[Any]:
    """What was locked away for a column, by member; None where nothing was, and where the key that
    it was locked with is destroyed, whether or not there is another since. Raises WrongKey,
    Broken."""
    return await opened_all(connection, [(column, member, sealed) for member, sealed in values])


async def opened_all(
    connection: Connection, values: Sequence[tuple[str, UUID, bytes | None]]
) -> list[Any]:
    """The same for several columns at once, each value with its own."""
    locked = {member for _, member, sealed in values if sealed is not None}
    keys = await _there(connection, locked) if locked else {}
    return [_opened(keys.get(m), sealed, sealing.place(col, m)) for col, m, sealed in values]


def _opened(key: bytes | None, sealed: bytes | None, place: bytes) -> Any:
    if key is None or not sealed:
        return None
    try:
        return msgspec.json.decode(sealing.unseal(key, sealed, place))
    except OtherKey:
        return None


async def reseal(connection: Connection, size: int) -> int:
    """Lock the next so many data keys, and the key of marks, away under the new PERSONAL_DATA_KEY;
    how many."""
    given = _process.given
    if given.old is None:
        return 0
    old = sealing.name_of(given.old)
    if marks := await connection.fetch(_OLD_MARK_KEY, old):
        await connection.execute(_RESEAL_MARK_KEY, *_anew(marks))
    rows = await connection.fetch(_OLD_KEYS, old, size)
    await connection.execute(_RESEAL, *_anew(rows))
    return len(marks) + len(rows)


async def sealed_otherwise(connection: Connection, settings: Sequence[str]) -> int:
    """Of how many members something cannot be read, or the phone not be found, with these values
    of the setting."""
    names = [sealing.name_of(sealing.installation_key(each)) for each in settings]
    return int(await connection.fetchval(_OTHERS, names))


async def mark_key(connection: Connection) -> bytes | None:
    """What marks are made with; None while there are none. Raises WrongKey."""
    row = await connection.fetchrow(_MARK_KEY)
    _process.marks = MarkKey(row["member_id"], _data_key(row)) if row else None
    return _process.marks.key if _process.marks else None


def last_mark_key() -> MarkKey | None:
    """The one that this process saw last. Whoever uses it asks the database whether it still is the
    one: it may have been made in a transaction that failed, or stand in another database."""
    return _process.marks


async def made_mark_key(connection: Connection) -> bytes:
    """The same, made if there is none; of several who make one at once the first one's counts."""
    found = await mark_key(connection)
    if found is None:
        await connection.execute(_ADD_MARK_KEY, *_locked({ids.new_id(): sealing.new_key()}))
        found = await mark_key(connection)
    assert found is not None  # noqa: S101 - it was added, by us or by whom we waited for
    return found


async def _there(connection: Connection, members: Iterable[UUID]) -> dict[UUID, bytes]:
    rows = await connection.fetch(_KEYS, list(members))
    return {row["member_id"]: _data_key(row) for row in rows}


async def _made(connection: Connection, members: Iterable[UUID]) -> dict[UUID, bytes]:
    """The data keys of members, made where there are none; of the erased there are none."""
    wanted = set(members)
    found = await _there(connection, wanted) if wanted else {}
    if missing := wanted - found.keys():
        new = {member: sealing.new_key() for member in sorted(missing)}
        added = {row["member_id"] for row in await connection.fetch(_ADD, *_locked(new))}
        found |= {member: new[member] for member in added}
        if others := missing - added:  # made by somebody else meanwhile, or erased
            found |= await _there(connection, others)
    return found


def _locked(keys: Mapping[UUID, bytes]) -> tuple[list[UUID], str, list[bytes]]:
    """Data keys as `member_keys` keeps them."""
    new = _process.given.new
    sealed = [
        sealing.seal(new, key, sealing.place(_KEY_COLUMN, member)) for member, key in keys.items()
    ]
    return list(keys), sealing.name_of(new), sealed


def _anew(rows: Sequence[Any]) -> tuple[list[UUID], str, list[bytes]]:
    return _locked({row["member_id"]: _data_key(row) for row in rows})


def _data_key(row: Any) -> bytes:
    key, place = _process.of(row["key_name"]), sealing.place(_KEY_COLUMN, row["member_id"])
    return sealing.unseal(key, row["sealed"], place)
