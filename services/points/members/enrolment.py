"""Whoever shows up in LINE is a member at once, and the same member when they come back.

LINE may drop, repeat and reorder webhooks: any event of a user enrols them if nothing did before,
and following or leaving counts by LINE's own time, also when the leaving arrives before there is a
member. Only follows and unfollows say who is a friend; a message that enrols somebody leaves it to
them. Who left for good (`leaving`) comes back by a new follow only, as a new member. Welcome points
are given once in a lifetime: the ledger has one entry for the cause "welcome" of a member.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.points.members import welcoming
from services.points.members.references import written
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.routes import attribution
from services.points.rules import cards
from services.points.store import leaving as leaving_store
from services.points.store import ledger as ledger_store
from services.points.store import members as store
from services.points.store import old_cards
from services.points.store.ledger import Movement, Posting
from services.points.store.members import NewMember
from shared import clock, ids
from shared.bus.errors import NotYet
from shared.bus.handling import Batch, Connection
from shared.events import (
    Event,
    LineEventReceived,
    MemberJoined,
    MemberReturned,
    new_event,
)

SOURCE = "/points/members"
REPLY_TOKEN_LIFE = timedelta(seconds=50)  # LINE: about a minute from receipt
_RANKS = {"follow": 0, "unfollow": 2}

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

    @property
    def followed_at(self) -> datetime | None:
        """LINE's time of the follow, if that is what it was."""
        return self.at if self.kind == "follow" else None


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
        gone = await leaving_store.farewells(batch.connection, list(coming))
        coming = {
            user: each
            for user, each in coming.items()
            if user not in gone or (each.followed_at and each.followed_at > gone[user])
        }
        if not coming:
            return set()
        await self._rulebook.refresh(batch.connection)
        if self._rulebook.empty:
            raise NotYet("no program has been published yet")
        people = [
            NewMember(id=ids.new_id(), line_user_id=user, friend_at=coming[user].followed_at)
            for user in sorted(coming)
        ]
        added = await self.add(batch, people)
        await store.apply_departures(batch.connection, sorted(coming))
        routes = await attribution.attribute(batch.connection, added, clock.now())
        await self.welcome(batch, added, coming, welcomed=gone.keys(), routes=routes)
        await self._awards.award_waiting(batch, added)
        return {each.line_user_id for each in added if each.line_user_id}

    async def add(self, batch: Batch, people: Sequence[NewMember]) -> list[NewMember]:
        """Add members with fresh cards; those whose names are taken are left out."""
        fresh = await self.fresh_cards(batch.connection, len(people))
        with_cards = [
            msgspec.structs.replace(person, card=card)
            for person, card in zip(people, fresh, strict=True)
        ]
        names = [written(name) for person in with_cards for name in person.names()]
        await ledger_store.lock_references(batch.connection, names)
        added = await store.add(batch.connection, with_cards, clock.now())
        return [person for person in with_cards if person.id in added]

    async def fresh_cards(self, connection: Connection, count: int) -> list[str]:
        """Numbers of new cards, never given before; nor are they old cards that were brought along
        from another installation."""
        if self._card_key is None:
            self._card_key = await store.card_key(connection)
        fresh: list[str] = []
        while len(fresh) < count:
            numbers = await store.card_numbers(connection, count - len(fresh))
            made = [cards.card_number(number, self._card_key) for number in numbers]
            taken = await old_cards.find(connection, made)
            fresh += [card for card in made if card not in taken]
        return fresh

    async def welcome(
        self,
        batch: Batch,
        added: Sequence[NewMember],
        arrivals: dict[str, Arrival],
        welcomed: Collection[str] = (),
        routes: Mapping[UUID, str] | None = None,
    ) -> None:
        """Give new members their welcome points and tell that they joined. `welcomed`: users who
        had them in an earlier membership; `routes`: on which those came of whom it is known."""
        if not added:
            return
        edition, now = self._rulebook.current(), clock.now()
        accounts = await ledger_store.lock_accounts(batch.connection, [each.id for each in added])
        movements: dict[UUID, Movement] = {}
        postings: list[Posting] = []
        for member in added:
            account, cause = accounts[member.id], arrivals[member.line_user_id or ""]
            posting = None
            if member.line_user_id not in welcomed:
                posting = welcoming.posting(account, movements, edition, now)
            if posting is not None:
                postings.append(posting)
                batch.emit(welcoming.told(posting, account, cause.event))
            route = (routes or {}).get(member.id)
            batch.emit(_joined(member, posting, account.balance, cause, route))
        await ledger_store.post(batch.connection, postings, list(movements.values()))

    async def _note_friends(self, batch: Batch, arrivals: Sequence[Arrival], new: set[str]) -> None:
        latest: dict[str, Arrival] = {}
        for each in sorted(arrivals, key=lambda arrival: arrival.at):
            if each.kind in ("follow", "unfollow"):
                latest[each.user] = each
        if not latest:
            return
        left = [each for each in latest.values() if each.kind == "unfollow"]
        if left:  # their enrolment, if it is just going on, either sees this or is seen
            await _lock_users(batch, [each.user for each in left])
        changed = await store.set_friends(
            batch.connection,
            list(latest),
            [each.kind == "follow" for each in latest.values()],
            [each.at for each in latest.values()],
        )
        if left:
            await store.note_departures(
                batch.connection, [each.user for each in left], [each.at for each in left]
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
                cause.followed_at,
            )
            batch.emit(new_event(SOURCE, returned, subject=str(member_id), cause=cause.event))


def _first_of_each(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """One arrival a user: a follow (which has a reply token) before anything else, and leaving,
    which enrols nobody, after everything else."""
    first: dict[str, Arrival] = {}
    for each in sorted(arrivals, key=_before_others):
        first.setdefault(each.user, each)
    return list(first.values())


def _before_others(arrival: Arrival) -> tuple[int, float]:
    """Of several follows the last one: an older one does not bring back who left in between."""
    return (_RANKS.get(arrival.kind, 1), -arrival.at.timestamp())


async def _lock_users(batch: Batch, users: Sequence[str]) -> None:
    names = [written(("line_user_id", user)) for user in users]
    await ledger_store.lock_references(batch.connection, names)


def _joined(
    member: NewMember, welcome: Posting | None, balance: int, arrival: Arrival, route: str | None
) -> Event[MemberJoined]:
    joined = MemberJoined(
        member_id=member.id,
        card=member.card,
        welcome_points=welcome.amount if welcome else 0,
        balance=balance,
        line_user_id=member.line_user_id,
        reply_token=arrival.reply_token,
        reply_until=arrival.reply_until,
        followed_at=arrival.followed_at,
        route=route,
        usable_from=welcome.active_at if welcome else None,
    )
    return new_event(SOURCE, joined, subject=str(member.id), cause=arrival.event)
