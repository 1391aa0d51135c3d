"""What a page of a segment says of its members, in sets: as the API and the card say it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
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
    names = {level.code: level.name for level in as_of.levels}
    rows = await store.people(connection, members)
    standings = await standing.of_members(connection, members, as_of.zone, as_of.now)
    measured: Mapping[UUID, Metrics] = {}
    if program is not None and program.ranks.levels:
        measured = await rank_store.measure(connection, members, as_of.since)
    return [
        _person(
            row,
            standings.get(row.id, _NOTHING),
            names,
            _next(program, names, row.rank, measured.get(row.id, Metrics())),
        )
        for row in rows
    ]


def _person(
    row: Row, points: Standing, names: Mapping[str, str], following: Mapping[str, Any]
) -> SegmentPerson:
    """One of them. The program may no longer have a rank: its code is its name then."""
    expiring_at, expiring_points = points.expiring[0] if points.expiring else (None, 0)
    return SegmentPerson(
        member_id=row.id,
        card=row.card,
        line_user_id=row.line_user_id,
        points=points.balance,
        pending=points.pending,
        rank_code=row.rank,
        rank_name=names.get(row.rank, row.rank) if row.rank else None,
        expiring_points=expiring_points,
        expiring_at=expiring_at,
        visits=row.visits,
        last_visit_at=row.last_visit_at,
        **following,
    )


def _next(
    program: Program | None, names: Mapping[str, str], rank: str | None, metrics: Metrics
) -> Mapping[str, Any]:
    following = ranks.next_level(program.ranks.levels, rank, metrics) if program else None
    if program is None or following is None:
        return {}
    words = _missing(tuple(following["missing"].items()), program.currency)
    name = names[following["code"]]
    return {"next_rank_name": name, "missing_ja": words.ja, "missing_en": words.en}


@lru_cache(maxsize=20_000)
def _missing(gaps: tuple[tuple[str, int], ...], currency: str) -> Words:
    """Many are on the same step: their words are put together once."""
    return rank_words.missing(dict(gaps), currency)
