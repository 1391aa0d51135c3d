"""What a page of a segment says of its members, in sets: as the API and the card say it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.points.accounts import standing
from services.points.accounts.standing import Standing
from services.points.rules import rank_words, ranks
from services.points.rules.explain import Words
from services.points.rules.program import Program
from services.points.rules.ranks import Metrics
from services.points.segments.reading import Reading
from services.points.store import ranks as rank_store
from services.points.store import segments as store
from services.points.store.segments import Row
from shared.bus.handling import Connection
from shared.events import SegmentPerson

_NOTHING = Standing(0, 0, 0, ())


async def people(
    connection: Connection, reading: Reading, members: Sequence[UUID]
) -> list[SegmentPerson]:
    """The members with what messages may say of them, in id order."""
    if not members:
        return []
    as_of, program = reading.as_of, reading.program
    rows = await store.people(connection, members)
    standings = await standing.of_members(connection, members, as_of.zone, as_of.now)
    measured: Mapping[UUID, Metrics] = {}
    if program is not None and program.ranks.levels:
        measured = await rank_store.measure(connection, members, as_of.since)
    return [
        _person(row, standings.get(row.id, _NOTHING), program, measured.get(row.id, Metrics()))
        for row in rows
    ]


def _person(row: Row, points: Standing, program: Program | None, metrics: Metrics) -> SegmentPerson:
    expiring_at, expiring_points = points.expiring[0] if points.expiring else (None, 0)
    return SegmentPerson(
        member_id=row.id,
        card=row.card,
        line_user_id=row.line_user_id,
        points=points.balance,
        pending=points.pending,
        rank_code=row.rank,
        rank_name=_name(program, row.rank),
        expiring_points=expiring_points,
        expiring_at=expiring_at,
        visits=row.visits,
        last_visit_at=row.last_visit_at,
        **_next(program, row.rank, metrics),
    )


def _next(program: Program | None, rank: str | None, metrics: Metrics) -> dict[str, Any]:
    following = ranks.next_level(program.ranks.levels, rank, metrics) if program else None
    if program is None or following is None:
        return {}
    words: Words = rank_words.missing(following["missing"], program.currency)
    name = _name(program, following["code"])
    return {"next_rank_name": name, "missing_ja": words.ja, "missing_en": words.en}


def _name(program: Program | None, code: str | None) -> str | None:
    """A level's name; the code itself when the program no longer has it."""
    levels = program.ranks.levels if program else ()
    return next((level.name for level in levels if level.code == code), code)
