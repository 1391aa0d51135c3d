"""A draft of the rules over purchases that were made: what it would have given, and to whom.

The very same `earn.evaluate` judges each purchase again, member by member in order of time. Taken
as it was: the purchase, the member's rank then, whether it was the first, the birthday month, and
the fraction of a point carried into the period. Worked out from the draft's own results: limits of
visits, caps a day and a month, and the fraction carried on; for the days just before the period
what was really given stands in. Ranks that the draft would have given, and purchases that it would
have brought, are nobody's to know. Refunds are left out on both sides.

Owns the replay and its sums. Must not read stores or clocks.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from services.points.rules import earn
from services.points.rules.backtest_sums import Sums
from services.points.rules.compiled import CompiledProgram
from services.points.rules.program import CAMPAIGN
from services.points.rules.purchase import Purchase
from services.points.rules.visits import visits_only

HOUR = 3600
_PURCHASE = msgspec.json.Decoder(Purchase)
_CONTEXT = msgspec.json.Decoder(earn.Context)


class Stored(msgspec.Struct, frozen=True):
    """A purchase as it stands in the ledger: JSON of it and of its context, and what it was given.

    The fields stand in the order of the store's columns.
    """

    member_id: UUID
    occurred_at: datetime
    store: str
    total: int
    visits: int
    points: int
    purchase: str
    context: str
    visit: bool = False


class Budget(msgspec.Struct, frozen=True):
    """What campaigns may give in all, used up in order of time.

    Members come one after another, so when it runs out has to be known beforehand: `hour` is the
    hour (since 1970) in which it does, `before` what was given until then. Within that hour it is
    used up in the order of members, not of time. With `limit` None nothing is limited.
    """

    limit: int | None = None
    hour: int = 0
    before: int = 0

    @classmethod
    def of(cls, program: CompiledProgram, given: dict[int, int]) -> "Budget":
        """The program's, over what it would give in each hour without one. Every campaign's cap
        counts everything that is given, so the least of them is the budget."""
        limit = least_budget(program)
        if limit is None:
            return cls()
        so_far = 0
        for hour in sorted(given):
            if so_far + given[hour] >= limit:
                return cls(limit, hour, so_far)
            so_far += given[hour]
        return cls()


def least_budget(program: CompiledProgram) -> int | None:
    """The budget that runs out first; None where there is none."""
    return min((cap.points for cap in program.caps if cap.per == "campaign"), default=None)


class _Past:
    """What limits, caps and carrying know of one member: kept small however much there was."""

    def __init__(self, member_id: UUID) -> None:
        self.member_id = member_id
        self.remainder: tuple[int, int] | None = None
        self.month = (0, 0)
        self.day = 0
        self.visits_today = 0
        self.given_today = 0
        self.given_month = 0
        self.visit_times: list[datetime] = []

    def turn_to(self, local: datetime) -> None:
        """Let a day, and a month, end that is over."""
        month = local.year, local.month
        if month != self.month:
            self.month, self.given_month, self.day = month, 0, 0
        if local.day != self.day:
            self.day, self.given_today, self.visits_today = local.day, 0, 0

    def add(self, at: datetime, visits: int, points: int) -> None:
        """Count a purchase of the day turned to."""
        self.visits_today += visits
        self.given_today += points
        self.given_month += points
        if visits:
            self.visit_times.append(at)


class Replay:
    """The draft over purchases, which come member by member and in order of time.

    `since` is where the period begins: what comes before only counts for limits and caps.
    """

    def __init__(
        self, program: CompiledProgram, since: datetime | None = None, budget: Budget | None = None
    ) -> None:
        self._program = program
        self._visits = visits_only(program)
        self._since = since
        self._budget = budget or Budget()
        self._in_last_hour = 0
        self._past: _Past | None = None
        self._looks_back = bool(program.looks_back)
        self.sums = Sums()
        self.hours: dict[int, int] | None = None

    def by_hour(self) -> "Replay":
        """The same, but noting what is given in each hour: for `Budget.of`."""
        self.hours = {}
        return self

    def feed(self, purchases: Iterable[Stored]) -> None:
        """Judge the next purchases."""
        for stored in purchases:
            past = self._past
            if past is None or past.member_id != stored.member_id:
                past = self._past = _Past(stored.member_id)
                self.sums.next_member(stored.member_id)
            if self._since is not None and stored.occurred_at < self._since:
                self._remember(past, stored.occurred_at, stored.visits, stored.points)
            else:
                self._judge(past, stored)

    def finish(self) -> Sums:
        """The sums, when there are no more purchases."""
        self.sums.next_member(None)
        return self.sums

    def _judge(self, past: _Past, stored: Stored) -> None:
        kept, at = _CONTEXT.decode(stored.context), stored.occurred_at
        if past.remainder is None:
            past.remainder = kept.remainder
        program = self._visits if stored.visit else self._program
        purchase, context = _PURCHASE.decode(stored.purchase), self._context(past, kept, at)
        award = earn.evaluate(program, purchase, context)
        past.remainder = award.remainder
        self._remember(past, at, award.visits, award.points, turned=True)
        if self._budget.limit is not None and _hour(at) == self._budget.hour:
            self._in_last_hour += award.points
        if self.hours is not None:
            self.hours[_hour(at)] = self.hours.get(_hour(at), 0) + award.points
        self.sums.add(kept.rank, stored.store, stored.total, stored.points, award.points)

    def _context(self, past: _Past, kept: earn.Context, at: datetime) -> earn.Context:
        if self._looks_back:
            past.turn_to(at.astimezone(self._program.zone))
            oldest = at - self._program.looks_back
            while past.visit_times and past.visit_times[0] < oldest:
                past.visit_times.pop(0)
        spent = self._spent(at)
        return earn.Context(
            rank=kept.rank,
            first_purchase=kept.first_purchase,
            birthday_month=kept.birthday_month,
            visits_today=past.visits_today,
            visit_times=tuple(past.visit_times),
            given_today=past.given_today,
            given_month=past.given_month,
            given_campaign=spent,
            given_campaigns=tuple(
                [(name, spent) for name in self._program.budgets if name != CAMPAIGN]
            ),
            remainder=past.remainder or (0, 1),
        )

    def _spent(self, at: datetime) -> int:
        """What campaigns have given by then."""
        budget = self._budget
        if budget.limit is None or _hour(at) < budget.hour:
            return 0
        if _hour(at) > budget.hour:
            return budget.limit
        return min(budget.before + self._in_last_hour, budget.limit)

    def _remember(
        self, past: _Past, at: datetime, visits: int, points: int, *, turned: bool = False
    ) -> None:
        if not self._looks_back:
            return
        if not turned:
            past.turn_to(at.astimezone(self._program.zone))
        past.add(at, visits, points)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _hour(at: datetime) -> int:
    return int((at - _EPOCH).total_seconds()) // HOUR
