"""Whatever happens in whatever order, the ledger adds up: a state machine over all that moves
points, on a real database.

After each step `verify` derives everything from the entries again: spendable balance = lots −
holds − debt, the sum of entries = lots + pending − debt, sums and holds as stored, and the figures
that are kept by the hour.
"""

import asyncio
import json
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from services.points.errors import (
    MergedMeanwhile,
    NotEnoughPoints,
    NotMergeable,
    NotRefundable,
    NotSpendable,
    RedemptionOver,
)
from services.points.rules.refunds import Wanted
from shared import clock
from shared.db import open_pool
from shared.events import Event, MemberRef, Payment, PurchaseSubmitted
from tests.integration.points.counter import Counter
from tests.integration.points.shop import empty, submitted

BASE = {"id": "base", "type": "spend", "per": 100, "points": 1}
LEVELS = [
    {"code": "silver", "name": "シルバー", "requires": {"points_earned": 30}, "multiplier": "1.5"},
    {"code": "gold", "name": "ゴールド", "requires": {"visits": 3}, "points": 5},
]
PROGRAMS: list[dict[str, Any]] = [
    {"accrual": {"rules": [BASE]}},
    {
        "accrual": {"rules": [BASE], "minimum_spend": 500, "caps": [{"per": "day", "points": 60}]},
        "expiry": {"type": "fixed", "days": 20},
        "pending": {"days": 3},
        "refunds": {"overspent": "clamp_to_zero"},
    },
    {
        "accrual": {
            "rules": [{"id": "rate", "type": "percent", "percent": "1.3"}],
            "carry_remainder": True,
        },
        "expiry": {"type": "sliding", "months": 1},
        "ranks": {"window": {"type": "rolling", "months": 1}, "levels": LEVELS},
    },
    {
        "accrual": {
            "rules": [BASE, {"id": "come", "type": "visit", "points": 3}],
            "multipliers": [{"id": "twice", "factor": "2"}],
        },
        "expiry": {"type": "fixed", "months": 1, "round_to": "month_end"},
        "redemption": {"unit": 5, "hold_minutes": 60},
        "ranks": {"levels": LEVELS, "keep_months": 1},
    },
]
REFUSALS = (
    MergedMeanwhile,
    NotEnoughPoints,
    NotMergeable,
    NotRefundable,
    NotSpendable,
    RedemptionOver,
)


