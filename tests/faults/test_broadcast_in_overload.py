"""A broadcast in the middle of an overload: receipts of accepted purchases come as without it, and
each member gets it once.

`make faults ARGS="-k broadcast_in"` prints how long receipts took with and without.
"""

from collections import Counter

import pytest

from deploy.bench import campaign
from deploy.bench.campaign import OWN, Owner
from deploy.local.stack import Stack
from tests.faults import neighbours, rush
from tests.faults.conftest import Tamaru, aloud
from tests.faults.test_broadcasts import SEND_SECONDS, join, landings
from tests.faults.test_overload import CONNECTIONS, TIMES, bears, job

RECIPIENTS = 20_000
WATCHED, CROWD = 300, 300
SECONDS = 20.0


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

        async def waits(name: str) -> None:
            much = job(stack, crowd, int(rate * SECONDS), name, rate=rate, connections=CONNECTIONS)
            found = await neighbours.beside(session, stack, watched, much, SECONDS)
            tell(f"{name}: {found}")

        await waits("overload alone")
        owner = Owner(session, stack.env["NOTIFY_WEB_URL"], stack.env["OWNER_API_KEY"])
        id = await owner.confirmed(RECIPIENTS, OWN)
        await waits("overload and a broadcast")
        report = await owner.sent(id, SEND_SECONDS)
        got = Counter(each.user for each in await landings(session, stack))
    assert report["delivered"] == RECIPIENTS, report
    assert (len(got), max(got.values())) == (RECIPIENTS, 1)
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"
