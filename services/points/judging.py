"""One transaction's purchases, judged: accounts in, ledger rows and events out.

Between `load` and `write` nothing touches the database, so that however many purchases a batch has,
the round trips stay the same few.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.points import earn, explain
from services.points.postings import credit, movement_of
from services.points.rulebook import Edition, Rulebook
from services.points.store import ledger as store
from services.points.store.ledger import Account, KeptPurchase, Movement, Posting, Recent
from services.points.store.members import Member
from shared import ids
from shared.bus.handling import Batch, Connection
from shared.events import (
    Event,
    PointsEarned,
    PointsOfPurchase,
    PurchaseAnswer,
    PurchaseSubmitted,
    new_event,
)

SOURCE = "/points/awards"
CAMPAIGN = "campaign"
_LONGEST_DAY = timedelta(hours=49)  # both ends of a local day, whatever its clock changes do
_LONGEST_MONTH = timedelta(days=33)

Submitted = Event[PurchaseSubmitted]


class Judging:
    """What was loaded, what is decided, what is to be written."""

    def __init__(self, now: datetime, rulebook: Rulebook) -> None:
        self._now = now
        self._rulebook = rulebook
        self._accounts: dict[UUID, Account] = {}
        self._movements: dict[UUID, Movement] = {}
        self._recent: dict[UUID, list[Recent]] | None = None
        self._budget: int | None = None
        self._budget_before = 0
        self._postings: list[Posting] = []
        self._kept: list[KeptPurchase] = []
        self._events: list[Event[PointsEarned]] = []
        self._replies: list[tuple[str, PurchaseAnswer]] = []

    async def load(self, connection: Connection, work: Sequence[tuple[Submitted, Member]]) -> None:
        """Lock the members' accounts; read new versions and what limits and caps look back at."""
        members = list({member.id for _, member in work})
        self._accounts = await store.lock_accounts(connection, members)
        newest = max(account.program_version or 0 for account in self._accounts.values())
        if newest > self._rulebook.version:
            await self._rulebook.refresh(connection)
        moments = [event.data.purchase.occurred_at for event, _ in work]
        editions = {id(each): each for each in map(self._rulebook.in_force, moments)}.values()
        reach = max(_looks_back(edition) for edition in editions)
        if reach:
            found = await store.recent_purchases(connection, members, min(moments) - reach)
            self._recent = {member: [] for member in members}
            for recent in found:
                self._recent[recent.member_id].append(recent)
        if any(_has_budget(edition) for edition in editions):
            self._budget = self._budget_before = await store.lock_budget(connection, CAMPAIGN)

    def judge(self, event: Submitted, member: Member) -> None:
        """Decide one purchase by the rules of when it occurred."""
        purchase = event.data.purchase
        account = self._accounts[member.id]
        edition = self._rulebook.in_force(purchase.occurred_at)
        context = self._context(account, edition, purchase.occurred_at)
        award = earn.evaluate(edition.compiled, purchase, context)
        entry_id = ids.new_id()
        self._post(account, edition, event, award, entry_id)
        self._keep(account, event, award, entry_id, context)
        self._tell(account, event, award, entry_id)

    async def write(self, batch: Batch) -> None:
        """Write what was decided, and say it."""
        movements = list(self._movements.values())
        await store.post(batch.connection, self._postings, movements, self._kept)
        if self._budget is not None:
            spent = self._budget - self._budget_before
            await store.spend_budget(batch.connection, CAMPAIGN, spent)
        batch.emit_all(self._events)
        for queue, answer in self._replies:
            batch.reply(queue, answer)

    def _context(self, account: Account, edition: Edition, at: datetime) -> earn.Context:
        remainder = account.remainder_numerator, account.remainder_denominator
        first = account.purchases == 0
        if self._recent is None:
            return earn.Context(
                rank=account.rank,
                first_purchase=first,
                given_campaign=self._budget or 0,
                remainder=remainder,
            )
        zone = edition.program.zone
        today = at.astimezone(zone).date()
        past = [(r.occurred_at.astimezone(zone).date(), r) for r in self._recent[account.member_id]]
        return earn.Context(
            rank=account.rank,
            first_purchase=first,
            visits_today=sum(each.visits for day, each in past if day == today),
            visit_times=tuple(each.occurred_at for _, each in past if each.visits),
            given_today=sum(each.points for day, each in past if day == today),
            given_month=sum(each.points for day, each in past if _same_month(day, today)),
            given_campaign=self._budget or 0,
            remainder=remainder,
        )

    def _post(
        self, account: Account, edition: Edition, event: Submitted, award: earn.Award, id: UUID
    ) -> None:
        purchase = event.data.purchase
        movement = movement_of(self._movements, account)
        self._postings.append(
            credit(
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
                actor=f"terminal:{event.data.terminal_id}",
                version=edition.version,
                explanation=award.explanation,
            )
        )
        account.purchases += 1
        movement.purchases += 1
        movement.visits += award.visits
        movement.amount_spent += purchase.total
        at = purchase.occurred_at
        movement.last_visit_at = max(movement.last_visit_at or at, at)
        account.remainder_numerator, account.remainder_denominator = award.remainder
        movement.remainder_numerator, movement.remainder_denominator = award.remainder

    def _keep(
        self,
        account: Account,
        event: Submitted,
        award: earn.Award,
        entry_id: UUID,
        context: earn.Context,
    ) -> None:
        data, purchase = event.data, event.data.purchase
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
        if self._budget is not None:
            self._budget += award.points

    def _tell(self, account: Account, event: Submitted, award: earn.Award, entry_id: UUID) -> None:
        purchase = event.data.purchase
        earned = PointsEarned(
            member_id=account.member_id,
            entry_id=entry_id,
            source="purchase",
            points=award.points,
            balance=account.balance,
            occurred_at=purchase.occurred_at,
            line_user_id=account.line_user_id,
            purchase_id=event.id,
            store=purchase.store,
            total=purchase.total,
        )
        subject = str(account.member_id)
        self._events.append(new_event(SOURCE, earned, subject=subject, cause=event))
        if event.data.reply_to:
            edition = self._rulebook.in_force(purchase.occurred_at)
            points = PointsOfPurchase(award.points, account.balance, account.pending)
            answer = PurchaseAnswer(
                event.id,
                "awarded",
                points,
                rank_words(edition, account.rank),
                explained(award.points, award.explanation),
            )
            self._replies.append((event.data.reply_to, answer))


def explained(points: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Why a purchase earned what it did, in words and facts."""
    return {"text": explain.text("earn", "purchase", points, facts), **facts}


def rank_words(edition: Edition, code: str | None) -> dict[str, str] | None:
    """A rank as the till is told it: `{code, name}` or null."""
    for level in edition.program.ranks.levels:
        if level.code == code:
            return {"code": level.code, "name": level.name}
    return None


def _looks_back(edition: Edition) -> timedelta:
    """How far before a purchase this program's limits and caps look."""
    accrual = edition.program.accrual
    reaches = [timedelta(0)]
    for rule in accrual.rules:
        limit = getattr(rule, "limit", None)
        if limit is not None:
            reaches.append(timedelta(hours=limit.hours) if limit.hours else _LONGEST_DAY)
    for cap in accrual.caps:
        reaches.append({"day": _LONGEST_DAY, "month": _LONGEST_MONTH}.get(cap.per, timedelta(0)))
    return max(reaches)


def _has_budget(edition: Edition) -> bool:
    return any(cap.per == CAMPAIGN for cap in edition.program.accrual.caps)


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)
