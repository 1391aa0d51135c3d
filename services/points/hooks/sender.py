"""Sending: each endpoint on its own, each member's messages in order, bounded, written down.

Takes deliveries page by page under a lease and writes down what became of each; what a crash leaves
is taken again when its lease ends, under the same webhook-id. An endpoint that is slow or fails
holds up nobody else: it has its own share of the open requests, and rests after failures in a
row. Owns rhythm and order; the rules stand in `progress`.
"""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from prometheus_client import Counter

from services.points.hooks import messages, progress, signing
from services.points.hooks.client import HookClient
from services.points.hooks.progress import Answer, Record, Verdict
from services.points.store import hook_deliveries, hooks
from services.points.store.hook_deliveries import Taken
from services.points.store.hooks import Endpoint
from shared import clock, logs
from shared.coalesce import Coalescer
from shared.db import CONFLICTS, UNREACHABLE, Pool
from shared.keys import Keys

log = logs.logger(__name__)

LEASE = timedelta(seconds=60)
LEASE_MARGIN = timedelta(seconds=12)
"""A request is started only while the lease outlasts its time-out."""

PAGE = 100
PER_ENDPOINT = 8
IN_TOTAL = 64
POLL_SECONDS = 0.5
PAUSE_SECONDS = 0.5
EVER = datetime.min.replace(tzinfo=UTC)

_tries = Counter("tamaru_hooks_tries", "Webhooks sent, by what came of it.", ["outcome"])


class Health(msgspec.Struct):
    """How an endpoint fares, as this process has seen it."""

    failures: int = 0
    rests_until: datetime = EVER
    judged_at: datetime = EVER
    """When it was last sent to rest: what was under way then says nothing new."""


class Sender:
    """Sends what is due, until stopped."""

    def __init__(self, pool: "Pool[Any]", client: HookClient, keys: Keys[bytes]) -> None:
        self._pool = pool
        self._client = client
        self._keys = keys
        self._wake = asyncio.Event()
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._health: dict[UUID, Health] = {}
        self._stopping = False
        self._notes: Coalescer[tuple[Record, Verdict | None], None] = Coalescer(self._write)

    def wake(self) -> None:
        """Something is due."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                await self._start(group)
                try:
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def drain(self) -> None:
        """Finish what is being sent, put the rest back, and wait until all is written down."""
        self._stopping = True
        while self._busy:
            await asyncio.wait(set(self._busy.values()))
        await self._notes.join()

    async def _start(self, group: asyncio.TaskGroup) -> None:
        """Serve every active endpoint that is not being served and does not rest."""
        try:
            endpoints = await hooks.active(self._pool)
        except UNREACHABLE as problem:
            log.warning("due webhooks not looked for", problem=type(problem).__name__)
            return
        width = progress.share(len(endpoints), PER_ENDPOINT, IN_TOTAL)
        for endpoint in endpoints:
            health = self._health.setdefault(endpoint.id, Health())
            if endpoint.id in self._busy or self._stopping or clock.now() < health.rests_until:
                continue
            serving = group.create_task(self._serve(endpoint, health, width))
            self._busy[endpoint.id] = serving
            serving.add_done_callback(partial(self._served, endpoint.id))

    def _served(self, id: UUID, _: asyncio.Task[None]) -> None:
        del self._busy[id]

    async def _serve(self, endpoint: Endpoint, health: Health, width: int) -> None:
        """Send one page of an endpoint's deliveries."""
        now = clock.now()
        try:
            page = await hook_deliveries.claim(self._pool, endpoint.id, now, now + LEASE, PAGE)
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("due webhooks not taken", problem=type(problem).__name__)
            return
        lanes = _lanes(page)

        async def work() -> None:
            while lanes:
                for taken in lanes.popleft():
                    await self._one(endpoint, health, taken, now + LEASE)

        await asyncio.gather(*(work() for _ in range(min(width, len(lanes)))))
        if len(page) == PAGE:
            self._wake.set()

    async def _one(
        self, endpoint: Endpoint, health: Health, taken: Taken, lease_until: datetime
    ) -> None:
        """Send one message, unless there is a reason not to now, and write down what came of it."""
        now = clock.now()
        message = taken.message
        late = now > lease_until - LEASE_MARGIN
        if self._stopping or late or now < health.rests_until:
            back = progress.put_back(endpoint.id, message.id, taken.tries, taken.due_at)
            await self._noted(back, None)
            return
        body = messages.body(message, include_line_user_id=endpoint.include_line_user_id)
        headers = signing.headers(self._secrets(endpoint, now), str(message.id), now, body)
        answer = await self._client.post(endpoint.url, body, headers)
        _heed(health, answer)
        record = progress.after(
            endpoint.id, message.id, taken.tries, answer, clock.now(), _spread()
        )
        await self._noted(record, progress.verdict(endpoint.id, answer))

    def _secrets(self, endpoint: Endpoint, now: datetime) -> list[bytes]:
        """The secrets that sign now, the newest first; while the installation's key changes, those
        that receivers have of the old one, too."""
        newest = endpoint.secret_generation
        until = endpoint.old_secret_until
        signs_too = until is not None and now < until
        generations = [newest, newest - 1] if signs_too else [newest]
        return [
            signing.secret(key, endpoint.id, each) for key in self._keys.all for each in generations
        ]

    async def _noted(self, record: Record, verdict: Verdict | None) -> None:
        try:
            await self._notes.submit((record, verdict))
        except Exception as problem:
            log.error("a webhook's result is not written; its lease will end",
                      problem=type(problem).__name__)  # fmt: skip

    async def _write(self, notes: list[tuple[Record, Verdict | None]]) -> Sequence[None]:
        """Write notes down, many in one transaction, waiting for the database."""
        verdicts = {each.endpoint_id: each for _, each in notes if each is not None}
        while True:
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    # The endpoint before its deliveries, as everybody locks them.
                    judged = await hooks.judge(
                        connection, list(verdicts.values()), progress.GIVEN_UP_AFTER
                    )
                    await hook_deliveries.record(connection, [record for record, _ in notes])
                break
            except (*UNREACHABLE, *CONFLICTS) as problem:
                if isinstance(problem, ValueError):
                    raise  # asyncpg's word for a value that does not fit
                log.warning("results not written yet", problem=type(problem).__name__)
                await asyncio.sleep(PAUSE_SECONDS)
        for id, status, why in judged:
            if status != "active":
                log.error("webhook stopped", endpoint=str(id), status=status, problem=why)
        return [None] * len(notes)


def _lanes(page: Sequence[Taken]) -> deque[list[Taken]]:
    """Each member's messages in their order; a message of no member goes alone."""
    lanes: dict[UUID, list[Taken]] = {}
    for taken in page:
        lanes.setdefault(taken.message.member_id or taken.message.id, []).append(taken)
    return deque(lanes.values())


def _heed(health: Health, answer: Answer) -> None:
    """Count it; failures in a row give the endpoint a rest."""
    _tries.labels("delivered" if answer.is_good else "failed").inc()
    if answer.is_good:
        health.failures, health.rests_until = 0, EVER
    elif answer.at >= health.judged_at:
        health.failures += 1
        wait = progress.rest(health.failures, answer)
        if wait:
            health.judged_at = clock.now()
            health.rests_until = health.judged_at + wait


def _spread() -> float:
    return random.random()  # noqa: S311 - spreads load, guards nothing
