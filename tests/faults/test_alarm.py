"""RabbitMQ has no disk or no memory left and takes nothing: all waits where it is, nothing is lost.

Queues have no length at which they refuse (docs/decisions/0030): this is their bound.
"""

import asyncio
import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.faults import records, rush
from tests.faults.conftest import Tamaru
from tests.faults.rush import Log, Till
from tests.faults.verdict import told, verdict

CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
ALARMS = {
    "disk": (("set_disk_free_limit", str(10**15)), ("set_disk_free_limit", "50MB")),
    "memory": (
        ("set_vm_memory_high_watermark", "0.00001"),
        ("set_vm_memory_high_watermark", "0.4"),
    ),
}
"""How each is raised, and how it ends."""

PURCHASES = 300
MEMBERS = 60
WAIT_SECONDS = 60.0


def control(stack: Stack, *words: str) -> None:
    """Tell the broker something, as its operator would."""
    pid = stack.pid("rabbitmq")
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    env = dict(entry.partition("=")[::2] for entry in entries if entry)
    subprocess.run((CONTROL, *words), env=os.environ | env, check=True, capture_output=True)


@contextmanager
def alarm(stack: Stack, name: str) -> Iterator[None]:
    """The broker takes nothing meanwhile."""
    raised, ended = ALARMS[name]
    control(stack, *raised)
    try:
        yield
    finally:
        control(stack, *ended)


async def sell(till: Till, bought: Sequence[rush.Bought]) -> None:
    """All at once, each until it is acknowledged."""
    async with asyncio.TaskGroup() as group:
        for each in bought:
            group.create_task(till.post(each))


@pytest.mark.faults
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ALARMS)
async def test_without_room_in_the_broker_all_waits_and_nothing_is_lost(
    stack: Stack, tamaru: Tamaru, name: str
) -> None:
    """What was published before is worked on meanwhile; what follows from it waits in the outbox,
    and what comes in waits in the spool."""
    dice, log = random.Random(name), Log()
    async with rush.client() as session:
        cards = await rush.join(session, stack, MEMBERS)
        bought = rush.purchases(list(cards), PURCHASES, dice)
        till = Till(session, stack, cards, log, dice)
        await asyncio.to_thread(stack.hold, "points-awards")
        await sell(till, bought[: PURCHASES // 2])
        with alarm(stack, name):
            stack.release("points-awards")
            await asyncio.to_thread(stack.wait_ready, ("points-awards",))
            await sell(till, bought[PURCHASES // 2 :])
            deadline = time.monotonic() + WAIT_SECONDS
            while not {"spool", "outbox of points"} <= set(await records.left(session, stack)):
                assert time.monotonic() < deadline, await records.left(session, stack)
                await asyncio.sleep(records.LOOK_SECONDS)
            waiting = await records.left(session, stack)
            control(stack, "close_all_connections", "what was sent and not taken is gone with them")
        wrong, _ = await verdict(session, stack, cards, bought, log, seconds=300)
    assert waiting["spool"] >= PURCHASES // 2, waiting
    assert not wrong, told(wrong)
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"
