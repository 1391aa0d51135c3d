"""Members by the beginning of what they are found by (`member_terms`), and the filling of it.

What is found by changes with members, profiles, cards and LINE's names by triggers of the database
(migrations 0017, 0041 and 0044 to 0046), in whatever way they are written; this reads. Callers pass
what `form` gave.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules.typed import Place, Range
from services.points.store import phones, sealed
from shared import logs
from shared.bus.handling import Connection

_FORM = "SELECT search_form($1), NOT EXISTS (SELECT FROM member_terms_due)"
_HITS = """
SELECT term, owner FROM member_terms
WHERE kind = $1::text::"char" AND (term, owner) > ($2::text COLLATE "C", $3::uuid)
    AND term < $4::text COLLATE "C"
    AND ($6::text IS NULL
        OR (SELECT p.ends @> ARRAY[$6] FROM member_phones p WHERE p.member_id = owner))
ORDER BY term, owner LIMIT $5
"""
_OWNED = """
SELECT id AS owner, id AS member_id FROM unnest($1::uuid[]) AS o (id)
UNION ALL SELECT l.id, m.id FROM line_names l JOIN members m ON m.line_user_id = l.line_user_id
WHERE l.id = ANY($1::uuid[])
"""
FILTERED = """($2::text IS NULL OR m.status = $2)
    AND ($3::text IS NULL OR EXISTS (
        SELECT FROM profiles p WHERE p.member_id = m.id AND p.tags @> ARRAY[$3]))
    AND ($4::text IS NULL OR EXISTS (
        SELECT FROM ranks r WHERE r.member_id = m.id AND r.code = $4))
    AND ($5::text IS NULL OR EXISTS (
        SELECT FROM purchases b WHERE b.member_id = m.id AND b.store = $5))"""
_FOUND = f"""
SELECT o.owner, m.id, a.last_visit_at FROM ({_OWNED}) AS o
JOIN members m ON m.id = o.member_id JOIN accounts a ON a.member_id = m.id AND a.unit = 'point'
WHERE {FILTERED}
"""
_PLACES = """
SELECT o.member_id, r.phase - 1 AS phase, t.term, t.owner FROM (
    SELECT id AS owner, id AS member_id FROM members WHERE id = ANY($1::uuid[])
    UNION ALL SELECT l.id, m.id FROM members m JOIN line_names l USING (line_user_id)
    WHERE m.id = ANY($1::uuid[])
) AS o
JOIN member_terms t ON t.owner = o.owner
JOIN unnest($2::text[], $3::text[], $4::text[], $5::text[])
    WITH ORDINALITY AS r (kind, low, high, also, phase)
    ON t.kind = r.kind::"char" AND t.term >= r.low COLLATE "C" AND t.term < r.high COLLATE "C"
WHERE r.also IS NULL
    OR (SELECT p.ends @> ARRAY[r.also] FROM member_phones p WHERE p.member_id = t.owner)
"""
_LISTED = f"""
SELECT m.id FROM members m WHERE m.id > $1 AND {FILTERED}
    AND ($3::text IS NULL OR m.id IN (SELECT member_id FROM profiles WHERE tags @> ARRAY[$3]))
ORDER BY m.id LIMIT $6
"""
_SHOWN = """
SELECT m.id, m.phone, n.sealed AS phone_sealed, m.external_id, p.fields ->> 'name' AS name,
    p.fields ->> 'name_kana' AS name_kana, l.name AS line_name, p.tags,
    CASE WHEN m.line_user_id IS NULL THEN 'none' WHEN m.friend THEN 'friend' ELSE 'blocked' END
        AS line
FROM members m LEFT JOIN profiles p ON p.member_id = m.id
LEFT JOIN member_phones n ON n.member_id = m.id AND n.mark IS NOT NULL
LEFT JOIN line_names l ON l.line_user_id = m.line_user_id
WHERE m.id = ANY($1::uuid[])
"""
_DUE = "SELECT after_member FROM member_terms_due FOR UPDATE SKIP LOCKED"
_BATCH = """
SELECT id FROM members WHERE id > $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE
"""
_FILL = (
    "DELETE FROM member_terms WHERE owner = ANY($1::uuid[]) AND source <> 'n'",
    """
INSERT INTO member_terms SELECT m.id, 'm', t.kind, t.term
FROM members m, member_own_terms(m.card, m.phone, m.external_id) AS t
WHERE m.id = ANY($1::uuid[]) AND m.erased_at IS NULL
""",
    """
