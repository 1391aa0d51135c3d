"""A broadcast in the middle of an overload: it gives way, receipts of accepted purchases come as
without it, and each member gets it once.

`make faults ARGS="-k broadcast_in"` prints how long receipts took with and without.
"""

import asyncio
from collections import Counter

import aiohttp
import pytest

from deploy.bench import campaign
from deploy.bench.campaign import LOOK_SECONDS, OWN, Owner
from deploy.local.stack import Stack
from tests.faults import neighbours, rush
from tests.faults.conftest import Tamaru, aloud
from tests.faults.test_broadcasts import SEND_SECONDS, join, landings
from tests.faults.test_overload import TIMES, bears, job

RECIPIENTS = 20_000
WATCHED, CROWD = 300, 300
TILLS = 1_500
"""Connections of the crowd, which waits for each answer and runs on."""
SECONDS = 20.0
ROUNDS = 2
REFUSED = "tamaru_webhook_refused_total"
HELD_BACK = "tamaru_notify_broadcasts_held_back_seconds_total"


async def metric(session: aiohttp.ClientSession, url: str, name: str) -> float:
    """What a process shows of it, all labels together."""
    async with session.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@pytest.mark.faults
@pytest.mark.timeout(1800)
async def test_a_broadcast_in_overload(
    stack: Stack, tamaru: Tamaru, capsys: pytest.CaptureFixture[str]
) -> None:
    tell = aloud(capsys)
    async with rush.client() as session:
        await join(session, stack, RECIPIENTS)
        await campaign.tag_members(stack.env["DATABASE_URL"], RECIPIENTS)
        watched = await rush.join(session, stack, WATCHED)
        crowd = list((await rush.join(session, stack, CROWD)).values())
        rate = (await bears(session, stack, crowd, "bears")).rate * TIMES
        tell(f"{rate:.0f} purchases a second come, {TIMES} times what it bears")
        owner = Owner(session, stack.env["NOTIFY_WEB_URL"], stack.env["OWNER_API_KEY"])

        async def waits(name: str) -> None:
            much = job(stack, crowd, int(rate * SECONDS), name, rate=rate, connections=TILLS)
            found = await neighbours.beside(session, stack, watched, much, SECONDS)
            tell(f"{name}: {found}")

        async def refused() -> float:
            return await metric(session, stack.env["WEBHOOK_URL"], REFUSED)

        for number in range(ROUNDS):
            await waits(f"overload alone {number}")
            ready = await owner.counted(RECIPIENTS, OWN)
            before = await refused()
            beside = asyncio.create_task(waits(f"overload and a broadcast {number}"))
            while await refused() == before and not beside.done():
                await asyncio.sleep(LOOK_SECONDS)
            id = await owner.confirm(ready)
            await beside
            report = await owner.sent(id, SEND_SECONDS)
            assert report["delivered"] == RECIPIENTS, report
        got = Counter(each.user for each in await landings(session, stack))
        held_back = await metric(session, stack.env["NOTIFY_BROADCASTS_URL"], HELD_BACK)
    tell(f"broadcasts were held back for {held_back:.0f} s")
    assert held_back > 0
    assert (len(got), max(got.values())) == (RECIPIENTS, ROUNDS)
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"
