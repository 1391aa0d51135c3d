"""Whoever shows up in LINE is a member at once, and the same member when they come back.

LINE may drop, repeat and reorder webhooks: any event of a user enrols them if nothing did before,
and following or leaving counts by LINE's own time. Welcome points are given once in a lifetime: the
ledger has one entry for the cause "welcome" of a member.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.points import cards
from services.points.awards import Awards
from services.points.postings import credit, movement_of
from services.points.references import written
from services.points.rulebook import Rulebook
from services.points.store import ledger as ledger_store
from services.points.store import members as store
from services.points.store.ledger import Movement, Posting
from services.points.store.members import NewMember
from shared import clock, ids
from shared.bus.errors import NotYet
from shared.bus.handling import Batch
from shared.events import (
    Event,
    LineEventReceived,
    MemberJoined,
    MemberReturned,
    PointsEarned,
    new_event,
)

SOURCE = "/points/members"
REPLY_TOKEN_LIFE = timedelta(seconds=50)  # LINE: about a minute from receipt

Received = Event[LineEventReceived]


class _Source(msgspec.Struct):
    type: Any = None
    userId: Any = None


class _LineEvent(msgspec.Struct):
    """The few parts of LINE's event that matter here, whatever else it holds."""

    timestamp: Any = None
    replyToken: Any = None
    mode: Any = None
    source: Any = None


class Arrival(msgspec.Struct, frozen=True):
    """A user who did something, with a reply token if it came with a follow."""

    user: str
    kind: str
    at: datetime
    event: Received
    reply_token: str | None = None
    reply_until: datetime | None = None


def arrival(event: Received) -> Arrival | None:
    """The user behind a LINE event, unless it is none of a single user's own."""
    data = event.data
    if not data.user_id:
        return None
    try:
        line = msgspec.json.decode(data.event, type=_LineEvent)
        source = msgspec.convert(line.source, _Source, strict=False)
    except msgspec.MsgspecError:
        return None
    if source.type != "user":
        return None
    at = _moment(line.timestamp, data.received_at)
    token = line.replyToken if data.kind == "follow" and line.mode != "standby" else None
    if not isinstance(token, str) or data.redelivered:
        return Arrival(data.user_id, data.kind, at, event)
    return Arrival(data.user_id, data.kind, at, event, token, data.received_at + REPLY_TOKEN_LIFE)


def _moment(milliseconds: Any, otherwise: datetime) -> datetime:
    if isinstance(milliseconds, int) and 0 < milliseconds < 32_503_680_000_000:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    return otherwise


