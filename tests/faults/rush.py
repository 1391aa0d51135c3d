"""A rush hour: members join, tills send each purchase up to three times, processes are killed.

Everything goes through HTTP, as tills and LINE do it. What is sent and killed when follows from a
seed; what the machine makes of it does not. Judges nothing.
"""

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from deploy.local.stack import Stack
from tests.faults import records
from tests.faults.accounting import PROGRAM, Bought, understood

MOST_POINTS = 150
AGAIN = (429, 502, 503, 504)
PAUSE_SECONDS = 0.2
JOIN_SECONDS = 240.0
BACK_SECONDS = 120.0
PATIENCE_SECONDS = 300.0
WAITING = 0.02
"""The share of purchases whose till waits for the points."""


@dataclass(frozen=True)
class Scale:
    """How much: `kills` is how often each process in `victims` is killed."""

    purchases: int
    members: int
    at_once: int
    victims: Sequence[str] = ()
    kills: int = 1


@dataclass
class Log:
    """What happened, as the tills saw it."""

    acks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[int | str, int] = field(default_factory=lambda: defaultdict(int))
    killed: list[tuple[str, int]] = field(default_factory=list)  # who, after how many answers
    wrong: list[str] = field(default_factory=list)
    pushes: dict[str, int] = field(default_factory=dict)  # by what came of them
    acknowledged: int = 0
    excused: int = 0  # replies that nobody can tell whether they arrived


@asynccontextmanager
async def client() -> Any:
    """A client for many requests at once."""
    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        yield session


