"""LINE loses answers, fails, refuses and repeats: no message arrives twice, and none is lost.

One exception is LINE's: a reply has no retry key, so a welcome whose every try within its token's
minute met a misfortune is marked as unknown and may be missing. Such ones are counted and few.
"""

import random

import pytest

from deploy.local.stack import Stack
from tests.faults import rush
from tests.faults.conftest import Tamaru
from tests.faults.rush import Scale
from tests.faults.verdict import report, told, verdict

MISFORTUNES = {
    "lost_response": 0.1,
    "status_500": 0.1,
    "status_429": 0.1,
    "timeout": 0.05,
    "timeout_seconds": 2,
    "duplicate": 0.3,
    "reorder": 0.3,
    "redeliver": 0.3,
}


async def endure(stack: Stack, tamaru: Tamaru, scale: Scale, seed: int, name: str) -> None:
    """One rush hour of misfortunes; they end when everything was sent, so that rest can come."""
    dice = random.Random(seed)
    async with rush.client() as session:
        await rush.set_faults(session, stack, **MISFORTUNES, seed=seed)
        before = await rush.stats(session, stack)
        cards = await rush.join(session, stack, scale.members)
        bought, log = await rush.rush(session, stack, cards, scale, dice)
        half = scale.members + scale.purchases // 2
        await rush.delivered(session, stack, before["messages_delivered"] + half)
        log.pushes = rush.pushes(before, await rush.stats(session, stack))
        await rush.set_faults(session, stack)
        wrong, landings = await verdict(
            session, stack, cards, bought, log, seconds=400, lost_replies=scale.members // 100
        )
    report(name, bought, log, landings)
    assert not wrong, told(wrong)
    for struck in ("200", "lost_response", "500", "429_rate", "timeout", "409"):
        assert log.pushes.get(struck), f"{struck} never happened: {log.pushes}"
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"


@pytest.mark.timeout(400)
async def test_misfortunes_at_lines_side(stack: Stack, tamaru: Tamaru) -> None:
    """The short form of the run below."""
    await endure(stack, tamaru, Scale(400, 80, 16), 3, "line-faults-short")


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_misfortunes_at_lines_side_while_notify_is_killed(
    stack: Stack, tamaru: Tamaru
) -> None:
    """20,000 purchases for 2,000 members."""
    scale = Scale(20_000, 2_000, 64, ("notify-worker", "points-awards"), 3)
    await endure(stack, tamaru, scale, 4, "line-faults")
