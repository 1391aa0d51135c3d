"""One transaction's purchases, judged: accounts in, ledger rows and events out.

Between `load` and `write` nothing touches the database, so that however many purchases a batch has,
the round trips stay the same few.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.accounts.postings import credit, movement_of
from services.points.errors import LeftMeanwhile, MergedMeanwhile
from services.points.nights.lapsing import bring_up_to_date, slid_before
from services.points.programs.rulebook import Edition, Rulebook
from services.points.rules import earn, explain
from services.points.rules.program import CAMPAIGN
from services.points.rules.purchase import AnyPurchase
from services.points.store import ledger as store
from services.points.store.ledger import Account, KeptPurchase, Movement, Posting, Recent
from services.points.store.members import Member
from shared import ids
from shared.bus.handling import Batch, Connection
from shared.events import (
    Event,
    MemberRef,
    PointsEarned,
    PointsOfPurchase,
    PurchaseAnswer,
    PurchaseSubmitted,
    new_event,
)

SOURCE = "/points/awards"

Submitted = Event[PurchaseSubmitted]


class Judging:
    """What was loaded, what is decided, what is to be written."""

    def __init__(self, now: datetime, rulebook: Rulebook) -> None:
        self._now = now
        self._rulebook = rulebook
        self._accounts: dict[UUID, Account] = {}
        self._movements: dict[UUID, Movement] = {}
        self._editions: dict[UUID, Edition] = {}
        self._recent: dict[UUID, list[Recent]] | None = None
        self._budgets: dict[str, int] = {}
        self._budgets_before: dict[str, int] = {}
        self._postings: list[Posting] = []
        self._kept: list[KeptPurchase] = []
        self._events: list[Event[Any]] = []
        self._replies: list[tuple[str, PurchaseAnswer]] = []

    async def load(self, connection: Connection, work: Sequence[tuple[Submitted, Member]]) -> None:
        """Lock the members' accounts; read new versions and what limits and caps look back at."""
        members = list({member.id for _, member in work})
        self._accounts = await store.lock_accounts(connection, members)
        for account in self._accounts.values():
            if account.merged_into:
                raise MergedMeanwhile
            if account.status == "left":
                raise LeftMeanwhile
        newest = max(account.program_version or 0 for account in self._accounts.values())
        if newest > self._rulebook.version:
            await self._rulebook.refresh(connection)
        if self._rulebook.sliding_months:
            await self._lapse(connection, work)
        # Fixed here: another transaction may teach this process newer versions meanwhile.
        in_force, moments = self._rulebook.in_force, []
        for event, _ in work:
            moments.append(event.data.purchase.occurred_at)
            self._editions[event.id] = in_force(moments[-1])
        editions = {id(each): each for each in self._editions.values()}.values()
        await self._look_back(connection, members, editions, min(moments))
        budgets = {name for edition in editions for name in edition.compiled.budgets}
        if budgets:
            self._budgets_before = await store.lock_budgets(connection, sorted(budgets))
            self._budgets = dict(self._budgets_before)

    async def _lapse(
        self, connection: Connection, work: Sequence[tuple[Submitted, Member]]
    ) -> None:
        """Points that had slid out of time before a purchase are not brought back by it."""
        first: dict[UUID, datetime] = {}
        for event, member in work:
            at = event.data.purchase.occurred_at
            first[member.id] = min(at, first.get(member.id, at))
        slid = await slid_before(connection, self._rulebook, self._accounts.values(), first)
        if slid:
            batch = Batch(connection)
            await bring_up_to_date(batch, self._rulebook, slid)
            self._accounts |= await store.lock_accounts(connection, slid)
            self._events += batch.emitted

    async def look(self, connection: Connection, account: Account, at: datetime) -> Edition:
        """Instead of `load`, for a single purchase at a moment that is weighed and never judged:
        nothing is locked. Returns the edition in force then."""
        edition = self._rulebook.in_force(at)
        await self._look_back(connection, [account.member_id], [edition], at)
        if edition.compiled.budgets:
            self._budgets = await store.budgets(connection, edition.compiled.budgets)
        return edition

    async def _look_back(
        self,
        connection: Connection,
        members: Sequence[UUID],
        editions: Collection[Edition],
        first: datetime,
    ) -> None:
        reach = max([edition.compiled.looks_back for edition in editions])
        if reach:
            found = await store.recent_purchases(connection, members, first - reach)
            self._recent = {member: [] for member in members}
            for recent in found:
                self._recent[recent.member_id].append(recent)

    def weigh(
        self, account: Account, edition: Edition, purchase: AnyPurchase
    ) -> tuple[earn.Context, earn.Award]:
        """What a purchase earns by an edition, and the context that it was weighed in."""
        context = self._context(account, edition, purchase.occurred_at)
        return context, earn.evaluate(edition.compiled, purchase, context)

    def judge(self, event: Submitted, member: Member) -> None:
        """Decide one purchase by the rules of when it occurred."""
        account, edition = self._accounts[member.id], self._editions[event.id]
        context, award = self.weigh(account, edition, event.data.purchase)
        entry_id = ids.new_id()
        posting = self._post(account, edition, event, award, entry_id)
        for name in edition.compiled.budgets:
            self._budgets[name] += award.points
        self._keep(account, event, award, entry_id, context)
        self._tell(account, event, award, posting)

    async def write(self, batch: Batch) -> None:
        """Write what was decided, and say it."""
        movements = list(self._movements.values())
        await store.post(batch.connection, self._postings, movements, self._kept)
        if self._budgets:
            spent = {name: now - self._budgets_before[name] for name, now in self._budgets.items()}
            await store.spend_budgets(batch.connection, spent)
        batch.emit_all(self._events)
        for queue, answer in self._replies:
            batch.reply(queue, answer)

    def _context(self, account: Account, edition: Edition, at: datetime) -> earn.Context:
        if self._recent is None and not self._budgets:
            return earn.Context(
                rank=account.rank,
                first_purchase=account.first_to_come,
                birthday_month=account.birthday_month,
                remainder=(account.remainder_numerator, account.remainder_denominator),
            )
        recent = self._recent[account.member_id] if self._recent is not None else ()
        return context_of(account, edition, at, recent, self._budgets)

    def _post(
        self, account: Account, edition: Edition, event: Submitted, award: earn.Award, id: UUID
    ) -> Posting:
        purchase = event.data.purchase
        movement = movement_of(self._movements, account)
        posting = credit(
            account,
            movement,
            edition.program,
            id=id,
            kind="earn",
            points=award.points,
            cause=event.id,
            occurred_at=purchase.occurred_at,
            now=self._now,
            source="purchase",
            actor=event.data.actor or f"terminal:{event.data.terminal_id}",
            version=edition.version,
            explanation=award.explanation,
        )
        self._postings.append(posting)
        account.purchases += 1
        account.amount_spent += purchase.total
        movement.purchases += 1
        movement.visits += award.visits
        movement.amount_spent += purchase.total
        at = purchase.occurred_at
        movement.last_visit_at = max(movement.last_visit_at or at, at)
        account.remainder_numerator, account.remainder_denominator = award.remainder
        movement.remainder_numerator, movement.remainder_denominator = award.remainder
        return posting

    def _keep(
        self,
        account: Account,
        event: Submitted,
        award: earn.Award,
        entry_id: UUID,
        context: earn.Context,
    ) -> None:
        data, purchase = event.data, event.data.purchase
        if purchase.member.phone is not None:  # stands in clear nowhere for longer than it must
            known = MemberRef(id=str(account.member_id))
            purchase = msgspec.structs.replace(purchase, member=known)
        self._kept.append(
            KeptPurchase(
                member_id=account.member_id,
                id=event.id,
                entry_id=entry_id,
                store=purchase.store,
                terminal_id=data.terminal_id,
                occurred_at=purchase.occurred_at,
                accepted_at=data.accepted_at,
                total=purchase.total,
                visits=award.visits,
                points=award.points,
                purchase=purchase,
                context=context,
            )
        )
        if self._recent is not None:
            recent = Recent(account.member_id, purchase.occurred_at, award.visits, award.points)
            self._recent[account.member_id].append(recent)

    def _tell(
        self, account: Account, event: Submitted, award: earn.Award, posting: Posting
    ) -> None:
        purchase = event.data.purchase
        earned = PointsEarned(
            member_id=account.member_id,
            entry_id=posting.id,
            source="purchase",
            points=award.points,
            balance=account.balance,
            occurred_at=purchase.occurred_at,
            line_user_id=account.line_user_id,
            purchase_id=event.id,
            store=purchase.store,
            total=purchase.total,
            usable_from=posting.active_at,
        )
        subject = str(account.member_id)
        self._events.append(new_event(SOURCE, earned, subject=subject, cause=event))
        if event.data.reply_to:
            edition = self._editions[event.id]
            points = PointsOfPurchase(award.points, account.balance, account.pending)
            answer = PurchaseAnswer(
                event.id,
                "awarded",
                points,
                rank_words(edition, account.rank),
                explained(award.points, award.explanation),
            )
            self._replies.append((event.data.reply_to, answer))


