"""A card and a LINE account come together: by a till's code typed in the chat, or by LINE's own
account link. The LINE user's member and the card's become one (`merging`), so card, points and
history are all there; the customer can take the link back.

Who links is whom LINE says is there; which card, whom the code or the nonce was made for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.errors import NotLinkable, NotMergeable
from services.points.members import link_codes, merging, references, welcoming
from services.points.members.enrolment import REPLY_TOKEN_LIFE, Arrival, Received, arrival
from services.points.programs.rulebook import Rulebook
from services.points.store import leaving as leaving_store
from services.points.store import ledger as ledger_store
from services.points.store import links as store
from services.points.store import members as member_store
from services.points.store import merges as merge_store
from services.points.store import profiles as profile_store
from services.points.store.ledger import Movement
from services.points.store.members import Member
from shared import clock, ids
from shared.bus.handling import Batch
from shared.events import LinkRefused, MemberLinked, MemberUnlinked, new_event
from shared.keys import Keys

SOURCE = "/points/members"
ACTOR = "line"
UNLINK = ("連携解除", "カード連携解除", "unlink")


class _Message(msgspec.Struct):
    type: Any = None
    text: Any = None


class _Link(msgspec.Struct):
    result: Any = None
    nonce: Any = None


class _LineEvent(msgspec.Struct):
    replyToken: Any = None
    mode: Any = None
    message: _Message | None = None
    link: _Link | None = None


class Wish(msgspec.Struct, frozen=True):
    """What a LINE user wants linked: by code, by nonce, or (neither) a link taken back. `event` is
    what they did in LINE; on their card they did it without one."""

    user: str
    at: datetime
    event: Received | None = None
    code: str | None = None
    nonce: str | None = None
    reply_token: str | None = None

    @property
    def reply_until(self) -> datetime | None:
        """Until when the reply token is worth trying."""
        if self.event is None or not self.reply_token:
            return None
        return self.event.data.received_at + REPLY_TOKEN_LIFE


def wish(event: Received) -> Wish | None:
    """What the event asks for; None for every other event."""
    if event.data.kind not in ("message", "accountLink"):
        return None
    who = arrival(event)
    if who is None:
        return None
    try:
        line = msgspec.json.decode(event.data.event, type=_LineEvent)
    except msgspec.MsgspecError:
        return None
    if line.mode == "standby":  # the chat is somebody else's to answer
        return None
    return _read(event, who, line)


def _read(event: Received, who: Arrival, line: _LineEvent) -> Wish | None:
    token = line.replyToken
    if not isinstance(token, str) or event.data.redelivered:
        token = None
    if line.link is not None and event.data.kind == "accountLink":
        nonce = line.link.nonce
        if line.link.result != "ok" or not isinstance(nonce, str):
            return None
        return Wish(who.user, who.at, event, nonce=nonce, reply_token=token)
    message = line.message
    if message is None or message.type != "text" or not isinstance(message.text, str):
        return None
    code = link_codes.typed(message.text)
    if code is None and message.text.strip().casefold() not in UNLINK:
        return None
    return Wish(who.user, who.at, event, code=code, reply_token=token)


class Linking:
    """The handler of what customers do in LINE to link their card; after `Enrolment`'s, so that
    whoever it is is a member."""

    def __init__(self, rulebook: Rulebook, keys: Keys[bytes]) -> None:
        self._rulebook = rulebook
        self._keys = keys

    async def handle(self, batch: Batch, events: Sequence[Received]) -> None:
        """Link and unlink; what is refused is told to who asked."""
        wishes = [each for each in map(wish, events) if each is not None]
        for each in sorted(wishes, key=lambda wish: wish.at):
            try:
                await self._fulfil(batch, each)
            except NotLinkable as refused:
                data = LinkRefused(each.user, refused.reason, each.reply_token, each.reply_until)
                batch.emit(new_event(SOURCE, data, cause=each.event))

    async def _fulfil(self, batch: Batch, wish: Wish) -> None:
        if wish.nonce is not None:
            member = await link_codes.use_nonce(batch.connection, wish.nonce, clock.now())
            if member is None:
                raise NotLinkable("expired")
            await self.link(batch, wish, member)
        elif wish.code is not None:
            who, now = f"line:{wish.user}", clock.now()
            member = await link_codes.owner_of(batch.connection, self._keys, who, wish.code, now)
            if member is None:
                raise NotLinkable("wrong_code")
            await self.link(batch, wish, member)
            await link_codes.use(batch.connection, self._keys, wish.code)
        else:
            await self._unlink(batch, wish)

    async def link(self, batch: Batch, wish: Wish, card_member: UUID) -> None:
        """Bring the LINE user's member and the card's together, once it is proven whose the card
        is. Raises NotLinkable."""
        both = await _both(batch, wish, card_member)
        await ledger_store.lock_accounts(batch.connection, [each.id for each in both])
        ours, cards = await _both(batch, wish, card_member)  # as nobody changes them any more
        if ours.id == cards.id:
            raise NotLinkable("already_yours")
        if ours.status != "active":
            raise NotLinkable("suspended")
        link_codes.require_linkable(cards.status, cards.line_user_id)
        if wish.code is not None:
            now = clock.now()
            await link_codes.hold(batch.connection, self._keys, wish.code, card_member, now)
        kept, absorbed = cards, ours
        if await merge_store.keeps(batch.connection, ours.id):
            kept, absorbed = ours, cards  # who has taken over another card stays
        await self._merge(batch, kept.id, absorbed.id)
        await profile_store.note(
            batch.connection,
            kept.id,
            {"linked": False},
            {"linked": True, "member": str(absorbed.id)},
            reason="code" if wish.code else "account_link" if wish.nonce else "card",
            actor=ACTOR,
            now=clock.now(),
        )
        await self._say_linked(batch, wish, kept.id, absorbed.id)

    async def _merge(self, batch: Batch, kept: UUID, absorbed: UUID) -> None:
        try:
            await merging.merge(
                batch,
                self._rulebook,
                id=ids.new_id(),
                kept=kept,
                absorbed=absorbed,
                reason="LINE連携 / linked to LINE",
                actor=ACTOR,
            )
        except NotMergeable as problem:
            raise NotLinkable(_reason(problem)) from problem

    async def _say_linked(self, batch: Batch, wish: Wish, kept: UUID, absorbed: UUID) -> None:
        """With the welcome, if neither of the two ever had one, nor an earlier membership."""
        account = (await ledger_store.lock_accounts(batch.connection, [kept]))[kept]
        movements: dict[UUID, Movement] = {}
        posting = None
        before = await leaving_store.farewells(batch.connection, [wish.user])
        if not before and not await store.welcomed(batch.connection, [kept, absorbed]):
            edition = self._rulebook.current()
            posting = welcoming.posting(account, movements, edition, clock.now())
        if posting is not None:
            await ledger_store.post(batch.connection, [posting], list(movements.values()))
            batch.emit(welcoming.told(posting, account, wish.event))
        linked = MemberLinked(
            kept,
            account.card,
            account.balance,
            wish.at,
            posting.amount if posting else 0,
            wish.user,
            wish.reply_token,
            wish.reply_until,
        )
        batch.emit(new_event(SOURCE, linked, subject=str(kept), cause=wish.event))

    async def _unlink(self, batch: Batch, wish: Wish) -> None:
        """Undo the last link that this LINE user made: each has their own again."""
        ours = await member_store.by(batch.connection, "line_user_id", [wish.user])
        id = await store.linked_by(batch.connection, ours[0].id) if ours else None
        made = await merge_store.find(batch.connection, id) if id else None
        if made is None:
            raise NotLinkable("not_linked")
        try:
            await merging.undo(batch, self._rulebook, made, ACTOR)
        except NotMergeable as problem:
            raise NotLinkable(_reason(problem)) from problem
        (now_ours,) = await member_store.by(batch.connection, "line_user_id", [wish.user])
        other = made.kept if now_ours.id == made.absorbed else made.absorbed
        await profile_store.note(
            batch.connection,
            other,
            {"linked": True, "member": str(now_ours.id)},
            {"linked": False},
            reason=None,
            actor=ACTOR,
            now=clock.now(),
        )
        account = (await ledger_store.lock_accounts(batch.connection, [now_ours.id]))[now_ours.id]
        told = MemberUnlinked(
            now_ours.id,
            other,
            account.card,
            account.balance,
            wish.at,
            wish.user,
            wish.reply_token,
            wish.reply_until,
        )
        batch.emit(new_event(SOURCE, told, subject=str(now_ours.id), cause=wish.event))


async def _both(batch: Batch, wish: Wish, card_member: UUID) -> tuple[Member, Member]:
    """The LINE user's member, and the card's (or who took them over)."""
    names = [("line_user_id", wish.user), ("id", str(card_member))]
    found = await references.resolve(batch.connection, names)
    if names[0] not in found:  # they left for good, and have not followed again
        raise NotLinkable("not_member")
    if names[1] not in found:
        raise NotLinkable("expired")
    ours, cards = (found[name] for name in names)
    return ours, cards


def _reason(problem: NotMergeable) -> str:
    """Why the two cannot be one, as the customer is told."""
    reasons = {"points-held": "points_held", "keeps-others": "line_has_card"}
    return reasons.get(problem.kind, "expired")
