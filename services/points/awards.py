"""Purchases become points: a batch of submitted purchases in one transaction.

Claim the requests (what was seen before has no effect), resolve the members, judge each purchase by
the program in force when it occurred, settle. The claim makes a repeat harmless whatever the bus
does; a till that waits is answered for repeats too.
"""

import msgspec

from services.points import references
from services.points.errors import BadReference
from services.points.judging import SOURCE, Judging, Submitted, rank_words
from services.points.references import Named
from services.points.rulebook import Rulebook
from services.points.store import ledger as store
from services.points.store import requests
from services.points.store.requests import Known, Request, Settled
from shared import clock, envelope, ids
from shared.bus.errors import NotYet
from shared.bus.handling import Batch
from shared.events import PointsOfPurchase, PurchaseAnswer, PurchaseRejected, new_event


class Awards:
    """The handler of `purchase.submitted`, with the program's versions that it keeps in memory."""

    def __init__(self, rulebook: Rulebook, qr_key: bytes) -> None:
        self._rulebook = rulebook
        self._qr_key = qr_key

    async def handle(self, batch: Batch, events: list[Submitted]) -> None:
        """Award a batch; raises NotYet while no program was ever published."""
        await self._rulebook.refresh(batch.connection)
        if self._rulebook.empty:
            raise NotYet("no program has been published yet")
        firsts: dict[object, Submitted] = {}
        for event in events:
            firsts.setdefault(event.id, event)
        claimed = await requests.claim(
            batch.connection, "purchase", [_request(each) for each in firsts.values()], clock.now()
        )
        fresh = [event for event in firsts.values() if event.id in claimed]
        if fresh:
            await requests.settle(batch.connection, await self._award(batch, fresh))
        if len(fresh) < len(events):
            new = {id(event) for event in fresh}
            await self._answer_repeats(batch, [each for each in events if id(each) not in new])

    async def award_waiting(self, batch: Batch, events: list[Submitted]) -> None:
        """Award purchases that were claimed before and waited for their member."""
        await self._rulebook.refresh(batch.connection)
        await requests.settle(batch.connection, await self._award(batch, events))

    async def _award(self, batch: Batch, events: list[Submitted]) -> list[Settled]:
        named, settled = self._named(batch, events)
        members = await references.resolve(batch.connection, {name for _, name in named})
        known = [(event, members[name]) for event, name in named if name in members]
        waiting = [(event, name) for event, name in named if name not in members]
        if known:
            judging = Judging(clock.now(), self._rulebook)
            await judging.load(batch.connection, known)
            for event, member in known:
                judging.judge(event, member)
                settled.append(Settled(event.id, "awarded", member.id))
            await judging.write(batch)
        if waiting:
            settled += await _keep_waiting(batch, waiting)
        return settled

    def _named(
        self, batch: Batch, events: list[Submitted]
    ) -> tuple[list[tuple[Submitted, Named]], list[Settled]]:
        """Each event with its member's name; those that can never name anybody are rejected."""
        named: list[tuple[Submitted, Named]] = []
        settled: list[Settled] = []
        for event in events:
            data = event.data
            try:
                name = references.named(data.purchase.member, data.accepted_at, self._qr_key)
                named.append((event, name))
            except BadReference as problem:
                _reject(batch, event, "bad_member_reference", str(problem))
                settled.append(Settled(event.id, "rejected", detail=str(problem)))
        return named, settled

    async def _answer_repeats(self, batch: Batch, repeats: list[Submitted]) -> None:
        known = await requests.find(batch.connection, list({event.id for event in repeats}))
        for event in repeats:
            if known[event.id].body_hash != event.data.body_hash:
                detail = "this Idempotency-Key was used with another body before"
                _reject(batch, event, "conflict", detail)
        asked = [
            (event, known[event.id])
            for event in repeats
            if event.data.reply_to and known[event.id].body_hash == event.data.body_hash
        ]
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
                    msgspec.Raw(row["explanation"].encode()),
                )
            if event.data.reply_to:
                batch.reply(event.data.reply_to, answer)


def _request(event: Submitted) -> Request:
    return Request(event.id, event.data.terminal_id, event.data.key, event.data.body_hash)


async def _keep_waiting(batch: Batch, waiting: list[tuple[Submitted, Named]]) -> list[Settled]:
    """Keep purchases of cards that nobody has yet; they are earned when somebody does."""
    await store.keep_waiting(
        batch.connection,
        [
            (event.id, ":".join(name), envelope.encode(event), event.data.accepted_at)
            for event, name in waiting
        ],
    )
    for event, _ in waiting:
        if event.data.reply_to:
            batch.reply(event.data.reply_to, PurchaseAnswer(event.id, "waiting_for_member"))
    return [Settled(event.id, "waiting_for_member") for event, _ in waiting]


def _reject(batch: Batch, event: Submitted, reason: str, detail: str) -> None:
    """Say that a purchase was refused; the same refusal has the same event id every time."""
    data = PurchaseRejected(event.id, reason, detail, event.data.terminal_id)
    rejection = ids.derived_id("purchase.rejected", str(event.id), reason, event.data.body_hash)
    batch.emit(new_event(SOURCE, data, cause=event, id=rejection))
    if event.data.reply_to:
        status = "conflict" if reason == "conflict" else "rejected"
        batch.reply(event.data.reply_to, PurchaseAnswer(event.id, status, detail=detail))