def context_of(
    account: Account,
    edition: Edition,
    at: datetime,
    recent: Sequence[Recent],
    budgets: Mapping[str, int],
) -> earn.Context:
    """What the past contributes to a purchase at a moment: the member's `recent` purchases (as far
    back as the program looks) and what was given of campaigns' `budgets`."""
    zone = edition.program.zone
    today = at.astimezone(zone).date()
    past = [(each.occurred_at.astimezone(zone).date(), each) for each in recent]
    return earn.Context(
        rank=account.rank,
        first_purchase=account.first_to_come,
        birthday_month=account.birthday_month,
        visits_today=sum(each.visits for day, each in past if day == today),
        visit_times=tuple(each.occurred_at for _, each in past if each.visits),
        given_today=sum(each.points for day, each in past if day == today),
        given_month=sum(each.points for day, each in past if _same_month(day, today)),
        given_campaign=budgets.get(CAMPAIGN, 0),
        given_campaigns=tuple(
            (name, budgets[name]) for name in edition.compiled.budgets if name != CAMPAIGN
        ),
        remainder=(account.remainder_numerator, account.remainder_denominator),
    )


def explained(points: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Why a purchase earned what it did, in words and facts."""
    return {"text": explain.text("earn", "purchase", points, facts), **facts}


def rank_words(edition: Edition, code: str | None) -> dict[str, str] | None:
    """A rank as the till is told it: `{code, name}` or null."""
    for level in edition.program.ranks.levels:
        if level.code == code:
            return {"code": level.code, "name": level.name}
    return None


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)
