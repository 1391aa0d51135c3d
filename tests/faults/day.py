"""A shop's day in seconds: purchases, points spent in every way, returns, questions in the chat.

Tills repeat everything up to three times, in any order, and go on asking until they are answered.
What was answered goes to a file, line by line: the raw record from which a verdict is found.
"""

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from deploy.local.stack import Stack
from tests.faults import rush
from tests.faults.accounting import Bought

PATIENCE_SECONDS = 60.0
TRY_SECONDS = aiohttp.ClientTimeout(total=10)
PAUSE_SECONDS = 0.2
QUESTION = "ポイント"


@dataclass(frozen=True)
class Size:
    """How much a day brings; `salvos` are tills that spend one member's points all at once."""

    members: int = 24
    purchases: int = 120
    salvos: int = 24
    returns: int = 15
    questions: int = 24
    tills: int = 12


@dataclass(frozen=True)
class Spend:
    """Points of a member to spend: `way` is once, capture or void."""

    key: str
    user: str
    points: int
    way: str


@dataclass(frozen=True)
class Return:
    """A whole purchase that is given back."""

    key: str
    bought: Bought


@dataclass(frozen=True)
class Ask:
    """A question in the chat; asked once."""

    user: str


Salvo = tuple[Spend, ...]
Work = Bought | Salvo | Return | Ask
WAYS = ("once", "once", "capture", "void")


def work(users: Sequence[str], size: Size, dice: random.Random) -> list[Work]:
    """All that is to be done, repeated and shuffled. Who spends never returns anything, so that a
    balance below zero is always wrong."""
    spenders, returners = users[: len(users) // 2], users[len(users) // 2 :]
    run = uuid.uuid4().hex[:8]  # a seed may come again in the same shop
    bought = [
        replace(each, key=f"{run}-{each.key}")
        for each in rush.purchases(users, size.purchases, dice)
    ]
    salvos = [_salvo(f"{run}-{n}", dice) for n in range(size.salvos)]
    named = [
        tuple(replace(each, user=user) for each in salvo)
        for salvo, user in zip(salvos, dice.choices(spenders, k=size.salvos), strict=True)
    ]
    returnable = [each for each in bought if each.user in set(returners)]
    returns = [
        Return(f"return-{each.key}", each)
        for each in dice.sample(returnable, min(size.returns, len(returnable)))
    ]
    every: list[Work] = [
        each for each in [*bought, *named, *returns] for _ in range(dice.randint(1, 3))
    ]
    every += [Ask(dice.choice(users)) for _ in range(size.questions)]
    dice.shuffle(every)
    return every


def _salvo(tag: str, dice: random.Random) -> list[Spend]:
    return [
        Spend(f"spend-{tag}-{n}", "", dice.randint(20, 60), dice.choice(WAYS))
        for n in range(dice.randint(2, 4))
    ]


@dataclass
class Record:
    """The raw record, a JSON object a line, and the answers counted by status."""

    path: Path
    answers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("")

    def write(self, what: str, **facts: Any) -> None:
        """Add a line; it is on its way to the disk before anything else is done."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, **facts}, ensure_ascii=False) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """Every line."""
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]


class Tills:
    """The shop's tills and its customers' phones."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        stack: Stack,
        cards: dict[str, str],
        record: Record,
        dice: random.Random,
    ) -> None:
        self._session = session
        self._env = stack.env
        self._cards = cards
        self._record = record
        self._dice = dice
        self._at = datetime.now(UTC).isoformat()

    async def do(self, each: Work) -> None:
        """See it through until it is answered, and write down what was answered."""
        match each:
            case Bought():
                await self._buy(each)
            case Return():
                await self._give_back(each)
            case Ask():
                await self._ask(each)
            case _:
                await asyncio.gather(*(self._spend(spend) for spend in each))

    async def _buy(self, bought: Bought) -> str:
        body = bought.told(self._cards, self._at)
        url = self._env[self._dice.choice(("EDGE_URL", "WEBHOOK_URL"))]
        prefer = {"prefer": "wait=1"} if self._dice.random() < rush.WAITING else {}
        status, answer = await self._post(f"{url}/v1/purchases", body, bought.key, prefer)
        if status in (201, 202):
            self._record.write(
                "purchase",
                key=bought.key,
                user=bought.user,
                points=bought.points,
                id=answer["id"],
                told=answer.get("points", {}).get("earned"),
            )
        return str(answer.get("id"))

    async def _give_back(self, each: Return) -> None:
        id = await self._buy(each.bought)
        url = f"{self._env['EDGE_URL']}/v1/purchases/{id}/refunds"
        status, answer = await self._post(url, {}, each.key)
        if status in (201, 202):
            facts = {"key": each.key, "id": answer["id"], "purchase": id}
            self._record.write("return", user=each.bought.user, points=each.bought.points, **facts)

    async def _spend(self, each: Spend) -> None:
        body = {
            "member": {"card": self._cards[each.user]},
            "store": "main",
            "points": each.points,
            "capture": each.way == "once",
        }
        url = f"{self._env['EDGE_URL']}/v1/redemptions"
        status, answer = await self._post(url, body, each.key, refusals=(422,))
        if status == 201 and each.way != "once":
            act = f"{url}/{answer['id']}/{each.way}"
            _, answer = await self._post(act, {}, f"{each.key}-{each.way}")
        self._record.write(
            "spend",
            key=each.key,
            user=each.user,
            points=each.points,
            way=each.way,
            id=answer.get("id"),
            status=answer["status"] if status == 201 else "refused",
        )

    async def _ask(self, each: Ask) -> None:
        url = f"{self._env['SANDBOX_URL']}/sandbox/users/{each.user}/say"
        async with self._session.post(url, json={"text": QUESTION}) as answer:
            assert answer.status == 200, await answer.text()
        self._record.write("question", user=each.user)

    async def _post(
        self,
        url: str,
        body: dict[str, Any],
        key: str,
        more: dict[str, str] | None = None,
        refusals: Sequence[int] = (),
    ) -> tuple[int, dict[str, Any]]:
        """The last answer. What is neither a success nor one of `refusals` is wrong."""
        headers = {"authorization": f"Bearer {self._env['POS_API_KEY']}", "idempotency-key": key}
        headers |= more or {}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, text = await self._try(url, body, headers)
            if status and status not in rush.AGAIN:
                break
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        if status not in (200, 201, 202, *refusals):
            self._record.write("wrong", text=f"{key} was answered {status}: {text[:300]}")
            return status, {"status": "wrong"}
        content: dict[str, Any] = json.loads(text)
        return status, content

    async def _try(self, url: str, body: Any, headers: dict[str, str]) -> tuple[int, str]:
        try:
            async with self._session.post(
                url, json=body, headers=headers, timeout=TRY_SECONDS
            ) as answer:
                status, text = answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            self._record.answers[type(problem).__name__] += 1
            return 0, repr(problem)
        self._record.answers[str(status)] += 1
        return status, text


class Progress:
    """How much of the work is begun, for those who wait for a share of it."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._begun = 0
        self._moved = asyncio.Condition()

    async def begin(self) -> None:
        """One more is begun."""
        async with self._moved:
            self._begun += 1
            self._moved.notify_all()

    async def reached(self, share: float) -> None:
        """Wait until this share of the work, 0 to 1, is begun."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._begun >= share * self._total)


async def serve(tills: Tills, every: Iterator[Work], progress: Progress) -> None:
    """One till: the next piece of work, and the next."""
    for each in every:
        await progress.begin()
        await tills.do(each)