class Shop(RuleBasedStateMachine):
    """Three members, and everything that can happen to their points."""

    database: Any
    members: Bundle[UUID] = Bundle("members")
    purchases: Bundle[Event[PurchaseSubmitted]] = Bundle("purchases")
    holds: Bundle[tuple[UUID, UUID]] = Bundle("holds")
    spent: Bundle[tuple[UUID, UUID]] = Bundle("spent")
    merges: Bundle[UUID] = Bundle("merges")

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._run(empty(self.database.admin_url))
        self._counter = Counter(
            self._run(open_pool(self.database.url("points"), schema="points", size=3))
        )
        self._offset = timedelta(0)

    def teardown(self) -> None:
        clock.set_offset(timedelta(0))
        self._run(self._counter.pool.close())
        self._runner.close()

    def _run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(doing)

    def _tried(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """What came of it; None where the rules refuse it."""
        try:
            return self._run(doing)
        except REFUSALS:
            return None

    @initialize(target=members, first=st.sampled_from(PROGRAMS))
    def open(self, first: dict[str, Any]) -> Any:
        self._run(self._counter.publish(json.dumps(first).encode()))
        return multiple(*(self._run(self._counter.join()) for _ in range(3)))

    @rule(program=st.sampled_from(PROGRAMS))
    def change_the_rules(self, program: dict[str, Any]) -> None:
        self._run(self._counter.publish(json.dumps(program).encode()))

    @rule(target=purchases, member=members, total=st.integers(0, 6_000), late=st.integers(0, 40))
    def buy(self, member: UUID, total: int, late: int) -> Event[PurchaseSubmitted]:
        at = clock.now() - timedelta(days=late if late > 30 else 0)
        event = submitted(MemberRef(id=str(member)), total, occurred_at=at)
        self._tried(self._counter.buy(event))
        return event

    @rule(target=purchases, paid=consumes(spent), more=st.integers(0, 2_000))
    def buy_with_points(self, paid: tuple[UUID, UUID], more: int) -> Event[PurchaseSubmitted]:
        member, redemption = paid
        payment = Payment("points", 10, str(redemption))
        event = submitted(
            MemberRef(id=str(member)), 10 + more, payments=[payment], occurred_at=clock.now()
        )
        self._tried(self._counter.buy(event))
        return event

    @rule(purchase=purchases, other=purchases)
    def the_bus_repeats(self, purchase: Any, other: Any) -> None:
        before = self._run(self._counter.state())
        self._run(self._counter.buy(other, purchase, other))
        assert self._run(self._counter.state()) == before

    @rule(purchase=purchases, share=st.integers(1, 120))
    def refund_an_amount(self, purchase: Event[PurchaseSubmitted], share: int) -> None:
        self._refund(purchase, Wanted(amount=purchase.data.purchase.total * share // 100))

    @rule(purchase=purchases)
    def refund_all(self, purchase: Event[PurchaseSubmitted]) -> None:
        self._refund(purchase, Wanted())

    @rule(purchase=purchases)
    def refund_a_line(self, purchase: Event[PurchaseSubmitted]) -> None:
        self._refund(purchase, Wanted(lines={"A": 1}))

    def _refund(self, purchase: Event[PurchaseSubmitted], wanted: Wanted) -> None:
        made = self._tried(self._counter.refund(purchase.id, wanted))
        if made is not None:
            query = "SELECT points, points_back, refunded, total FROM purchases WHERE id = $1"
            row = self._run(self._counter.pool.fetchrow(query, purchase.id))
            assert 0 <= made.points_taken_back <= row["points_back"] <= row["points"]
            assert row["refunded"] <= row["total"]

    @rule(target=spent, member=members, points=st.integers(1, 80))
    def spend(self, member: UUID, points: int) -> Any:
        made = self._tried(self._counter.redeem(member, points, capture=True))
        return multiple() if made is None else (member, made.id)

    @rule(target=holds, member=members, points=st.integers(1, 80))
    def hold(self, member: UUID, points: int) -> Any:
        made = self._tried(self._counter.redeem(member, points, capture=False))
        return multiple() if made is None else (member, made.id)

    @rule(target=spent, hold=consumes(holds), points=st.integers(1, 80))
    def capture(self, hold: tuple[UUID, UUID], points: int) -> Any:
        held = self._run(self._counter.redemption(*hold))
        if held is None:
            return multiple()  # it moved in a merge
        made = self._tried(self._counter.capture(held, min(points, held.points)))
        return multiple() if made is None else hold

    @rule(hold=consumes(holds))
    def void(self, hold: tuple[UUID, UUID]) -> None:
        held = self._run(self._counter.redemption(*hold))
        if held is not None:
            self._tried(self._counter.void(held))

    @rule(member=members, points=st.integers(-30, 50).filter(bool))
    def adjust(self, member: UUID, points: int) -> None:
        self._tried(self._counter.adjust(member, points))

    @rule(target=merges, kept=members, absorbed=members)
    def merge(self, kept: UUID, absorbed: UUID) -> Any:
        made = self._tried(self._counter.merge(kept, absorbed))
        return multiple() if made is None else made.id

    @rule(merge=merges)
    def unmerge(self, merge: UUID) -> None:
        self._tried(self._counter.unmerge(merge))

    @rule(hours=st.integers(1, 24) | st.integers(24, 24 * 40))
    def time_passes(self, hours: int) -> None:
        self._offset += timedelta(hours=hours)
        clock.set_offset(self._offset)

    @rule()
    def figures_are_kept(self) -> None:
        self._run(self._counter.keep_figures())

    @rule()
    def a_night(self) -> None:
        self._run(self._counter.night())
        once = self._run(self._counter.state())
        self._run(self._counter.night())
        assert self._run(self._counter.state()) == once

    @invariant()
    def the_ledger_adds_up(self) -> None:
        assert self._run(self._counter.findings()) == []


@pytest.mark.timeout(600)
def test_the_ledger_adds_up_whatever_happens(database: Any) -> None:
    machine = type("ThisShop", (Shop,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
