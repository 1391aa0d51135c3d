"""Half of all purchases are one member's: each counts once, and the rates say what it costs.

`make faults ARGS="-k hot -s"` prints them. That one store has more than the others needs no run of
its own: every load here is one store's.
"""

from collections.abc import Sequence
from itertools import chain, repeat

import pytest

from deploy.bench import load
from deploy.local.stack import Stack
from tests.faults import records, rush
from tests.faults.conftest import Tamaru
from tests.faults.test_overload import DRAIN_SECONDS, awarded, job

MEMBERS = 300
POSTS = 3_000
ROUNDS = 2
WINDOW = 1_000


def half_hot(cards: Sequence[str]) -> list[str]:
    """Every other purchase is the first one's."""
    hot, *others = cards
    return list(chain.from_iterable(zip(repeat(hot), others, strict=False)))


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_a_hot_member(
    stack: Stack, tamaru: Tamaru, capsys: pytest.CaptureFixture[str]
) -> None:
    rates: dict[str, list[float]] = {"even": [], "hot": []}
    async with rush.client() as session:
        cards = list((await rush.join(session, stack, MEMBERS)).values())
        for number in range(ROUNDS):
            for name, shoppers in {"even": cards, "hot": half_hot(cards)}.items():
                already = (await rush.stats(session, stack))["messages_delivered"]
                outcome = await load.post(
                    job(stack, shoppers, POSTS, f"{name}{number}", window=WINDOW, already=already)
                )
                rates[name].append(outcome.rate)
                await records.rest(session, stack, DRAIN_SECONDS)
                found, doubled = await awarded(stack, f"{name}{number}")
                assert (len(found), doubled) == (POSTS, 0)
    with capsys.disabled():
        ratio = sum(rates["hot"]) / sum(rates["even"])
        print(f"\npurchases a second, of phones reached: {rates}; hot / even: {ratio:.2f}")
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"
