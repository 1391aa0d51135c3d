"""The raw records of a running stack: ledger rows, queues, outboxes, and what the phones got.

Read straight from the servers and the sandbox, past the product's own code. Judges nothing but
whether the product has come to rest.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Any

import aio_pika
import aiohttp
import asyncpg

from deploy.local.stack import Stack
from shared.bus.topology import RETRY_SECONDS, SUBSCRIPTIONS, Names
from tests.faults.accounting import Account, Entry, Landing, Undelivered

LOOK_SECONDS = 0.3
QUIET_LOOKS = 4
"""So often in a row there must be nothing left: what is in a process's hands shows nowhere."""

_ENTRIES = """
SELECT m.line_user_id, e.cause, e.kind, e.source, e.amount
FROM points.entries e LEFT JOIN points.members m ON m.id = e.member_id
WHERE m.line_user_id = ANY($1::text[]) OR m.id IS NULL
"""
_ACCOUNTS = """
SELECT m.line_user_id, a.in_lots - a.held - a.debt AS balance, m.card, r.code
FROM points.members m JOIN points.accounts a ON a.member_id = m.id AND a.unit = 'point'
LEFT JOIN points.ranks r ON r.member_id = m.id
WHERE m.line_user_id = ANY($1::text[])
"""
_UNDELIVERED = """
SELECT line_user_id, kind, via, status, reason FROM notify.deliveries
WHERE line_user_id = ANY($1::text[]) AND status <> 'delivered'
"""
_LEFT = """
SELECT (SELECT count(*) FROM webhook.spool) AS spool,
    (SELECT count(*) FROM points.outbox) AS "outbox of points",
    (SELECT count(*) FROM notify.outbox) AS "outbox of notify",
    (SELECT count(*) FROM scheduler.outbox) AS "outbox of scheduler",
    (SELECT count(*) FROM points.waiting_purchases) AS "purchases of nobody",
    (SELECT count(*) FROM points.rank_runs WHERE finished_at IS NULL) AS "rank runs",
    (SELECT count(*) FROM notify.deliveries WHERE due_at IS NOT NULL) AS "messages not sent"
"""


async def ledger(
    stack: Stack, users: Collection[str]
) -> tuple[list[Entry], dict[str, Account], list[Undelivered]]:
    """The users' entries and accounts, and those of their messages that notify cannot vouch for."""
    connection = await asyncpg.connect(stack.env["DATABASE_URL"])
    try:
        entries = await connection.fetch(_ENTRIES, list(users))
        accounts = await connection.fetch(_ACCOUNTS, list(users))
        undelivered = await connection.fetch(_UNDELIVERED, list(users))
    finally:
        await connection.close()
    return (
        [Entry(row[0], str(row[1]), *row[2:]) for row in entries],
        {row[0]: Account(*row[1:]) for row in accounts},
        [Undelivered(*row) for row in undelivered],
    )


async def landings(
    session: aiohttp.ClientSession, stack: Stack, users: Collection[str]
) -> list[Landing]:
    """Everything that ever arrived on these users' phones, in order."""
    found: list[Landing] = []
    wanted, after = set(users), 0
    while True:
        url = f"{stack.env['SANDBOX_URL']}/sandbox/deliveries?after={after}"
        async with session.get(url) as answer:
            assert answer.status == 200
            page = await answer.json()
        for each in page["items"]:
            if each["user"] in wanted:
                found.append(Landing(each["user"], each["kind"], each["retry_key"], each["brief"]))
        if not page["items"]:
            return found
        after = page["next"]


async def queues(stack: Stack) -> dict[str, int]:
    """The messages that lie ready in every queue, by its purpose; `dead` are the dead letters."""
    names = Names(stack.env["BUS_NAMESPACE"])
    every = {purpose: names.queue(purpose) for purpose in SUBSCRIPTIONS}
    every |= {f"retry {seconds} s": names.retry(seconds) for seconds in RETRY_SECONDS}
    every["dead"] = names.dead
    connection = await aio_pika.connect(stack.env["AMQP_URL"], timeout=10)
    async with connection:
        channel = await connection.channel()
        return {name: await _ready(channel, queue) for name, queue in every.items()}


async def _ready(channel: Any, queue: str) -> int:
    declared = await channel.declare_queue(queue, passive=True)
    return declared.declaration_result.message_count or 0


async def left(session: aiohttp.ClientSession, stack: Stack) -> dict[str, int]:
    """All that is still to be done, by where it lies; empty when there is nothing."""
    connection = await asyncpg.connect(stack.env["DATABASE_URL"])
    try:
        found: dict[str, int] = dict(await connection.fetchrow(_LEFT))
    finally:
        await connection.close()
    found |= {f"queue {name}": count for name, count in (await queues(stack)).items()}
    found.pop("queue dead")
    async with session.get(f"{stack.env['SANDBOX_URL']}/sandbox/stats") as answer:
        found["webhooks"] = (await answer.json())["webhooks_outstanding"]
    return {name: count for name, count in found.items() if count}


async def rest(session: aiohttp.ClientSession, stack: Stack, seconds: float) -> None:
    """Wait until nothing is left to do anywhere, several looks in a row."""
    deadline = time.monotonic() + seconds
    looks, remaining = 0, {"no look": 1}
    while looks < QUIET_LOOKS:
        assert time.monotonic() < deadline, f"not at rest: {remaining}"
        try:
            remaining = await left(session, stack)
        except (OSError, aiohttp.ClientError, aio_pika.exceptions.AMQPError) as problem:
            remaining = {repr(problem): 1}
        looks = 0 if remaining else looks + 1
        await asyncio.sleep(LOOK_SECONDS)
