"""One member's purchases are half of all, or a crowd of its own: each counts once, and the figures
say what it costs the others.

`make faults ARGS="-k hot_member"` prints them.
"""

from collections.abc import Sequence
from itertools import chain, repeat

import pytest

from deploy.local.stack import Stack
from tests.faults import neighbours, rush
from tests.faults.conftest import Tamaru, aloud
from tests.faults.test_overload import FIRST_POSTS, awarded, bears, job

MEMBERS = 300
ROUNDS = 2
SECONDS = 15.0
SHARE = 0.5
"""Of what the machine bears, by the crowd that the others are beside."""


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
                outcome = await bears(session, stack, shoppers, f"{name}{number}")
                rates[name].append(outcome.rate)
                found, doubled = await awarded(stack, f"{name}{number}")
                assert (len(found), doubled) == (FIRST_POSTS, 0)
    ratio = sum(rates["hot"]) / sum(rates["even"])
    aloud(capsys)(f"purchases a second, of phones reached: {rates}; hot / even: {ratio:.2f}\n")
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_the_others_beside_a_hot_member(
    stack: Stack, tamaru: Tamaru, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many purchases of a hundred members as of one, beside those who are watched."""
    tell = aloud(capsys)
    async with rush.client() as session:
        watched = await rush.join(session, stack, MEMBERS)
        crowd = list((await rush.join(session, stack, 100)).values())
        rate = (await bears(session, stack, crowd, "bears")).rate * SHARE
        tell(f"beside {rate:.0f} purchases a second")
        for number in range(ROUNDS):
            for name, shoppers in {"a hundred members": crowd, "one member": crowd[:1]}.items():
                theirs = job(
                    stack,
                    shoppers,
                    int(rate * SECONDS),
                    f"crowd-{number}-{len(shoppers)}",
                    rate=rate,
                    connections=256,
                )
                found = await neighbours.beside(session, stack, watched, theirs, SECONDS)
                tell(f"beside {name}'s: {found}")
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"
