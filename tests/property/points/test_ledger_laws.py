"""Laws of the ledger, whatever happens to an account."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.rules.ledger import (
    Account,
    Entry,
    LedgerBroken,
    apply,
    balances,
    decide,
    once,
    replay,
    verify,
)
from services.points.rules.lots import (
    Lot,
    NotEnough,
    give_back,
    moved,
    spend,
    spendable,
    spending_order,
    take_back,
    taken,
)

MEMBER = UUID(int=77)
START = datetime(2025, 4, 1, tzinfo=UTC)

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["earn", "pend", "release", "redeem", "refund", "give back", "expire", "adjust"]
        ),
        st.integers(0, 60),
        st.integers(1, 30) | st.none(),
        st.integers(0, 20),
    ),
    max_size=30,
)
Step = tuple[str, int, int | None, int]


def _entry(number: int, kind: Any, amount: int, **details: Any) -> Entry:
    at = START + timedelta(days=number)
    return Entry(
        id=UUID(int=number),
        member=MEMBER,
        amount=amount,
        kind=kind,
        occurred_at=at,
        recorded_at=at,
        cause=UUID(int=10_000 + number),
        **details,
    )


class Shop:
    """Writes entries as a store would: it knows balances and states moves where they are needed."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.account = Account()
        self._spends: dict[UUID, list[tuple[UUID, int]]] = {}

    def take(self, step: Step) -> None:
        what, points, expires, which = step
        number = len(self.entries) + 1
        written = getattr(self, f"_{what.replace(' ', '_')}")(number, points, expires, which)
        if written is not None:
            written = decide(self.account, written)
            self.account = apply(self.account, written)
            self.entries.append(written)

    def _earn(self, number: int, points: int, expires: int | None, _: int, **more: Any) -> Entry:
        end = START + timedelta(days=number + expires) if expires else None
        return _entry(number, "earn", points, expires_at=end, **more)

    def _pend(self, number: int, points: int, expires: int | None, which: int) -> Entry:
        return self._earn(number, points, expires, which, pending=True)

    def _release(self, number: int, *_: Any) -> Entry | None:
        waiting = [lot.id for lot in self.account.lots.values() if not lot.active]
        moves = tuple((id, 0) for id in waiting)
        return _entry(number, "release", 0, moves=moves) if waiting else None

    def _redeem(self, number: int, points: int, *_: Any) -> Entry | None:
        if not points:
            return None
        written = _entry(number, "redeem", -points)
        try:
            moves = decide(self.account, written).moves
        except NotEnough as error:
            assert points > error.spendable
            return None
        self._spends[written.id] = [(lot, -gone) for lot, gone in moves]
        return written

    def _refund(self, number: int, points: int, _: Any, which: int) -> Entry | None:
        earned = [each for each in self.entries if each.kind == "earn"]
        if not earned or not points:
            return None
        first = earned[which % len(earned)].id
        return _entry(number, "reverse", -points, reverses=first)

    def _give_back(self, number: int, points: int, _: Any, which: int) -> Entry | None:
        if not self._spends or not points:
            return None
        spend = list(self._spends)[which % len(self._spends)]
        takes = self._spends.pop(spend)
        back = give_back(takes, min(points, sum(gone for _, gone in takes)))
        amount = sum(gone for _, gone in back)
        return _entry(number, "reverse", amount, moves=tuple(back), reverses=spend)

    def _expire(self, number: int, *_: Any) -> Entry | None:
        now = START + timedelta(days=number)
        gone = sum(lot.remaining for lot in self.account.lots.values() if lot.expired(now))
        return _entry(number, "expire", -gone) if gone else None

    def _adjust(self, number: int, points: int, _: Any, which: int) -> Entry | None:
        return _entry(number, "adjust", points if which % 2 else -points)


def run(steps: list[Step]) -> Shop:
    shop = Shop()
    for step in steps:
        shop.take(step)
    return shop


