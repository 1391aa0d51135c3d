"""Processes are killed in the middle, and every purchase still counts and is told exactly once."""

import random

import pytest

from deploy.local.stack import Stack
from tests.faults import rush
from tests.faults.conftest import Tamaru
from tests.faults.rush import Scale
from tests.faults.verdict import report, told, verdict

VICTIMS = ("points-awards", "notify-worker", "webhook-web", "rabbitmq")


async def survive(stack: Stack, tamaru: Tamaru, scale: Scale, seed: int, name: str) -> None:
    """Run one rush hour and accept nothing but a clean record."""
    dice = random.Random(seed)
    async with rush.client() as session:
        cards = await rush.join(session, stack, scale.members)
        bought, log = await rush.rush(session, stack, cards, scale, dice)
        wrong, landings = await verdict(session, stack, cards, bought, log, seconds=300)
    report(name, bought, log, landings)
    assert not wrong, told(wrong)
    assert sorted(who for who, _ in log.killed) == sorted(scale.victims * scale.kills)
    assert log.acknowledged > scale.purchases
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"


@pytest.mark.timeout(400)
async def test_each_process_is_killed_once(stack: Stack, tamaru: Tamaru) -> None:
    """The short form of the run below."""
    await survive(stack, tamaru, Scale(600, 100, 16, VICTIMS), 1, "kills-short")


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_each_process_is_killed_again_and_again(stack: Stack, tamaru: Tamaru) -> None:
    """20,000 purchases for 2,000 members, each sent one to three times."""
    victims = (*VICTIMS, "points-ranks", "postgres")
    await survive(stack, tamaru, Scale(20_000, 2_000, 64, victims, 3), 2, "kills")
