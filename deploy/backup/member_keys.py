"""Members' data keys stand apart from the backups: one file beside them all, of the newest only.

Without a member's key nobody reads what is locked away of them in any backup, so an erasure reaches
those that were taken before it: after the next backup the key is in no file any more. Keys do not
change but for what they are locked away under, so the newest file fits every older backup. With
them goes the key of the marks that phones are found by, under an id of its own: the backups hold it
too, but only as it was locked away then.
"""

import asyncio
from pathlib import Path

import asyncpg
import msgspec

from deploy.backup import files, store

NAME = "member-keys.jsonl"
TABLE = "points.member_keys"
SINCE = 35
"""The migration of points that made the table; older backups have none."""


class MemberKey(msgspec.Struct, frozen=True, array_like=True):
    """A row of the table, or the key of marks; `sealed` is locked away under PERSONAL_DATA_KEY."""

    member_id: str
    key_name: str
    sealed: bytes


async def write(connection: asyncpg.Connection, into: Path) -> int:
    """Put the keys of this transaction's snapshot beside the backups; how many there are then.

    Only who was erased here goes from the file: a database that knows nothing of the older backups'
    members, such as an empty one, must not take their keys away. Raises OSError, msgspec's errors.
    """
    path = into / NAME
    before = {each.member_id: each for each in read(path)} if path.exists() else {}
    for member in await store.erased_of(connection, list(before)):
        del before[member]
    now = {row[0]: MemberKey(*row) for row in await store.member_keys(connection)}
    rows = list((before | now).values())
    await asyncio.to_thread(files.replace, path, rows)
    return len(rows)


def read(path: Path) -> list[MemberKey]:
    """The keys of a file. Raises OSError where there is none, msgspec's errors where it is not
    one."""
    return msgspec.json.Decoder(MemberKey).decode_lines(path.read_bytes())


async def put_back(connection: asyncpg.Connection, keys: list[MemberKey]) -> None:
    """Into a restored database, those of the members that it has. One from before there were keys
    has no table for them."""
    if not keys:
        return
    await store.add_member_keys(
        connection,
        [each.member_id for each in keys],
        [each.key_name for each in keys],
        [each.sealed for each in keys],
    )