INSERT INTO member_terms SELECT c.member_id, 'c', t.kind, t.term
FROM (SELECT member_id, card FROM lost_cards UNION ALL SELECT member_id, card FROM old_cards) AS c,
    search_form(c.card) AS form, number_terms(form) AS t
WHERE c.member_id = ANY($1::uuid[])
""",
    """
INSERT INTO member_terms SELECT p.member_id, 'p', t.kind, t.term
FROM profiles p, profile_terms(p.fields) AS t WHERE p.member_id = ANY($1::uuid[])
""",
)
_GO_ON = "UPDATE member_terms_due SET after_member = $1"
_DONE = "DELETE FROM member_terms_due"

log = logs.logger(__name__)


class Filter(msgspec.Struct, frozen=True):
    """What members must be besides; None: anything. `store`: they have bought there."""

    status: str | None = None
    tag: str | None = None
    rank: str | None = None
    store: str | None = None


class Candidate(msgspec.Struct, frozen=True):
    """Whose name it is, and when they were last seen."""

    owner: UUID
    id: UUID
    last_visit_at: datetime | None


class Shown(msgspec.Struct, frozen=True):
    """How a member is told from others in a list. `line` is friend, blocked or none."""

    id: UUID
    phone: str | None
    external_id: str | None
    name: str | None
    name_kana: str | None
    line_name: str | None
    tags: list[str] | None
    line: str


async def form(connection: Connection, text: str) -> tuple[str, bool]:
    """What was typed without what people write differently, and whether all members that there
    were before are in."""
    (row,) = await connection.fetch(_FORM, text)
    return row[0], row[1]


async def hits(connection: Connection, range: Range, after: Place, limit: int) -> list[Place]:
    """The terms of a range behind a place, in order."""
    rows = await connection.fetch(
        _HITS, range.kind, after.term, after.owner, range.high, limit, range.also
    )
    return [Place(after.phase, row["term"], row["owner"]) for row in rows]


async def found(
    connection: Connection, owners: Sequence[UUID], wanted: Filter
) -> dict[UUID, Candidate]:
    """The members behind owners of terms, those who are wanted."""
    rows = await connection.fetch(_FOUND, list(owners), *msgspec.structs.astuple(wanted))
    return {row[0]: Candidate(*row) for row in rows}


async def first_places(
    connection: Connection, members: Sequence[UUID], ranges: Sequence[Range]
) -> dict[UUID, Place]:
    """The first of all places where each of these members is found."""
    rows: list[Any] = await connection.fetch(
        _PLACES,
        list(members),
        [each.kind for each in ranges],
        [each.low for each in ranges],
        [each.high for each in ranges],
        [each.also for each in ranges],
    )
    first: dict[UUID, Place] = {}
    for member, phase, term, owner in rows:
        place = Place(phase, term, owner)
        first[member] = min(place, first.get(member, place))
    return first


async def listed(connection: Connection, after: UUID, wanted: Filter, limit: int) -> list[UUID]:
    """Members in the order of joining after one, those who are wanted."""
    rows = await connection.fetch(_LISTED, after, *msgspec.structs.astuple(wanted), limit)
    return [row["id"] for row in rows]


async def shown(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Shown]:
    """How these members are told apart; under a wrong key without their phones."""
    rows = await connection.fetch(_SHOWN, list(members))
    try:
        numbers = await phones.opened(connection, rows)
    except sealed.WrongKey as problem:
        log.error("phones are not shown", problem=str(problem))
        numbers = {}
    return {row["id"]: _told(dict(row), numbers.get(row["id"])) for row in rows}


def _told(row: dict[str, Any], phone: str | None) -> Shown:
    del row["phone_sealed"]
    return Shown(**{**row, "phone": phone})


async def fill(connection: Connection, size: int) -> bool:
    """Take in the next so many members that there were before; false when there are no more, or
    somebody else is at it. Members are locked while their terms are made."""
    after = await connection.fetchval(_DUE)
    if after is None:
        return False
    members = [row["id"] for row in await connection.fetch(_BATCH, after, size)]
    for statement in _FILL:
        await connection.execute(statement, members)
    if len(members) == size:
        await connection.execute(_GO_ON, members[-1])
    else:
        await connection.execute(_DONE)
    return len(members) == size
