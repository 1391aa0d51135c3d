"""Ranks of some members, computed anew from the facts; those that moved are written and told.

Members are looked at without any lock. Only whose rank is about to move gets locked, by the account
as for everything else that concerns points, and is then decided again: so awards never wait for
members who stay where they are, and a gift for reaching a rank stands in the transaction of the
rank. Nothing that repeats gives it twice: its cause follows from member, level and occasion.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from services.points.accounts.books import Book, Terms, open_books
from services.points.programs.rulebook import Rulebook
from services.points.rules import rank_words, ranks
from services.points.rules.explain import Words
from services.points.rules.program import Level, Program
from services.points.rules.ranks import Decision, Held, Metrics
from services.points.store import ledger as ledger_store
from services.points.store import ranks as store
from services.points.store.ranks import Given, Standing
from shared import clock, ids
from shared.bus.handling import Batch, Connection
from shared.events import (
    Event,
    MissingToKeep,
    PointsEarned,
    RankChanged,
    RankExpiring,
    new_event,
)

SOURCE = "/points/ranks"
GIFT = "rank"
"""The `source` of entries that ranks give; points from it do not count towards ranks."""

Causes = Mapping[UUID, Event[Any] | None]
"""The members to look at, each with the event that made us."""


class Move(msgspec.Struct, frozen=True):
    """A standing that changes; `notice` is what is missing to keep it, to be announced now."""

    before: Standing
    after: Standing
    direction: str
    notice: dict[str, int] | None = None


async def rank(
    batch: Batch, rulebook: Rulebook, members: Causes, *, evaluation: bool, quiet: bool = False
) -> None:
    """Bring the members' ranks up to date by the program in force; down only in an evaluation.

    `quiet`: what was reached elsewhere, before; it gives nothing and nobody is told.
    """
    await rulebook.refresh(batch.connection)
    if rulebook.empty or not members:
        return
    program = rulebook.current().program
    seen = await _moves(batch.connection, program, list(members), evaluation)
    moving = [move.before.member_id for move in seen]
    if not moving:
        return
    await ledger_store.lock_accounts(batch.connection, moving)
    moves = await _moves(batch.connection, program, moving, evaluation)
    if not moves:
        return
    await store.write(batch.connection, [move.after for move in moves])
    await store.note_moves(batch.connection, _moved(moves), clock.now())
    points = {} if quiet else await _give(batch, rulebook, program, moves)
    for move in moves:
        id = move.before.member_id
        for data in _told(program, move, points.get(id, 0), quiet):
            batch.emit(new_event(SOURCE, data, subject=str(id), cause=members[id]))


async def _moves(
    connection: Connection, program: Program, members: Sequence[UUID], evaluation: bool
) -> list[Move]:
    """What is to change, as the facts are now."""
    now = clock.now()
    standings = {
        id: standing
        for id, standing in (await store.read(connection, members, now)).items()
        if not ranks.settled(program, standing.held, evaluation=evaluation)
    }
    if not standings:
        return []
    measured = await store.measure(connection, list(standings), ranks.window_start(program, now))
    decided = [
        decide(program, standing, measured[id], now, evaluation)
        for id, standing in standings.items()
        if id in measured
    ]
    return [move for move in decided if move is not None]


def _moved(moves: Sequence[Move]) -> list[tuple[UUID, str | None, str | None, str]]:
    """Those that have another rank now, for the member's story."""
    return [
        (move.before.member_id, move.before.held.code, move.after.held.code, move.direction)
        for move in moves
        if move.before.held.code != move.after.held.code
    ]


def decide(
    program: Program, before: Standing, metrics: Metrics, now: datetime, evaluation: bool
) -> Move | None:
    """How a member's standing moves; None where it stays as it is."""
    held = before.held
    new = ranks.evaluate(program, metrics, held, now, evaluation=evaluation)
    after = Held(code=new.code, own=new.own, keep_until=new.keep_until, floor=held.floor)
    notice = None
    if evaluation and before.notice_sent_for != after.keep_until:
        notice = ranks.to_keep(program, metrics, after, now)
    if after == held and notice is None:
        return None
    return Move(before, _standing(before, new, after, notice, now), new.direction, notice)


