"""Purchases become points: a batch of submitted purchases in one transaction.

Resolve the members, claim the requests (what was seen before has no effect), judge each purchase by
the program in force when it occurred, write. The claim makes a repeat harmless whatever the bus
does; a till that waits is answered for repeats too.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.points.errors import BadReference, CardReplaced, HasLeft
from services.points.members import codes, references
from services.points.members.codes import Shown
from services.points.members.references import Named, written
from services.points.programs.rulebook import Rulebook
from services.points.purchases import waiting
from services.points.purchases.judging import SOURCE, Judging, Submitted, explained, rank_words
from services.points.store import ledger as store
from services.points.store import phones, requests
from services.points.store.members import Member, NewMember
from services.points.store.requests import Known, Request, Settled
from shared import clock, envelope, ids
from shared.bus.errors import NotYet
from shared.bus.handling import Batch
from shared.events import PointsOfPurchase, PurchaseAnswer, PurchaseRejected, new_event
from shared.keys import Keys
from shared.purchase_id import under

Fate = Member | Named | BadReference
"""What becomes of a purchase: its member, a name to wait for, or why it can name nobody."""


class Awards:
    """The handler of `purchase.submitted`, with the program's versions that it keeps in memory."""

    def __init__(
        self, rulebook: Rulebook, qr_keys: Keys[bytes], old_purchase_key: bytes | None = None
    ) -> None:
        self._rulebook = rulebook
        self._qr_keys = qr_keys
        self._old_purchase_key = old_purchase_key

    async def handle(self, batch: Batch, events: list[Submitted]) -> None:
        """Award a batch; raises NotYet while no program was ever published."""
        if self._rulebook.empty:
            await self._rulebook.refresh(batch.connection)
        if self._rulebook.empty:
            raise NotYet("no program has been published yet")
        if self._old_purchase_key is not None:
            events = await self._as_first_sent(batch, self._old_purchase_key, events)
        firsts: dict[object, Submitted] = {}
        for event in events:
            firsts.setdefault(event.id, event)
        sorted_out = await self._sort_out(batch, list(firsts.values()))
        covered = await _covered(batch, events)
        asked = [_request(*each, covered) for each in sorted_out]
        claimed = await requests.claim(batch.connection, "purchase", asked, clock.now())
        await self._take(batch, [each for each in sorted_out if each[0].id in claimed])
        if len(claimed) < len(events):
            new = {id(event) for event, _ in sorted_out if event.id in claimed}
            repeats = [each for each in events if id(each) not in new]
            await self._answer_repeats(batch, repeats, covered)

    async def award_waiting(self, batch: Batch, members: Sequence[NewMember]) -> None:
        """Award the purchases that waited for these new members."""
        bodies = await store.take_waiting(
            batch.connection, [written(name) for member in members for name in member.names()]
        )
        if not bodies:
            return
        body = envelope.join(bodies)
        events, _ = envelope.decode_group("purchase.submitted.v1", body)
        await self._rulebook.refresh(batch.connection)
        events = await waiting.in_time(batch, self._rulebook.current().program, events)
        sorted_out = await self._sort_out(batch, events)
        await self._take(batch, sorted_out)
        settled = [
            Settled(event.id, _status(found), found.id if isinstance(found, Member) else None)
            for event, found in sorted_out
        ]
        await requests.settle(batch.connection, settled)

    async def _as_first_sent(
        self, batch: Batch, old_key: bytes, events: list[Submitted]
    ) -> list[Submitted]:
        """A repeat of what was first sent before the key changed, under the id that it had then:
        the same terminal and Idempotency-Key are the same purchase, whatever marks its id."""
        before = {event.id: under(old_key, event.id) for event in events}
        await requests.serialise(batch.connection, list(before.values()))
        known = await requests.find(batch.connection, list(before.values()))
        return [
            msgspec.structs.replace(event, id=before[event.id])
            if before[event.id] in known
            else event
            for event in events
        ]

    async def _sort_out(
        self, batch: Batch, events: list[Submitted]
    ) -> list[tuple[Submitted, Fate]]:
        """For each event its member, or the name that nobody has yet, or why it names nobody."""
        names = await self._names(batch, events)
        wanted = {name for name in names if not isinstance(name, BadReference)}
        members = await references.resolve(batch.connection, wanted)
        lost: dict[Named, tuple[datetime, Member]] = {}
        if missing := wanted - members.keys():
            await store.lock_references(batch.connection, [written(name) for name in missing])
            members |= await references.resolve(batch.connection, missing)
            lost = await references.of_lost_cards(batch.connection, missing - members.keys())
        return [
            (event, _fate(event, name, members, lost))
            for event, name in zip(events, names, strict=True)
        ]

    async def _names(self, batch: Batch, events: list[Submitted]) -> list[Named | BadReference]:
        shown = [_shown(event) for event in events if event.data.purchase.member.qr is not None]
        admitted = iter(await codes.admit(batch.connection, self._qr_keys, shown))
        names: list[Named | BadReference] = []
        for event in events:
            ref = event.data.purchase.member
            if ref.qr is not None:
                member = next(admitted)
                names.append(member if isinstance(member, BadReference) else ("id", str(member)))
                continue
            try:
                names.append(references.named(ref))
            except BadReference as problem:
                names.append(problem)
        return names

    async def _take(self, batch: Batch, sorted_out: list[tuple[Submitted, Fate]]) -> None:
        """Let first-time purchases have their effect."""
        known = [(event, found) for event, found in sorted_out if isinstance(found, Member)]
        waiting = [(event, found) for event, found in sorted_out if isinstance(found, tuple)]
        if known:
            judging = Judging(clock.now(), self._rulebook)
            await judging.load(batch.connection, known)
            for event, member in known:
                judging.judge(event, member)
            await judging.write(batch)
        if waiting:
            await _keep_waiting(batch, waiting)
        for event, found in sorted_out:
            if isinstance(found, BadReference):
                _reject(batch, event, found.reason, str(found))

    async def _answer_repeats(
        self, batch: Batch, repeats: list[Submitted], covered: dict[str, str]
    ) -> None:
        known = await requests.find(batch.connection, list({event.id for event in repeats}))
        same = []
        for event in repeats:
            body = event.data.body_hash
            if known[event.id].body_hash in (body, covered.get(body)):
                same.append(event)
                continue
            detail = "this Idempotency-Key was used with another body before"
            _reject(batch, event, "conflict", detail)
        asked = [(event, known[event.id]) for event in same if event.data.reply_to]
        if asked:
            await self._answer(batch, asked)

    async def _answer(self, batch: Batch, asked: list[tuple[Submitted, Known]]) -> None:
        awarded = [(each.member_id, each.id) for _, each in asked if each.member_id]
        rows = await store.earned_by(batch.connection, awarded) if awarded else {}
        accounts = await store.lock_accounts(batch.connection, [member for member, _ in awarded])
        for event, known in asked:
            answer = PurchaseAnswer(event.id, known.status, detail=known.detail)
            if known.member_id is not None and event.id in rows:
                account, row = accounts[known.member_id], rows[event.id]
                edition = self._rulebook.in_force(event.data.purchase.occurred_at)
                answer = PurchaseAnswer(
                    event.id,
                    "awarded",
                    PointsOfPurchase(row["amount"], account.balance, account.pending),
                    rank_words(edition, account.rank),
                    explained(row["amount"], msgspec.json.decode(row["explanation"])),
                )
            if event.data.reply_to:
                batch.reply(event.data.reply_to, answer)


