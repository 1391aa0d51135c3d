"""Whatever processes send, crash and report in whatever order: together never more than there is,
and in the end all of it. The rules are the real ones; only the database and LINE are played."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.notify.quota import budget, plan, reconciling
from services.notify.quota.admission import MARGIN
from services.notify.quota.budget import Key, Taken
from services.notify.quota.exchange import LIFE
from services.notify.quota.plan import Amount, LineQuota, Plan
from services.notify.quota.slices import FLIGHT, Slices

KEYS = [Key("account", 0), Key("receipt", 1), Key("campaign", 3)]
BUDGETED = {"receipt", "campaign"}
START = datetime(2025, 4, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Process:
    """One that pushes: its slices, what LINE took of it that it has not heard of yet."""

    def __init__(self, number):
        self.number = number
        self.slices = Slices(KEYS)
        self.open = []
        self.good_until = START


class Quota(RuleBasedStateMachine):
    @initialize(
        quota=st.integers(0, 300),
        percent=st.integers(0, 100),
        receipts=st.integers(0, 200),
        reserve=st.integers(0, 100),
        elsewhere=st.integers(0, 20),
    )
    def begin(self, quota, percent, receipts, reserve, elsewhere):
        budgets = {"campaign": Amount(percent=percent), "receipt": Amount(messages=receipts)}
        self.plan = Plan(budgets=budgets, reserve=Amount(messages=reserve))
        self.limits = budget.limits(self.plan, quota)
        self.now = START
        self.number = 0
        self.processes = [self.new(), self.new()]
        self.taken_by_line = Counter()
        self.counted = Counter()
        self.uncounted = Counter()
        self.unheard = Counter()
        self.held = {}
        self.sent_elsewhere = min(elsewhere, quota)
        self.line = LineQuota(quota, self.sent_elsewhere, 0, START)

    def new(self):
        self.number += 1
        return Process(self.number)

    @property
    def total(self):
        return self.taken_by_line.total() + self.sent_elsewhere

    @rule(which=st.integers(0, 1), key=st.sampled_from(KEYS), count=st.integers(1, 40),
          taken=st.booleans())  # fmt: skip
    def push(self, which, key, count, taken):
        process = self.processes[which]
        if self.now < process.good_until and process.slices.take(key, count, self.now) and taken:
            self.taken_by_line[key.category] += count
            process.open.append((key.category, count, self.now))

    @rule(which=st.integers(0, 1), number=st.integers(0, 5))
    def answer(self, which, number):
        process = self.processes[which]
        if process.open:
            self.land(process, process.open.pop(number % len(process.open)))

    def land(self, process, call):
        category, count, _ = call
        process.slices.landed((self.now.date(), category, "kind", None), count)

    @rule(which=st.integers(0, 1))
    def report(self, which):
        self.exchange(self.processes[which])

    def exchange(self, process):
        report = process.slices.report(self.now)
        for cause, count in report.sent.items():
            self.counted[cause[1]] += count
        everybody = Counter(report.held)
        for other, (held, _) in self.held.items():
            everybody.update({} if other == process.number else held)
        grants = budget.grants(
            self.limits, self.taken(), everybody, report.wants, len(self.held) + 1
        )
        held = Counter(report.held)
        for key, count in grants.items():
            held[key.category] += count
        self.held[process.number] = (held, self.now + LIFE)
        process.slices.granted(grants)
        process.good_until = self.now + LIFE - MARGIN

    def taken(self):
        total = self.counted.total() + plan.elsewhere(self.line)
        return Taken(total, self.counted + self.uncounted)

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds):
        self.now += seconds * SECOND
        for process in self.processes:  # no call takes longer than this
            over = [call for call in process.open if self.now - call[2] >= FLIGHT - SECOND]
            for call in over:
                process.open.remove(call)
                self.land(process, call)

    @rule(which=st.integers(0, 1))
    def crash(self, which):
        for category, count, _ in self.processes[which].open:
            self.unheard[category] += count
        self.processes[which] = self.new()

    @rule()
    def read(self):
        own = self.counted.total()
        line = LineQuota(self.limits.quota, self.total, own, self.now)
        lost = [who for who, (_, ends) in self.held.items() if ends + FLIGHT < self.now]
        grown = plan.elsewhere(line) - plan.elsewhere(self.line)
        self.uncounted.update(reconciling.uncounted([self.held.pop(who)[0] for who in lost], grown))
        self.line = line

    @precondition(lambda self: self.total < self.limits.quota)
    @rule()
    def owner_sends(self):
        """From the account manager; LINE's figure tells us only at the next reading, so what is
        left then may be gone already: the law is about what we send."""
        if self.budget_left() > 0 and not any(held.total() for held, _ in self.held.values()):
            self.sent_elsewhere += 1
            self.read()

    def budget_left(self):
        return self.limits.quota - self.taken().total

    @invariant()
    def never_more_than_there_is(self):
        if not hasattr(self, "limits"):
            return
        assert self.total <= self.limits.quota
        for category in BUDGETED:
            # What a process had sent when it died, and LINE had told before, nobody can sort: it
            # is in the total, and may be over its category's budget.
            most = self.limits.budgets[category] + self.unheard[category]
            assert self.taken_by_line[category] <= most
        kept = self.limits.quota - self.limits.reserve
        assert self.taken_by_line["campaign"] <= max(0, kept)

    def teardown(self):
        """All that is left can be used, by whichever process; of a budget all but what it was
        charged with for crashes."""
        if not hasattr(self, "limits"):
            return
        for _ in range(2):
            self.time_passes(200)
            for process in self.processes:
                self.exchange(process)
            self.read()
        for key in reversed(KEYS):
            self.use_up(key)
            if key.category in BUDGETED:
                known = self.taken_by_line[key.category] + self.uncounted[key.category]
                room = self.limits.quota - self.total
                room -= self.limits.reserve if key.priority > self.limits.reserve_for else 0
                assert known >= self.limits.budgets[key.category] or room <= 0
        assert self.total == self.limits.quota

    def use_up(self, key):
        misses = 0
        while misses < 20:
            process = self.processes[misses % 2]
            if process.slices.take(key, 1, self.now):
                misses = 0
                self.taken_by_line[key.category] += 1
                self.land(process, (key.category, 1, self.now))
            else:
                misses += 1
                self.exchange(process)
        self.never_more_than_there_is()


TestQuota = Quota.TestCase
TestQuota.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
