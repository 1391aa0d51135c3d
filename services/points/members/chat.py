"""Answers to what customers ask in chat: their balance, and why they have it.

notify asks by event and puts the answer into words; the reply token travels along. Somebody who is
no member yet (LINE dropped their follow) becomes one first.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.points.accounts import standing
from services.points.accounts.standing import Standing
from services.points.members.enrolment import Arrival, Enrolment
from services.points.programs.rulebook import Rulebook
from services.points.rules import explain, rank_words, ranks
from services.points.rules.ranks import Metrics
from services.points.store import members as member_store
from services.points.store import ranks as rank_store
from services.points.store import views
from services.points.store.members import Member
from shared import clock
from shared.bus.handling import Batch
from shared.events import (
    ChatDataProvided,
    ChatDataRequested,
    Event,
    Explained,
    LineEventReceived,
    MissingToNext,
    new_event,
)

SOURCE = "/points/chat"
ENTRIES = 3

Asked = Event[ChatDataRequested]


class Chat:
    """The handler of `chat.data_requested`."""

    def __init__(self, rulebook: Rulebook, enrolment: Enrolment) -> None:
        self._rulebook = rulebook
        self._enrolment = enrolment

    async def handle(self, batch: Batch, events: list[Asked]) -> None:
        """Answer every question of the batch with a few queries."""
        members = await self._members(batch, events)
        events = [event for event in events if event.data.line_user_id in members]
        if not events:  # who left is told nothing
            return
        await self._rulebook.refresh(batch.connection)
        ids = list({member.id for member in members.values()})
        summaries = await views.summaries(batch.connection, ids)
        zone = self._rulebook.current().program.zone
        standings = await standing.of_members(batch.connection, ids, zone, clock.now())
        last: dict[UUID, list[Any]] = {}
        for row in await views.last_entries(batch.connection, ids, ENTRIES):
            last.setdefault(row["member_id"], []).append(row)
        measured = await self._measured(batch, ids)
        for event in events:
            member = members[event.data.line_user_id]
            missing = self._missing(summaries[member.id]["rank"], measured.get(member.id))
            points, entries = standings[member.id], last.get(member.id, ())
            answer = _answer(event.data, summaries[member.id], points, entries, missing)
            rank = self._name(summaries[member.id]["rank"])
            answer = msgspec.structs.replace(answer, rank=rank)
            batch.emit(new_event(SOURCE, answer, subject=str(member.id), cause=event))

    async def _members(self, batch: Batch, events: Sequence[Asked]) -> dict[str, Member]:
        users = sorted({event.data.line_user_id for event in events})
        arrivals = [_arrival(next(e for e in events if e.data.line_user_id == u)) for u in users]
        await self._enrolment.enrol(batch, arrivals)
        found = await member_store.by(batch.connection, "line_user_id", users)
        return {str(member.line_user_id): member for member in found}

    async def _measured(self, batch: Batch, members: Sequence[UUID]) -> dict[UUID, Metrics]:
        program = self._rulebook.current().program
        since = ranks.window_start(program, clock.now())
        return await rank_store.measure(batch.connection, members, since)

    def _missing(self, code: str | None, metrics: Metrics | None) -> MissingToNext | None:
        if metrics is None:
            return None
        program = self._rulebook.current().program
        following = ranks.next_level(program.ranks.levels, code, metrics)
        if following is None:
            return None
        name, gaps = self._name(following["code"]) or "", following["missing"]
        words = rank_words.to_next(gaps, name, program.currency)
        progress = ranks.progress(metrics, gaps)
        return MissingToNext(name, **gaps, ja=words.ja, en=words.en, progress=progress)

    def _name(self, code: str | None) -> str | None:
        levels = self._rulebook.current().program.ranks.levels
        return next((level.name for level in levels if level.code == code), None)


def _arrival(event: Asked) -> Arrival:
    """A question is an arrival too; its reply token stays with the question."""
    received = LineEventReceived("message", msgspec.Raw(b"{}"), event.time)
    cause = Event(event.id, event.source, "line.event_received.v1", event.time, received)
    return Arrival(event.data.line_user_id, "message", event.time, cause)


def _answer(
    asked: ChatDataRequested,
    summary: Any,
    points: Standing,
    entries: Sequence[Any],
    missing: MissingToNext | None,
) -> ChatDataProvided:
    return ChatDataProvided(
        line_user_id=asked.line_user_id,
        topic=asked.topic,
        member_id=summary["id"],
        card=summary["card"],
        balance=points.balance,
        pending=points.pending,
        next_rank=missing,
        entries=[_explained(row) for row in entries],
        reply_token=asked.reply_token,
        reply_until=asked.reply_until,
        status=summary["status"],
    )


def _explained(row: Any) -> Explained:
    why = msgspec.json.decode(row["explanation"])
    words = explain.text(row["kind"], row["source"], row["amount"], why)
    return Explained(row["amount"], row["occurred_at"], words["ja"], words["en"])
