"""The sums of a backtest: points as they were given and as the draft gives them, in all, by rank
and by store, and who wins or loses by it.

Owns counting alone; knows no rule. Memory follows ranks and stores, not members or purchases.
"""

import heapq
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules.program import Worth

MOST = 10
"""How many of those who win most, and lose most, are named."""


class Tally(msgspec.Struct):
    """Of some purchases: how many, their money, points as given and by the draft; and of the
    members behind them, how many have more, less or the same by the draft."""

    purchases: int = 0
    amount: int = 0
    given: int = 0
    draft: int = 0
    winners: int = 0
    losers: int = 0
    unchanged: int = 0

    def count_member(self, difference: int) -> None:
        """Count a member by what they gain (> 0) or lose."""
        if difference > 0:
            self.winners += 1
        elif difference < 0:
            self.losers += 1
        else:
            self.unchanged += 1


class _Mine:
    """One member's differences, in all and by rank and store."""

    def __init__(self, member_id: UUID) -> None:
        self.member_id = member_id
        self.given = self.draft = 0
        self.purchases = 0
        self.by_rank: dict[str | None, int] = {}
        self.by_store: dict[str, int] = {}


class Sums:
    """Counts purchases, which come member by member."""

    def __init__(self) -> None:
        self.total = Tally()
        self.ranks: dict[str | None, Tally] = {}
        self.stores: dict[str, Tally] = {}
        self._mine: _Mine | None = None
        self._most: list[tuple[int, UUID, int, int]] = []
        self._least: list[tuple[int, UUID, int, int]] = []

    def next_member(self, member_id: UUID | None) -> None:
        """Close the member so far; the next purchases are this one's (None: there are no more)."""
        mine = self._mine
        if mine is not None and mine.purchases:
            difference = mine.draft - mine.given
            self.total.count_member(difference)
            for rank, gained in mine.by_rank.items():
                self.ranks[rank].count_member(gained)
            for store, gained in mine.by_store.items():
                self.stores[store].count_member(gained)
            self._name(mine, difference)
        self._mine = _Mine(member_id) if member_id is not None else None

    def add(self, rank: str | None, store: str, amount: int, given: int, draft: int) -> None:
        """Count a purchase of the present member."""
        mine = self._mine
        assert mine is not None  # noqa: S101 - next_member came before
        mine.purchases += 1
        mine.given += given
        mine.draft += draft
        gained = draft - given
        mine.by_rank[rank] = mine.by_rank.get(rank, 0) + gained
        mine.by_store[store] = mine.by_store.get(store, 0) + gained
        of_rank = self.ranks.get(rank) or self.ranks.setdefault(rank, Tally())
        of_store = self.stores.get(store) or self.stores.setdefault(store, Tally())
        for tally in (self.total, of_rank, of_store):
            tally.purchases += 1
            tally.amount += amount
            tally.given += given
            tally.draft += draft

    def most(self) -> list[tuple[UUID, int, int]]:
        """Who wins most, as (member, given, draft), the most first."""
        return [(member, given, draft) for _, member, given, draft in sorted(self._most)[::-1]]

    def least(self) -> list[tuple[UUID, int, int]]:
        """Who loses most, likewise."""
        return [(member, given, draft) for _, member, given, draft in sorted(self._least)[::-1]]

    def _name(self, mine: _Mine, difference: int) -> None:
        if difference:
            heap = self._most if difference > 0 else self._least
            row = (abs(difference), mine.member_id, mine.given, mine.draft)
            if len(heap) < MOST:
                heapq.heappush(heap, row)
            elif row > heap[0]:
                heapq.heapreplace(heap, row)


def outcome(
    sums: Sums, levels: Iterable[str], worth_now: Worth, worth: Worth, outstanding: int
) -> dict[str, Any]:
    """The result as the API and the command show it.

    `levels` are the ranks' codes from the lowest on. `worth_now` values points as given, `worth`
    those of the draft; `outstanding` is what members hold in all, pending points too.
    """
    total = sums.total
    order = {code: place for place, code in enumerate([None, *levels])}
    ranks = sorted(sums.ranks.items(), key=lambda each: (order.get(each[0], 999), each[0] or ""))
    after = outstanding + total.draft - total.given
    return {
        **_figures(total, worth_now, worth),
        "members": total.winners + total.losers + total.unchanged,
        "liability": {
            "points": outstanding,
            "value": value(outstanding, worth_now),
            "points_with_draft": after,
            "value_with_draft": value(after, worth),
        },
        "by_rank": [{"rank": rank, **_figures(each, worth_now, worth)} for rank, each in ranks],
        "by_store": [
            {"store": store, **_figures(each, worth_now, worth)}
            for store, each in sorted(sums.stores.items())
        ],
        "most_gained": [_named(*each) for each in sums.most()],
        "most_lost": [_named(*each) for each in sums.least()],
    }


def value(points: int, worth: Worth) -> int:
    """What points are worth in minor units, to the nearest, half up."""
    return (2 * points * worth.amount + worth.points) // (2 * worth.points)


def _figures(tally: Tally, worth_now: Worth, worth: Worth) -> dict[str, Any]:
    given, draft = value(tally.given, worth_now), value(tally.draft, worth)
    return {
        "purchases": tally.purchases,
        "amount": tally.amount,
        "given": {"points": tally.given, "cost": given},
        "draft": {"points": tally.draft, "cost": draft},
        "difference": {"points": tally.draft - tally.given, "cost": draft - given},
        "winners": tally.winners,
        "losers": tally.losers,
        "unchanged": tally.unchanged,
    }


def _named(member: UUID, given: int, draft: int) -> dict[str, Any]:
    return {"member": str(member), "given": given, "draft": draft}
