"""A member as the API, the card and the chat show one: balances, rank, what is missing."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.points.accounts import standing
from services.points.accounts.standing import Standing
from services.points.programs.rulebook import Edition, Rulebook
from services.points.rules import carrying, explain, ranks
from services.points.rules.program import Program
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
    edition = None if rulebook.empty else rulebook.current()
    program = edition.program if edition else None
    rows = await views.summaries(connection, ids)
    measured: dict[UUID, ranks.Metrics] = {}
    if program is not None:
        since = ranks.window_start(program, clock.now())
        measured = await rank_store.measure(connection, ids, since)
    zone = program.zone if program else ZoneInfo("UTC")
    standings = await standing.of_members(connection, ids, zone, clock.now())
    found = []
    for id in ids:
        if id in rows:
            following = _next_rank(program, rows[id]["rank"], measured.get(id))
            rank = _rank(program, rows[id]["rank"], following)
            missing = _missing_amount(edition, rows[id])
            found.append(_member(rows[id], rank, following, standings[id], missing))
    return found


def _member(
    row: Any,
    rank: schemas.Rank | None,
    following: schemas.NextRank | None,
    points: Standing,
    missing_amount: int | None,
) -> schemas.Member:
    return schemas.Member(
        id=row["id"],
        card=row["card"],
        status=row["status"],
        rank=rank,
        next_rank=following,
        points=schemas.Points(
            balance=points.balance,
            pending=points.pending,
            held=points.held,
            expiring=[schemas.Expiring(points=some, at=at) for at, some in points.expiring],
            missing_amount=missing_amount,
        ),
        lifetime=schemas.Lifetime(earned=row["earned"], spent=row["spent"], visits=row["visits"]),
        joined_at=row["joined_at"],
        last_visit_at=row["last_visit_at"],
        route=row["route"],
    )


def _missing_amount(edition: Edition | None, row: Any) -> int | None:
    if edition is None:
        return None
    remainder = row["remainder_numerator"], row["remainder_denominator"]
    return carrying.missing_amount(edition.compiled, remainder, row["rank"])


def _next_rank(
    program: Program | None, code: str | None, metrics: ranks.Metrics | None
) -> schemas.NextRank | None:
    if program is None or metrics is None:
        return None
    following = ranks.next_level(program.ranks.levels, code, metrics)
    if following is None:
        return None
    name = _name(program, following["code"])
    progress = ranks.progress(metrics, following["missing"])
    return schemas.NextRank(name=name, progress=progress, **following)


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