def _fate(
    event: Submitted,
    name: Named | BadReference,
    members: dict[Named, Member],
    lost: dict[Named, tuple[datetime, Member]],
) -> Fate:
    """A card that was replaced still earns for what occurred before, one of who left nothing."""
    if isinstance(name, BadReference):
        return name
    if name in lost:
        replaced_at, member = lost[name]
        if event.data.purchase.occurred_at >= replaced_at:
            return CardReplaced()
    else:
        found = members.get(name)
        if found is None:
            return name
        member = found
    return HasLeft() if member.status == "left" else member


async def _covered(batch: Batch, events: list[Submitted]) -> dict[str, str]:
    """What is kept of the hashes of bodies that name a phone, by the hash."""
    hashes = [each.data.body_hash for each in events if each.data.purchase.member.phone]
    return dict(zip(hashes, await phones.covered(batch.connection, hashes), strict=True))


def _request(event: Submitted, fate: Fate, covered: dict[str, str]) -> Request:
    data = event.data
    return Request(
        event.id,
        data.terminal_id,
        data.key,
        covered.get(data.body_hash, data.body_hash),
        _status(fate),
        fate.id if isinstance(fate, Member) else None,
        str(fate) if isinstance(fate, BadReference) else None,
    )


def _shown(event: Submitted) -> Shown:
    data = event.data
    return Shown(data.purchase.member.qr or "", data.terminal_id, data.accepted_at)


def _status(fate: Fate) -> str:
    if isinstance(fate, Member):
        return "awarded"
    return "rejected" if isinstance(fate, BadReference) else "waiting_for_member"


async def _keep_waiting(batch: Batch, waiting: list[tuple[Submitted, Named]]) -> None:
    """Keep purchases of cards that nobody has yet; they are earned when somebody does."""
    await store.keep_waiting(
        batch.connection,
        [
            (event.id, written(name), envelope.encode(event), event.data.accepted_at)
            for event, name in waiting
        ],
    )
    for event, _ in waiting:
        if event.data.reply_to:
            batch.reply(event.data.reply_to, PurchaseAnswer(event.id, "waiting_for_member"))


def _reject(batch: Batch, event: Submitted, reason: str, detail: str) -> None:
    """Say that a purchase was refused; the same refusal has the same event id every time."""
    data = PurchaseRejected(event.id, reason, detail, event.data.terminal_id)
    rejection = ids.derived_id("purchase.rejected", str(event.id), reason, event.data.body_hash)
    batch.emit(new_event(SOURCE, data, cause=event, id=rejection))
    if event.data.reply_to:
        status = "conflict" if reason == "conflict" else "rejected"
        batch.reply(event.data.reply_to, PurchaseAnswer(event.id, status, detail=detail))
