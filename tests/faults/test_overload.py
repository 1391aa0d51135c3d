"""Three times what the shop can bear: tills are refused early, and what was accepted is done.

`OVERLOAD_SECONDS=300 make faults ARGS="-k overload -s"` for five minutes of it.
"""

import asyncio
import os
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from deploy.bench import load, procfs
from deploy.bench.load import Job, Outcome
from deploy.local.files import write_json
from deploy.local.layout import DEFAULT_FOLDER
from deploy.local.stack import Stack
from tests.faults import records, rush
from tests.faults.conftest import Tamaru

SECONDS = float(os.environ.get("OVERLOAD_SECONDS") or 60)
MEMBERS = 300
TIMES = 3
FIRST_POSTS = 3_000
FIRST_WINDOW = 1_000
CONNECTIONS = 4_000
"""So many that all of it is sent, although who is refused again and again is told late."""
LOOK_SECONDS = 2.0
DRAIN_SECONDS = 900.0
MOST_GROWTH = 128.0
"""MiB that a process may grow from the first half of the overload to the second. What it grows at
first is buffers that fill to their bounds."""

MOST_BESIDE = 512.0
"""MiB that PostgreSQL may take beside its shared buffers, which fill as pages are first used."""

_DOUBLED = """
SELECT count(*) FROM (
    SELECT FROM points.entries WHERE kind = 'earn' GROUP BY cause, unit HAVING count(*) > 1
) AS doubled
"""
_AWARDED = """
SELECT key FROM points.requests WHERE key LIKE $1 || '%' AND status = 'awarded'
"""


def job(stack: Stack, cards: list[str], posts: int, name: str, **pace: Any) -> Job:
    """Purchases for these cards in turn, past the edge, so that webhook itself bears it all."""
    place = urlsplit(stack.env["WEBHOOK_URL"])
    assert place.hostname and place.port
    return Job(
        host=place.hostname,
        port=place.port,
        path="/v1/purchases",
        api_key=stack.env["POS_API_KEY"],
        cards=cards,
        posts=posts,
        name=name,
        occurred_at=datetime.now(UTC).isoformat(timespec="seconds"),
        delivered_url=f"{stack.env['SANDBOX_URL']}/sandbox/stats",
        **pace,
    )


async def watch(stack: Stack, seen: dict[str, list[float]]) -> None:
    """The memory of every process, in MiB, again and again."""
    while True:
        for name, unit in stack.status()["units"].items():
            if unit["pid"]:
                seen[name].append(await asyncio.to_thread(procfs.memory_mib, unit["pid"]))
        await asyncio.sleep(LOOK_SECONDS)


def growth(looks: list[float]) -> float:
    """How much more it had at most in the second half than at most in the first."""
    half = len(looks) // 2
    return max(looks[half:]) - max(looks[:half])


async def buffers(stack: Stack) -> float:
    """PostgreSQL's shared buffers, in MiB."""
    connection = await asyncpg.connect(stack.env["DATABASE_URL"])
    try:
        pages: str = await connection.fetchval(
            "SELECT setting FROM pg_settings WHERE name = $1", "shared_buffers"
        )
    finally:
        await connection.close()
    return int(pages) * 8 / 1024


async def awarded(stack: Stack, name: str) -> tuple[set[int], int]:
    """The numbers of this load's purchases that have their points; how many have them twice."""
    connection = await asyncpg.connect(stack.env["DATABASE_URL"])
    try:
        rows = await connection.fetch(_AWARDED, name)
        doubled: int = await connection.fetchval(_DOUBLED)
    finally:
        await connection.close()
    return {int(row["key"].rpartition("-")[2]) for row in rows}, doubled


async def bears(
    session: aiohttp.ClientSession, stack: Stack, cards: list[str], name: str
) -> Outcome:
    """As many purchases as get through to the phones, and then nothing that waits: what the
    machine bears."""
    already = (await rush.stats(session, stack))["messages_delivered"]
    outcome = await load.post(
        job(stack, cards, FIRST_POSTS, name, window=FIRST_WINDOW, already=already)
    )
    await records.rest(session, stack, DRAIN_SECONDS)
    return outcome


async def accounted(stack: Stack, name: str, outcome: Outcome) -> tuple[set[int], int]:
    """The numbers that were accepted and have no points; how many have them twice."""
    found, doubled = await awarded(stack, name)
    return set(range(len(outcome.sent))) - set(outcome.refused) - found, doubled


@pytest.mark.faults
@pytest.mark.timeout(int(SECONDS + 2 * DRAIN_SECONDS))
async def test_overload(stack: Stack, tamaru: Tamaru, capsys: pytest.CaptureFixture[str]) -> None:
    seen: dict[str, list[float]] = defaultdict(list)
    async with rush.client() as session:
        cards = list((await rush.join(session, stack, MEMBERS)).values())
        usual = await bears(session, stack, cards, "usual")
        rate = usual.rate * TIMES
        watching = asyncio.create_task(watch(stack, seen))
        much = job(stack, cards, int(rate * SECONDS), "much", rate=rate, connections=CONNECTIONS)
        outcome = await load.post(much)
        watching.cancel()
        ended = time.monotonic()
        await records.rest(session, stack, DRAIN_SECONDS)
        drained = time.monotonic() - ended
    lost, doubled = await accounted(stack, "much", outcome)
    figures = told(usual, outcome, drained, seen) | {"lost": len(lost), "doubled": doubled}
    with capsys.disabled():
        print("", *(f"{name}: {value}" for name, value in figures.items()), sep="\n")
    folder = DEFAULT_FOLDER / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "overload.json", figures)
    assert set(outcome.statuses) <= {"202", "429", "503"}
    assert not lost, f"{len(lost)} accepted purchases are lost"
    assert not doubled
    grown = {name for name, looks in seen.items() if growth(looks) > MOST_GROWTH}
    assert grown <= {"sandbox", "postgres"}
    assert max(seen["postgres"]) < await buffers(stack) + MOST_BESIDE
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"


def told(
    usual: Outcome, outcome: Outcome, drained: float, seen: dict[str, list[float]]
) -> dict[str, Any]:
    """The figures of a run."""
    accepted = len(outcome.sent) - len(outcome.refused)
    return {
        "purchases a second that it bears": round(usual.rate),
        "sent a second": round(len(outcome.sent) / outcome.took),
        "accepted a second": round(accepted / outcome.took),
        "accepted, of what it bears": round(accepted / outcome.took / usual.rate, 2),
        "seconds": round(outcome.took),
        "answers": outcome.statuses,
        "accepted ones, ms: p50, p99": [round(outcome.accepted_p50), round(outcome.accepted_p99)],
        "refused ones, ms: p50, p99": [round(outcome.refused_p50), round(outcome.refused_p99)],
        "of a core, by the load itself": round(outcome.cpu / outcome.took, 2),
        "seconds to drain": round(drained),
        "MiB at first, at most in each half, at the end": {
            name: [*(round(each) for each in (looks[0], *map(max, halves(looks)), looks[-1]))]
            for name, looks in seen.items()
            if len(looks) > 1
        },
    }


def halves(looks: list[float]) -> tuple[list[float], list[float]]:
    """The first and the second half."""
    return looks[: len(looks) // 2], looks[len(looks) // 2 :]