@settings(max_examples=250, deadline=None)
@given(steps=STEPS)
def test_entries_sum_to_lots_and_pending_less_debt(steps: list[Step]) -> None:
    shop = Shop()
    for step in steps:
        shop.take(step)
        sums = balances(shop.account)
        assert sums.entries == sum(entry.amount for entry in shop.entries)
        assert min(sums.lots, sums.pending, sums.debt) >= 0
        assert all(lot.remaining >= 0 for lot in shop.account.lots.values())


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_nobody_owes_points_while_they_could_spend_some(steps: list[Step]) -> None:
    shop = run(steps)
    now = START + timedelta(days=len(shop.entries))
    assert not shop.account.debt or not spendable(shop.account.lots.values(), now)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_replaying_the_ledger_gives_the_same_account(steps: list[Step]) -> None:
    shop = run(steps)
    again = replay(shop.entries)
    assert again == shop.account
    assert verify(shop.entries, balances(again), again.lots.values()) == []


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, repeats=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99))))
def test_repeats_change_nothing_wherever_they_come(
    steps: list[Step], repeats: list[tuple[int, int]]
) -> None:
    shop = run(steps)
    repeated = list(shop.entries)
    for which, where in repeats:
        if repeated:
            first = which % len(repeated)
            repeated.insert(first + 1 + where % (len(repeated) - first), repeated[first])
    assert replay(once(repeated)) == shop.account


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, entry=st.integers(0, 99), more=st.integers(-5, 5).filter(bool))
def test_a_changed_amount_never_goes_unnoticed(steps: list[Step], entry: int, more: int) -> None:
    shop = run(steps)
    if not shop.entries:
        return
    index = entry % len(shop.entries)
    changed = list(shop.entries)
    changed[index] = _entry(
        index + 1,
        changed[index].kind,
        changed[index].amount + more,
        moves=changed[index].moves,
        pending=changed[index].pending,
        expires_at=changed[index].expires_at,
        reverses=changed[index].reverses,
    )
    try:
        found = verify(changed, balances(shop.account), shop.account.lots.values())
    except LedgerBroken:
        return
    assert found


LOTS = st.lists(
    st.tuples(
        st.integers(0, 50), st.integers(0, 50), st.integers(-3, 3) | st.none(), st.booleans()
    ),
    max_size=6,
).map(
    lambda drawn: [
        Lot(
            id=UUID(int=index),
            opened_at=START + timedelta(hours=index % 3),
            remaining=max(size),
            held=min(size),
            expires_at=START + timedelta(days=expires) if expires is not None else None,
            active=active,
        )
        for index, (*size, expires, active) in enumerate(drawn)
    ]
)


@settings(max_examples=250, deadline=None)
@given(lots=LOTS, points=st.integers(0, 150))
def test_spending_takes_exactly_that_in_order_or_nothing(lots: list[Lot], points: int) -> None:
    balance = spendable(lots, START)
    try:
        takes = spend(lots, points, START)
    except NotEnough as error:
        assert points > balance == error.spendable
        return
    known = {lot.id: lot for lot in lots}
    after = {**known, **moved(known, taken(takes))}
    assert sum(gone for _, gone in takes) == points <= balance
    assert spendable(after.values(), START) == balance - points
    order = [spending_order(known[id]) for id, _ in takes]
    assert order == sorted(order)
    untouched = [lot for lot in lots if lot.spendable(START) and lot.id not in dict(takes)]
    assert all(spending_order(lot) >= max(order, default=spending_order(lot)) for lot in untouched)


@settings(max_examples=150, deadline=None)
@given(lots=LOTS, points=st.integers(0, 150), parts=st.lists(st.integers(0, 60), max_size=4))
def test_what_is_given_back_in_parts_restores_the_lots(
    lots: list[Lot], points: int, parts: list[int]
) -> None:
    known = {lot.id: lot for lot in lots}
    takes = spend(lots, min(points, spendable(lots, START)), START)
    after = {**known, **moved(known, taken(takes))}
    left = takes
    for part in parts:
        back = give_back(left, min(part, sum(gone for _, gone in left)))
        after |= moved(after, back)
        left = [(id, gone - dict(back).get(id, 0)) for id, gone in left]
    after |= moved(after, give_back(left, sum(gone for _, gone in left)))
    assert after == known


@settings(max_examples=150, deadline=None)
@given(lots=LOTS, points=st.integers(0, 150), first=st.integers(0, 5))
def test_a_refund_never_takes_held_points_or_more_than_asked(
    lots: list[Lot], points: int, first: int
) -> None:
    known = {lot.id: lot for lot in lots}
    takes = take_back(known, points, UUID(int=first), START)
    assert sum(gone for _, gone in takes) <= points
    after = moved(known, taken(takes))
    assert all(lot.remaining >= lot.held for lot in after.values())
