"""A member as the API, the card and the chat show one: balances, rank, what is missing."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.points import explain, ranks
from services.points.program import Program
from services.points.rulebook import Rulebook
from services.points.store import ranks as rank_store
from services.points.store import views
from services.points.web import schemas
from shared import clock
from shared.bus.handling import Connection


async def members(
    connection: Connection, rulebook: Rulebook, ids: Sequence[UUID]
) -> list[schemas.Member]:
    """The members with these ids, in that order; unknown ones are left out."""
    await rulebook.refresh(connection)
    program = None if rulebook.empty else rulebook.newest().program
    rows = await views.summaries(connection, ids)
    measured: dict[UUID, rank_store.Measured] = {}
    if program is not None:
        since = ranks.window_start(program, clock.now())
        measured = await rank_store.measure(connection, ids, since)
    found = []
    for id in ids:
        if id in rows:
            expiring = await views.expiring(connection, id, clock.now())
            following = _next_rank(program, rows[id]["rank"], measured.get(id))
            rank = _rank(program, rows[id]["rank"], following)
            found.append(_member(rows[id], rank, following, expiring))
    return found


def _member(
    row: Any,
    rank: schemas.Rank | None,
    following: schemas.NextRank | None,
    expiring: Sequence[Any],
) -> schemas.Member:
    return schemas.Member(
        id=row["id"],
        card=row["card"],
        status=row["status"],
        rank=rank,
        next_rank=following,
        points=schemas.Points(
            balance=row["in_lots"] - row["held"] - row["debt"],
            pending=row["pending"],
            held=row["held"],
            expiring=[
                schemas.Expiring(points=each["points"], at=each["expires_at"]) for each in expiring
            ],
        ),
        lifetime=schemas.Lifetime(earned=row["earned"], spent=row["spent"], visits=row["visits"]),
        joined_at=row["joined_at"],
        last_visit_at=row["last_visit_at"],
    )


def _next_rank(
    program: Program | None, code: str | None, did: rank_store.Measured | None
) -> schemas.NextRank | None:
    if program is None or did is None:
        return None
    metrics = ranks.Metrics(
        points_earned=did.points_earned, amount_spent=did.amount_spent, visits=did.visits
    )
    following = ranks.next_level(program.ranks.levels, code, metrics)
    if following is None:
        return None
    done = [_percent(getattr(did, what), gap) for what, gap in following["missing"].items()]
    name = _name(program, following["code"])
    return schemas.NextRank(name=name, progress=min(done), **following)


def _percent(have: int, missing: int) -> int:
    return 100 * max(have, 0) // (max(have, 0) + missing)


def _rank(
    program: Program | None, code: str | None, following: schemas.NextRank | None
) -> schemas.Rank | None:
    if program is None or code is None:
        return None
    return schemas.Rank(code=code, name=_name(program, code), next=following)


def _name(program: Program, code: str) -> str:
    """A level's name; the code itself when a newer program no longer has the level."""
    return next((level.name for level in program.ranks.levels if level.code == code), code)


def explanation(kind: str, source: str, amount: int, facts: str) -> schemas.Explanation:
    """Why, in words and facts."""
    why = msgspec.json.decode(facts)
    return schemas.Explanation(text=explain.text(kind, source, amount, why), **why)