async def publish_program(session: aiohttp.ClientSession, stack: Stack) -> None:
    """Put the rules in force that `accounting` knows."""
    headers = {"authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}
    url = f"{stack.env['EDGE_URL']}/v1/program"
    headers["idempotency-key"] = "the rules of the fault runs"
    async with session.put(url, json=PROGRAM, headers=headers) as answer:
        assert answer.status in (200, 201), await answer.text()


async def till_is_known(session: aiohttp.ClientSession, stack: Stack) -> None:
    """Wait until the till's key has travelled from points to webhook, as after any creation."""
    headers = {"authorization": f"Bearer {stack.env['POS_API_KEY']}"}
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        async with session.post(f"{stack.env['WEBHOOK_URL']}/v1/purchases", headers=headers) as no:
            if no.status == 415:  # there is no body: the key was looked at and is good
                return
        assert time.monotonic() < deadline, f"the till's key is not known: {no.status}"
        await asyncio.sleep(PAUSE_SECONDS)


async def set_faults(session: aiohttp.ClientSession, stack: Stack, **faults: Any) -> None:
    """Let these misfortunes strike at LINE's side; none when there are none."""
    url = f"{stack.env['SANDBOX_URL']}/sandbox/faults"
    async with session.put(url, json=faults) as answer:
        assert answer.status == 200, await answer.text()


async def stats(session: aiohttp.ClientSession, stack: Stack) -> dict[str, Any]:
    """The sandbox's counts: calls by name and outcome, and `messages_delivered`."""
    async with session.get(f"{stack.env['SANDBOX_URL']}/sandbox/stats") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
    return found


def pushes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """What came of the pushes between two looks, by outcome."""
    old, new = before.get("push", {}), after.get("push", {})
    return {outcome: count - old.get(outcome, 0) for outcome, count in new.items()}


async def delivered(session: aiohttp.ClientSession, stack: Stack, count: int) -> None:
    """Wait until so many messages have ever arrived, whoever got them."""
    deadline = time.monotonic() + JOIN_SECONDS
    while (found := (await stats(session, stack))["messages_delivered"]) < count:
        assert time.monotonic() < deadline, f"{found} of {count} messages arrived"
        await asyncio.sleep(records.LOOK_SECONDS)


async def join(session: aiohttp.ClientSession, stack: Stack, count: int) -> dict[str, str]:
    """New users follow the account; their cards, as each was told its own (or, where LINE lost
    the welcome, as an owner looks it up)."""
    before = (await stats(session, stack))["messages_delivered"]
    url = f"{stack.env['SANDBOX_URL']}/sandbox/users/bulk"
    async with session.post(url, json={"count": count, "name": "客", "follow": True}) as answer:
        assert answer.status == 201, await answer.text()
        users: list[str] = (await answer.json())["user_ids"]
    await delivered(session, stack, before + count * 9 // 10)
    await records.rest(session, stack, JOIN_SECONDS)
    told = {
        landing.user: understood(landing.text).name
        for landing in await records.landings(session, stack, users)
    }
    return {user: told.get(user) or await _card(session, stack, user) for user in users}


async def _card(session: aiohttp.ClientSession, stack: Stack, user: str) -> str:
    headers = {"authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}
    url = f"{stack.env['EDGE_URL']}/v1/members/lookup?line_user_id={user}"
    async with session.get(url, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        member = await answer.json()
    return str(member["card"])


def purchases(users: Sequence[str], count: int, dice: random.Random) -> list[Bought]:
    """Purchases of random members, no two of a member worth the same points."""
    tag = dice.getrandbits(48)
    worth = {user: dice.sample(range(1, MOST_POINTS), MOST_POINTS - 1) for user in users}
    chosen = [dice.choice(users) for _ in range(count)]
    return [
        Bought(f"rush-{tag:012x}-{n}", user, worth[user].pop() * 100 + dice.randrange(100))
        for n, user in enumerate(chosen)
    ]


def sendings(bought: Sequence[Bought], dice: random.Random) -> list[Bought]:
    """Each purchase one to three times, all in random order."""
    every = [each for each in bought for _ in range(dice.randint(1, 3))]
    dice.shuffle(every)
    return every


def kill_moments(scale: Scale, length: int, dice: random.Random) -> dict[int, str]:
    """After how many sendings who is killed: spread over the middle, in random order."""
    victims = [name for name in scale.victims for _ in range(scale.kills)]
    dice.shuffle(victims)
    start, step = length // 20, (length * 4 // 5) // max(1, len(victims))
    return {start + n * step + dice.randrange(step): name for n, name in enumerate(victims)}


async def rush(
    session: aiohttp.ClientSession,
    stack: Stack,
    cards: dict[str, str],
    scale: Scale,
    dice: random.Random,
) -> tuple[list[Bought], Log]:
    """Send everything, kill whoever is to be killed, and come back when all was acknowledged."""
    bought = purchases(list(cards), scale.purchases, dice)
    every = sendings(bought, dice)
    log = Log()
    till = Till(session, stack, cards, log, dice)
    moments = kill_moments(scale, len(every), dice)
    work = iter(enumerate(every))
    async with asyncio.TaskGroup() as group:
        for _ in range(scale.at_once):
            group.create_task(_serve(till, work, moments, group, stack, log))
    return bought, log


async def _serve(
    till: "Till",
    work: Iterator[tuple[int, Bought]],
    moments: dict[int, str],
    group: asyncio.TaskGroup,
    stack: Stack,
    log: Log,
) -> None:
    for number, bought in work:
        if number in moments:
            group.create_task(_kill(stack, moments[number], log))
        await till.post(bought)


async def _kill(stack: Stack, name: str, log: Log) -> None:
    """SIGKILL it while it works, and see it come back."""
    deadline = time.monotonic() + BACK_SECONDS
    while stack.status()["units"][name]["state"] != "ready":
        assert time.monotonic() < deadline, f"{name} did not come back"
        await asyncio.sleep(0.02)
    pid = stack.kill(name)
    log.killed.append((name, log.acknowledged))
    await asyncio.to_thread(stack.wait_restarted, name, pid, BACK_SECONDS)


class Till:
    """Posts purchases, each again and again until it is acknowledged."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        stack: Stack,
        cards: dict[str, str],
        log: Log,
        dice: random.Random,
    ) -> None:
        env = stack.env
        self._session = session
        self._urls = [f"{env[name]}/v1/purchases" for name in ("EDGE_URL", "WEBHOOK_URL")]
        self._key = env["POS_API_KEY"]
        self._cards = cards
        self._log = log
        self._dice = dice
        self._at = datetime.now(UTC).isoformat()

    async def post(self, bought: Bought) -> None:
        """Through the edge or past it, with the same key and body every time."""
        headers = {"authorization": f"Bearer {self._key}", "idempotency-key": bought.key}
        if self._dice.random() < WAITING:
            headers["prefer"] = "wait=1"
        body = bought.told(self._cards, self._at)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not await self._try(self._dice.choice(self._urls), headers, body, bought):
            assert time.monotonic() < deadline, f"{bought.key} is not acknowledged"
            await asyncio.sleep(PAUSE_SECONDS)

    async def _try(
        self, url: str, headers: dict[str, str], body: dict[str, Any], bought: Bought
    ) -> bool:
        try:
            async with self._session.post(url, json=body, headers=headers) as answer:
                raw = await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            self._log.answers[type(problem).__name__] += 1
            return False
        self._log.answers[answer.status] += 1
        if answer.status in AGAIN:
            return False
        if answer.status not in (201, 202):
            self._log.wrong.append(f"{bought.key} was answered {answer.status}: {raw[:500]}")
            return True
        content = json.loads(raw)
        if answer.status == 201 and content["points"]["earned"] != bought.points:
            self._log.wrong.append(f"{bought.key} was told {content['points']}")
        self._log.acks[bought.key].append(content["id"])
        self._log.acknowledged += 1
        return True