def _standing(
    before: Standing, new: Decision, after: Held, notice: dict[str, int] | None, now: datetime
) -> Standing:
    moved = new.direction != "same" or before.since is None
    return replace(
        before,
        held=after,
        since=now if moved else before.since,
        notice_sent_for=before.notice_sent_for if notice is None else after.keep_until,
    )


def _told(
    program: Program, move: Move, points: int, quiet: bool
) -> list[RankChanged | RankExpiring]:
    levels = {level.code: level for level in program.ranks.levels}
    names = {code: level.name for code, level in levels.items()}
    before, after = move.before.held, move.after.held
    told: list[RankChanged | RankExpiring] = []
    if before.code != after.code:
        reached = levels.get(after.code or "") if move.direction == "up" else None
        gives = rank_words.brings(reached) if reached else Words("", "")
        changed = RankChanged(
            member_id=move.before.member_id,
            direction=move.direction,
            to_rank=after.code,
            to_name=names.get(after.code or ""),
            from_rank=before.code,
            from_name=names.get(before.code or ""),
            line_user_id=move.before.line_user_id,
            points=points,
            brings_ja=gives.ja,
            brings_en=gives.en,
            quiet=quiet,
        )
        told.append(changed)
    if move.notice is not None and after.own is not None and after.keep_until is not None:
        words = rank_words.missing(move.notice, program.currency)
        expiring = RankExpiring(
            member_id=move.before.member_id,
            rank=after.own,
            name=names[after.own],
            keep_until=after.keep_until,
            missing=MissingToKeep(**move.notice, ja=words.ja, en=words.en),
            line_user_id=move.before.line_user_id,
        )
        told.append(expiring)
    return told


# Points for reaching a level.


def gifts(
    levels: Sequence[Level], member: UUID, before: Held, after: Held, given: Given
) -> list[tuple[Level, UUID]]:
    """The levels whose points a rise gives, each with the cause of its entry.

    `given` is what members got so far: it tells the first time from others.
    """
    reached = [level for level in ranks.reached(levels, before.code, after.code) if level.points]
    return [(level, cause) for level in reached if (cause := _cause(member, level, given))]


def _cause(member: UUID, level: Level, given: Given) -> UUID | None:
    """The cause of the next gift for reaching a level; None when there is none any more."""
    if not level.every_time and (member, level.code) in given.levels:
        return None
    occasion = 1
    while (cause := _nth(member, level, occasion)) in given.causes:
        occasion += 1
    return cause


def _nth(member: UUID, level: Level, occasion: int) -> UUID:
    return ids.derived_id("rank", str(member), level.code, str(occasion))


async def _give(
    batch: Batch, rulebook: Rulebook, program: Program, moves: Sequence[Move]
) -> dict[UUID, int]:
    """Give what the levels that were reached promise; returns the points by member."""
    up = [move for move in moves if move.direction == "up"]
    if not up or not any(level.points for level in program.ranks.levels):
        return {}
    given = await store.given(batch.connection, [move.before.member_id for move in up])
    due = {
        move.before.member_id: gifts(
            program.ranks.levels,
            move.before.member_id,
            move.before.held,
            move.after.held,
            given,
        )
        for move in up
    }
    due = {member: owed for member, owed in due.items() if owed}
    books = await open_books(batch.connection, rulebook, list(due))
    for member, owed in due.items():
        for level, cause in owed:
            earned = _gift(books[member], level, cause, Terms.of(books.edition, books.now))
            books.tell(new_event(SOURCE, earned, subject=str(member)))
    await books.write(batch)
    return {member: sum(level.points for level, _ in owed) for member, owed in due.items()}


def _gift(book: Book, level: Level, cause: UUID, terms: Terms) -> PointsEarned:
    entry = book.post(
        "earn",
        level.points,
        cause=cause,
        source=GIFT,
        actor="program",
        explanation={
            "points": level.points,
            "rank": {"code": level.code, "name": level.name},
            "counts_for_rank": False,
        },
        terms=terms,
    )
    book.movement.earned += level.points
    return PointsEarned(
        member_id=book.member_id,
        entry_id=entry.id,
        source=GIFT,
        points=level.points,
        balance=book.balance,
        occurred_at=entry.occurred_at,
        line_user_id=book.account.line_user_id,
    )
