"""Checks of the whole ledger: how far each has come, and what it found."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

FINDINGS = 200
"""How many are kept of a check, the first ones; all are counted."""

_ASK = """
INSERT INTO ledger_checks
    (id, asked_at, parts, after_member, members, entries, differences, findings)
SELECT $1, $2, 0, $3, 0, 0, 0, '[]'
WHERE NOT EXISTS (SELECT FROM ledger_checks WHERE finished_at IS NULL)
ON CONFLICT (id) DO NOTHING
"""
_NEXT = """
SELECT id, parts, after_member, members, entries, differences, findings FROM ledger_checks
WHERE finished_at IS NULL ORDER BY asked_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_ADVANCE = """
UPDATE ledger_checks SET parts = $2, after_member = $3, members = $4, entries = $5,
    differences = $6, findings = $7, finished_at = $8
WHERE id = $1
"""
_NOTE = """
INSERT INTO ledger_checks (id, asked_at, parts, after_member, members, entries, differences,
    findings, finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_FOUND = """
SELECT findings FROM ledger_checks WHERE finished_at IS NULL
    OR id = (SELECT id FROM ledger_checks WHERE finished_at IS NOT NULL
        ORDER BY finished_at DESC LIMIT 1)
"""
_LAST = """
SELECT (SELECT min(asked_at) FROM ledger_checks) AS asked_at, finished_at, members, differences
FROM (VALUES (1)) AS always LEFT JOIN (
    SELECT finished_at, members, differences FROM ledger_checks WHERE finished_at IS NOT NULL
    ORDER BY finished_at DESC LIMIT 1
) AS last ON true
"""
PRUNE = """
DELETE FROM ledger_checks WHERE id IN (
    SELECT id FROM ledger_checks WHERE finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Found(msgspec.Struct, frozen=True):
    """Something that does not add up, in words. `member` None concerns the ledger as a whole."""

    member: UUID | None
    what: str
    entries: str
    stored: str


class Check(msgspec.Struct, frozen=True):
    """A check of the whole ledger: `parts` of it that concern no single member are done, then the
    members up to `after`. `found` are the first of the `differences`."""

    id: UUID
    parts: int = 0
    after: UUID = UUID(int=0)
    members: int = 0
    entries: int = 0
    differences: int = 0
    found: tuple[Found, ...] = ()


class Last(msgspec.Struct, frozen=True):
    """The last check that came to its end (all None: none did yet), and when the first of those
    that are remembered was asked for."""

    asked_at: datetime | None
    finished_at: datetime | None
    members: int | None
    differences: int | None


async def ask(connection: Connection, id: UUID, now: datetime) -> None:
    """Ask for a check; one that is not finished yet does instead. The same id asks once."""
    await connection.execute(_ASK, id, now, UUID(int=0))


async def next_page(connection: Connection) -> Check | None:
    """The check that is not finished, locked; None while there is none, or somebody is at it."""
    row = await connection.fetchrow(_NEXT)
    if row is None:
        return None
    id, parts, after, members, entries, differences, findings = row
    return Check(id, parts, after, members, entries, differences, _read(findings))


async def advance(connection: Connection, check: Check, finished_at: datetime | None) -> None:
    """Note how far the check has come."""
    await connection.execute(_ADVANCE, *_row(check), finished_at)


async def note(connection: Connection, check: Check, asked_at: datetime, now: datetime) -> None:
    """Note a check that was made at once, from its beginning to its end."""
    id, *state = _row(check)
    await connection.execute(_NOTE, id, asked_at, *state, now)


async def found(connection: Connection) -> list[Found]:
    """What the last whole check found, and the one under way so far."""
    rows = await connection.fetch(_FOUND)
    return [each for row in rows for each in _read(row["findings"])]


async def last(connection: Any) -> Last:
    """The last whole check. `connection` may be a pool."""
    return Last(**await connection.fetchrow(_LAST))


def _row(check: Check) -> tuple[Any, ...]:
    kept = msgspec.json.encode(check.found[:FINDINGS]).decode()
    counts = (check.members, check.entries, check.differences)
    return (check.id, check.parts, check.after, *counts, kept)


def _read(findings: str) -> tuple[Found, ...]:
    return msgspec.json.decode(findings, type=tuple[Found, ...])
