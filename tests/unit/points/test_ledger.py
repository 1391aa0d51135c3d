"""What each kind of entry does to an account, and what verification finds."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.points.rules.ledger import (
    Account,
    Balances,
    Entry,
    LedgerBroken,
    apply,
    balances,
    decide,
    once,
    replay,
    verify,
)
from services.points.rules.lots import Lot, NotEnough

MEMBER = UUID(int=77)
START = datetime(2025, 4, 1, 12, tzinfo=UTC)


def id_of(number: int) -> UUID:
    return UUID(int=number)


def entry(number: int, kind: Any, amount: int, **details: Any) -> Entry:
    """The entry number `number`, recorded on that day; `expires` counts days from the start."""
    at = START + timedelta(days=number)
    expires = details.pop("expires", None)
    return Entry(
        id=id_of(number),
        member=MEMBER,
        amount=amount,
        kind=kind,
        occurred_at=at,
        recorded_at=at,
        cause=details.pop("cause", id_of(1_000 + number)),
        expires_at=START + timedelta(days=expires) if expires is not None else None,
        **details,
    )


def written(*drafts: Entry) -> list[Entry]:
    """The entries of a ledger, each decided by the rules after those before it."""
    account, entries = Account(), []
    for draft in drafts:
        entries.append(decide(account, draft))
        account = apply(account, entries[-1])
    return entries


def state(*drafts: Entry) -> tuple[dict[int, int], int]:
    """What is left in each lot, and the debt."""
    account = replay(written(*drafts))
    return {id.int: lot.remaining for id, lot in account.lots.items()}, account.debt


EARN = entry(1, "earn", 10)
MORE = entry(2, "earn", 10, expires=30)


@pytest.mark.parametrize(
    ("entries", "lots", "debt"),
    [
        ([], {}, 0),
        ([EARN], {1: 10}, 0),
        ([EARN, MORE, entry(3, "redeem", -12)], {1: 8, 2: 0}, 0),
        ([EARN, entry(3, "redeem", -4), entry(4, "reverse", -10, reverses=id_of(1))], {1: 0}, 4),
        (
            [EARN, MORE, entry(3, "reverse", -12, reverses=id_of(1))],
            {1: 0, 2: 8},
            0,
        ),
        ([EARN, entry(3, "adjust", -15), entry(4, "earn", 8)], {1: 0, 4: 3}, 0),
        ([EARN, entry(3, "adjust", -15), entry(4, "earn", 3)], {1: 0, 4: 0}, 2),
        ([entry(3, "adjust", 5)], {3: 5}, 0),
        ([entry(1, "earn", 0)], {1: 0}, 0),
        ([MORE, entry(30, "expire", -10)], {2: 0}, 0),
        ([EARN, MORE, entry(3, "redeem", -4), entry(31, "expire", -6)], {1: 10, 2: 0}, 0),
        (
            [
                EARN,
                MORE,
                entry(3, "redeem", -12, moves=((id_of(2), -10), (id_of(1), -2))),
                entry(4, "reverse", 5, moves=((id_of(1), 2), (id_of(2), 3))),
            ],
            {1: 10, 2: 3},
            0,
        ),
        (
            [
                EARN,
                entry(2, "redeem", -10),
                entry(3, "adjust", -4),
                entry(4, "reverse", 10, moves=((id_of(1), 10),)),
            ],
            {1: 6},
            0,
        ),
        ([entry(1, "earn", 10, pending=True), entry(2, "adjust", -4)], {1: 10}, 4),
        (
            [
                entry(1, "earn", 10, pending=True),
                entry(2, "adjust", -4),
                entry(8, "release", 0, moves=((id_of(1), 0),)),
            ],
            {1: 6},
            0,
        ),
        ([EARN, entry(2, "transfer", -10), entry(3, "transfer", 4)], {1: 0, 3: 4}, 0),
    ],
    ids=[
        "an empty ledger",
        "an earning opens a lot",
        "spending takes the earliest expiry",
        "a refund of spent points leaves a debt",
        "a refund takes its own lot, then others",
        "the next earning fills the debt",
        "as far as it goes",
        "an adjustment up opens a lot too",
        "an earning of nothing",
        "expiry empties the lot",
        "what was spent does not expire",
        "a return goes to the same lots",
        "and fills the debt first",
        "pending points pay no debt",
        "until they are released",
        "a transfer out and in",
    ],
)
def test_what_entries_do(entries: list[Entry], lots: dict[int, int], debt: int) -> None:
    assert state(*entries) == (lots, debt)
    assert balances(replay(written(*entries))).entries == sum(each.amount for each in entries)


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([EARN, EARN], "open already"),
        ([EARN, entry(2, "redeem", -11)], "only 10 points"),
        ([MORE, entry(40, "redeem", -1)], "only 0 points"),
        ([EARN, entry(2, "adjust", -15), entry(3, "redeem", -1)], "only 0 points"),
        ([EARN, entry(2, "expire", -10)], "moves 0 points, not -10"),
        ([EARN, entry(2, "reverse", 5)], "does not state its moves"),
        ([EARN, entry(2, "release", 0)], "does not state its moves"),
        ([EARN, entry(2, "redeem", -5, moves=((id_of(9), -5),))], "00000009"),
        ([EARN, entry(2, "redeem", -11, moves=((id_of(1), -11),))], "held of"),
        ([EARN, entry(2, "reverse", 5, moves=((id_of(1), 3),))], "more debt than there is"),
    ],
)
def test_an_entry_that_cannot_follow_breaks_the_ledger(entries: list[Entry], why: str) -> None:
    with pytest.raises((LedgerBroken, NotEnough), match=why):
        written(*entries)


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([EARN, EARN], "open already"),
        ([EARN, entry(2, "redeem", -4)], "moves 0, not -4"),
        ([EARN, entry(2, "expire", -4, moves=((id_of(1), -3),))], "moves -3, not -4"),
        ([EARN, entry(2, "adjust", 5, moves=((id_of(2), -5),))], "more debt than there is"),
        ([EARN, entry(2, "reverse", 5, moves=((id_of(1), 9),))], "makes a debt"),
        ([EARN, entry(2, "redeem", -11, moves=((id_of(1), -11),))], "held of"),
    ],
)
def test_replay_believes_only_what_adds_up(entries: list[Entry], why: str) -> None:
    with pytest.raises(LedgerBroken, match=why):
        replay(entries)


def test_an_overspend_says_what_can_be_spent_after_debt() -> None:
    account = Account({id_of(1): Lot(id=id_of(1), opened_at=START, remaining=10)}, debt=4)
    with pytest.raises(NotEnough) as caught:
        decide(account, entry(2, "redeem", -7))
    assert caught.value.spendable == 6


def test_held_points_do_not_expire_and_are_not_taken() -> None:
    lot = Lot(id=id_of(1), opened_at=START, remaining=10, held=4, expires_at=START)
    before = Account({lot.id: lot})
    after = apply(before, decide(before, entry(2, "expire", -6)))
    assert after.lots[lot.id].remaining == 4
    taken_back = decide(after, entry(3, "reverse", -3, reverses=lot.id))
    assert apply(after, taken_back).debt == 3


def test_a_hold_of_that_day_changes_no_replay() -> None:
    """Debt was made because points were held; the replay, which knows no holds, agrees."""
    lot = Lot(id=id_of(1), opened_at=EARN.recorded_at, remaining=10, held=10)
    held = Account({lot.id: lot})
    refund = decide(held, entry(2, "reverse", -4, reverses=lot.id))
    after = apply(held, refund)
    more = decide(after, entry(3, "earn", 3))
    assert (after.debt, apply(after, more).debt) == (4, 1)
    again = replay([EARN, refund, more])
    assert ({id.int: each.remaining for id, each in again.lots.items()}, again.debt) == (
        {1: 10, 3: 0},
        1,
    )


def test_an_account_is_a_value() -> None:
    before = replay([EARN])
    apply(before, decide(before, entry(2, "redeem", -4)))
    assert before == replay([EARN])


def test_the_two_equations() -> None:
    lots = [
        Lot(id=id_of(1), opened_at=START, remaining=10, held=4),
        Lot(id=id_of(2), opened_at=START, remaining=5, active=False),
    ]
    sums = balances(Account({lot.id: lot for lot in lots}, debt=3))
    assert sums == Balances(lots=10, pending=5, held=4, debt=3)
    assert (sums.spendable, sums.entries) == (3, 12)


def test_a_cause_counts_once_for_each_kind() -> None:
    again = entry(5, "earn", 99, cause=EARN.cause)
    other = entry(6, "adjust", 1, cause=EARN.cause)
    assert once([EARN, MORE, again, other, EARN]) == [EARN, MORE, other]


LEDGER = written(EARN, MORE, entry(3, "redeem", -12), entry(4, "earn", 5, pending=True))
KEPT = list(replay(LEDGER).lots.values())
SUMS = Balances(lots=8, pending=5)


def test_a_ledger_in_order_has_no_differences() -> None:
    assert verify(LEDGER, SUMS, KEPT) == []
    used_up_deleted = [lot for lot in KEPT if lot.remaining]
    assert verify(LEDGER, SUMS, used_up_deleted) == []


@pytest.mark.parametrize(
    ("sums", "lots", "what"),
    [
        (Balances(lots=9, pending=5), KEPT, "lots"),
        (Balances(lots=8, pending=4), KEPT, "pending"),
        (Balances(lots=8, pending=5, debt=1), KEPT, "debt"),
        (Balances(lots=8, pending=5, held=1), KEPT, "held"),
        (SUMS, [replace(KEPT[0], remaining=7), *KEPT[1:]], f"lot {id_of(1)}"),
        (SUMS, [replace(KEPT[0], expires_at=START), *KEPT[1:]], f"lot {id_of(1)}"),
        (SUMS, [*KEPT[:2], replace(KEPT[2], active=True)], f"lot {id_of(4)}"),
        (SUMS, KEPT[1:], f"lot {id_of(1)}"),
        (SUMS, [*KEPT, replace(KEPT[0], id=id_of(9))], f"lot {id_of(9)}"),
    ],
)
def test_verification_names_what_differs(sums: Balances, lots: list[Lot], what: str) -> None:
    assert [difference.what for difference in verify(LEDGER, sums, lots)] == [what]


def test_verification_finds_repeats_and_breaks() -> None:
    twice = [EARN, replace(MORE, cause=EARN.cause)]
    assert [each.what for each in verify(twice, SUMS)] == ["causes"]
    broken = [EARN, entry(2, "redeem", -11)]
    assert [each.what for each in verify(broken, SUMS)] == ["entries"]
