"""A broadcast to 50,000 of 100,000 members: the process that sends it is killed five times and LINE
loses answers, fails and refuses, and each one gets it exactly once.

The verdict is the sandbox's own record of what arrived on which phone under which retry key.
"""

import asyncio
import random
import time
from collections import Counter
from typing import Any, NamedTuple

import aiohttp
import asyncpg
import pytest

from deploy.bench import campaign
from deploy.bench.at_once import nothing_waits
from deploy.bench.campaign import OWN, SAME, Owner
from deploy.local.files import write_json
from deploy.local.layout import DEFAULT_FOLDER
from deploy.local.stack import Stack
from tests.faults import rush
from tests.faults.conftest import Tamaru

SENDER = "notify-broadcasts"
BULK = 10_000
FAULTS = {"lost_response": 0.1, "status_500": 0.1, "status_429": 0.1}
JOIN_SECONDS, SEND_SECONDS = 1500.0, 900.0


class Landing(NamedTuple):
    """A message of the broadcast on a phone."""

    user: str
    kind: str
    retry_key: str


async def join(session: aiohttp.ClientSession, stack: Stack, count: int) -> None:
    """So many follow the account and are welcomed."""
    before = (await rush.stats(session, stack))["messages_delivered"]
    url = f"{stack.env['SANDBOX_URL']}/sandbox/users/bulk"
    for _ in range(0, count, BULK):
        async with session.post(url, json={"count": min(BULK, count), "follow": True}) as answer:
            assert answer.status == 201, await answer.text()
    deadline = time.monotonic() + JOIN_SECONDS
    while (found := (await rush.stats(session, stack))["messages_delivered"]) < before + count:
        assert time.monotonic() < deadline, f"{found - before} of {count} welcomed"
        await asyncio.sleep(1)


async def landings(session: aiohttp.ClientSession, stack: Stack) -> list[Landing]:
    """Every message of a broadcast that ever arrived."""
    found: list[Landing] = []
    after = 0
    while True:
        url = f"{stack.env['SANDBOX_URL']}/sandbox/deliveries?after={after}"
        async with session.get(url) as answer:
            page = await answer.json()
        found += [
            Landing(each["user"], each["kind"], each["retry_key"])
            for each in page["items"]
            if each["brief"].startswith(campaign.HELLO)
        ]
        if not page["items"]:
            return found
        after = page["next"]


async def delivered(session: aiohttp.ClientSession, stack: Stack) -> int:
    """How many messages of any kind have ever arrived."""
    return int((await rush.stats(session, stack))["messages_delivered"])


async def kill_now_and_then(
    session: aiohttp.ClientSession,
    stack: Stack,
    times: int,
    recipients: int,
    before: int,
    dice: random.Random,
) -> list[int]:
    """Kill the sender when so many more have got it, again and again; at how many it was."""
    moments = sorted(dice.randrange(recipients * 9 // 10) for _ in range(times))
    killed = []
    for moment in moments:
        while (arrived := await delivered(session, stack) - before) < moment:
            await asyncio.sleep(0.05)
        killed.append(arrived)
        pid = stack.kill(SENDER)
        await asyncio.to_thread(stack.wait_restarted, SENDER, pid, rush.BACK_SECONDS)
    return killed


async def survive(
    stack: Stack, tamaru: Tamaru, recipients: int, kills: int, content: Any, name: str
) -> None:
    """One broadcast with everything that may befall it; accept nothing but each one once."""
    await nothing_waits(stack.env["DATABASE_URL"])
    await campaign.tag_members(stack.env["DATABASE_URL"], recipients)
    connection = await asyncpg.connect(stack.env["DATABASE_URL"])
    rows = await connection.fetch(
        """SELECT m.line_user_id FROM points.members m JOIN points.profiles p ON p.member_id = m.id
        WHERE p.tags = ARRAY['sale']"""
    )
    await connection.close()
    async with rush.client() as session:
        before = Counter(each.user for each in await landings(session, stack))
        calls = await rush.stats(session, stack)
        await rush.set_faults(session, stack, **FAULTS, seed=7)
        owner = Owner(session, stack.env["EDGE_URL"], stack.env["OWNER_API_KEY"])
        began = time.monotonic()
        id = await owner.confirmed(recipients, content)
        killed = await kill_now_and_then(
            session, stack, kills, recipients, calls["messages_delivered"], random.Random(3)
        )
        report = await owner.sent(id, SEND_SECONDS)
        took = time.monotonic() - began
        await rush.set_faults(session, stack)
        found = await landings(session, stack)
        after = await rush.stats(session, stack)
    got = Counter(each.user for each in found) - before
    kind = "push" if content is OWN else "multicast"
    keys = {each.retry_key for each in found if each.kind == kind}
    outcomes = {
        outcome: count - calls.get(kind, {}).get(outcome, 0)
        for outcome, count in after[kind].items()
    }
    figures = {
        "recipients": recipients,
        "killed when so many had it": killed,
        "arrived": sum(got.values()),
        "most on one phone": max(got.values()),
        "calls": outcomes,
        "retry keys": len(keys),
        "seconds": round(took, 1),
    }
    folder = DEFAULT_FOLDER / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{name}.json", figures)
    print(name, figures)
    assert got == Counter({row[0]: 1 for row in rows}), figures
    assert report["delivered"] == recipients, report
    assert len(killed) == kills
    for struck in ("200", "lost_response", "500", "429_rate", "409"):
        assert outcomes.get(struck), f"{struck} never happened: {outcomes}"
    assert tamaru("dlq", "list").strip() == "no dead letters"


@pytest.mark.faults
@pytest.mark.timeout(3600)
async def test_each_gets_a_broadcast_once_though_its_process_is_killed_and_line_fails(
    stack: Stack, tamaru: Tamaru
) -> None:
    async with rush.client() as session:
        await join(session, stack, 100_000)
    await survive(stack, tamaru, 50_000, 5, SAME, "broadcast")


@pytest.mark.faults
@pytest.mark.timeout(3600)
async def test_each_gets_a_personal_one_once_too(stack: Stack, tamaru: Tamaru) -> None:
    await survive(stack, tamaru, 20_000, 5, OWN, "broadcast-personal")
