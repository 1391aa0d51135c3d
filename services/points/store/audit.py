"""The log of what people who were signed in, owner keys, and commands of the operator changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection
from shared.events import KeyActed, StaffActed

_ADD = """
INSERT INTO audit_log
    (id, at, staff_id, session_id, key_id, role, service, act, target, store, before, after)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, nullif($11::jsonb, 'null'),
    nullif($12::jsonb, 'null'))
ON CONFLICT DO NOTHING
"""
_NEWEST = """
SELECT l.id, l.at, l.staff_id, l.key_id, coalesce(s.name, k.name) AS name, l.role, l.service,
    l.act, l.target, l.store, l.before::text AS before, l.after::text AS after
FROM audit_log l LEFT JOIN staff s ON s.id = l.staff_id LEFT JOIN terminals k ON k.id = l.key_id
WHERE ($1::uuid IS NULL OR l.staff_id = $1) AND ($8::uuid IS NULL OR l.key_id = $8)
    AND ($2::text IS NULL OR l.target = $2 OR starts_with(l.target, $2 || ':'))
    AND ($3::text IS NULL OR l.act = $3 OR strpos(l.act, $3) > 0)
    AND ($4::timestamptz IS NULL OR l.at >= $4) AND ($5::timestamptz IS NULL OR l.at < $5)
    AND ($6::uuid IS NULL OR (l.at, l.id) < (SELECT c.at, c.id FROM audit_log c WHERE c.id = $6))
ORDER BY l.at DESC, l.id DESC LIMIT $7
"""
PRUNE = """
DELETE FROM audit_log WHERE id IN (
    SELECT id FROM audit_log WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


KEY = "key"
"""The role of what an owner key did."""

COMMAND = "command"
"""The role of what a command did: whoever may run one is no person and no key of the shop."""


class CommandActed(msgspec.Struct, frozen=True):
    """A command changed something; the fields are those of `staff.acted`."""

    service: str
    act: str
    at: datetime
    target: str | None = None
    before: Any = None
    after: Any = None


Acted = StaffActed | KeyActed | CommandActed


class Wanted(msgspec.Struct, frozen=True):
    """Which acts: by whom or by which key, of what kind (a part of method and route), on what
    (`member:<id>` or only `member`), from `since` until before `until`."""

    staff: UUID | None = None
    act: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    key: UUID | None = None


class Act(msgspec.Struct, frozen=True):
    """One change, by a person, an owner key or a command. `name` is theirs now, None for who is not
    here any more and for a command."""

    id: UUID
    at: datetime
    staff_id: UUID | None
    key_id: UUID | None
    name: str | None
    role: str
    service: str
    act: str
    target: str | None
    store: str | None
    before: Any
    after: Any


async def add(connection: Connection, acts: Sequence[tuple[UUID, Acted]]) -> None:
    """Keep what is not kept yet."""
    rows = [
        (
            id,
            act.at,
            *_by(act),
            act.service,
            act.act,
            act.target,
            act.store if isinstance(act, StaffActed) else None,
            msgspec.json.encode(act.before).decode(),
            msgspec.json.encode(act.after).decode(),
        )
        for id, act in sorted(acts, key=lambda each: each[0])
    ]
    await connection.executemany(_ADD, rows)


async def newest(
    connection: Connection, wanted: Wanted, before: UUID | None, limit: int
) -> list[Act]:
    """Acts, newest first; `before` is the last one of the page before."""
    rows = await connection.fetch(
        _NEWEST,
        wanted.staff,
        wanted.target,
        wanted.act,
        wanted.since,
        wanted.until,
        before,
        limit,
        wanted.key,
    )
    return [
        Act(**{**row, "before": _json(row["before"]), "after": _json(row["after"])}) for row in rows
    ]


def _by(act: Acted) -> tuple[UUID | None, UUID | None, UUID | None, str]:
    """Person, session, key and role."""
    if isinstance(act, KeyActed):
        return None, None, act.key_id, KEY
    if isinstance(act, CommandActed):
        return None, None, None, COMMAND
    return act.staff_id, act.session_id, None, act.role


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