class Enrolment:
    """The handler of `line.event_received`, with the program that it keeps in memory."""

    def __init__(self, rulebook: Rulebook, awards: Awards) -> None:
        self._rulebook = rulebook
        self._awards = awards
        self._card_key: bytes | None = None

    async def handle(self, batch: Batch, events: list[Received]) -> None:
        """Enrol new users, note who follows and who left."""
        arrivals = [each for each in map(arrival, events) if each is not None]
        if not arrivals:
            return
        new = await self.enrol(batch, _first_of_each(arrivals))
        await self._note_friends(batch, arrivals, new)

    async def enrol(self, batch: Batch, arrivals: Sequence[Arrival]) -> set[str]:
        """Make members of users who are none yet (one arrival each); returns the new ones' users.

        Raises NotYet while no program was ever published.
        """
        known = await store.by(batch.connection, "line_user_id", [each.user for each in arrivals])
        there = {member.line_user_id for member in known}
        coming = {
            each.user: each
            for each in arrivals
            if each.user not in there and each.kind != "unfollow"
        }
        if not coming:
            return set()
        await self._rulebook.refresh(batch.connection)
        if self._rulebook.empty:
            raise NotYet("no program has been published yet")
        people = [
            NewMember(ids.new_id(), "", line_user_id=user, friend_at=coming[user].at)
            for user in sorted(coming)
        ]
        added = await self.add(batch, people)
        await self.welcome(batch, added, coming)
        await self._awards.award_waiting(batch, added)
        return {each.line_user_id for each in added if each.line_user_id}

    async def add(self, batch: Batch, people: Sequence[NewMember]) -> list[NewMember]:
        """Add members with fresh cards; those whose names are taken are left out."""
        numbers = await store.card_numbers(batch.connection, len(people))
        if self._card_key is None:
            self._card_key = await store.card_key(batch.connection)
        with_cards = [
            msgspec.structs.replace(person, card=cards.card_number(number, self._card_key))
            for person, number in zip(people, numbers, strict=True)
        ]
        names = [written(name) for person in with_cards for name in person.names()]
        await ledger_store.lock_references(batch.connection, names)
        added = await store.add(batch.connection, with_cards, clock.now())
        return [person for person in with_cards if person.id in added]

    async def welcome(
        self, batch: Batch, added: Sequence[NewMember], arrivals: dict[str, Arrival]
    ) -> None:
        """Give new members their welcome points and tell that they joined."""
        if not added:
            return
        edition, now = self._rulebook.newest(), clock.now()
        points = edition.program.welcome.points
        accounts = await ledger_store.lock_accounts(batch.connection, [each.id for each in added])
        movements: dict[UUID, Movement] = {}
        postings: list[Posting] = []
        for member in added:
            account, cause = accounts[member.id], arrivals[member.line_user_id or ""]
            if points:
                posting = credit(
                    account,
                    movement_of(movements, account),
                    edition.program,
                    id=ids.new_id(),
                    kind="earn",
                    points=points,
                    cause=ids.derived_id("welcome", str(member.id)),
                    occurred_at=now,
                    now=now,
                    source="welcome",
                    actor="program",
                    version=edition.version,
                    explanation={"points": points},
                )
                postings.append(posting)
                batch.emit(_earned(member, posting, account.balance, cause.event))
            batch.emit(_joined(member, points, account.balance, cause))
        await ledger_store.post(batch.connection, postings, list(movements.values()))

    async def _note_friends(self, batch: Batch, arrivals: Sequence[Arrival], new: set[str]) -> None:
        latest: dict[str, Arrival] = {}
        for each in sorted(arrivals, key=lambda arrival: arrival.at):
            if each.kind in ("follow", "unfollow"):
                latest[each.user] = each
        if not latest:
            return
        changed = await store.set_friends(
            batch.connection,
            list(latest),
            [each.kind == "follow" for each in latest.values()],
            [each.at for each in latest.values()],
        )
        back = [(member, latest[user], card) for member, user, card, friend in changed if friend]
        back = [each for each in back if each[1].user not in new]
        accounts = await ledger_store.lock_accounts(batch.connection, [each[0] for each in back])
        for member_id, cause, card in back:
            returned = MemberReturned(
                member_id,
                card,
                accounts[member_id].balance,
                cause.user,
                cause.reply_token,
                cause.reply_until,
            )
            batch.emit(new_event(SOURCE, returned, subject=str(member_id), cause=cause.event))


def _first_of_each(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """One arrival a user; a follow (which has a reply token) before anything else."""
    first: dict[str, Arrival] = {}
    for each in sorted(arrivals, key=lambda arrival: arrival.kind != "follow"):
        first.setdefault(each.user, each)
    return list(first.values())


def _earned(
    member: NewMember, posting: Posting, balance: int, cause: Received
) -> Event[PointsEarned]:
    earned = PointsEarned(
        member_id=member.id,
        entry_id=posting.id,
        source="welcome",
        points=posting.amount,
        balance=balance,
        occurred_at=posting.occurred_at,
        line_user_id=member.line_user_id,
    )
    return new_event(SOURCE, earned, subject=str(member.id), cause=cause)


def _joined(member: NewMember, points: int, balance: int, arrival: Arrival) -> Event[MemberJoined]:
    joined = MemberJoined(
        member_id=member.id,
        card=member.card,
        welcome_points=points,
        balance=balance,
        line_user_id=member.line_user_id,
        reply_token=arrival.reply_token,
        reply_until=arrival.reply_until,
    )
    return new_event(SOURCE, joined, subject=str(member.id), cause=arrival.event)
