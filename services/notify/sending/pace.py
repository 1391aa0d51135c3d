"""Keeping below LINE's calls a second, together with the other replicas.

One token bucket in Redis per endpoint; each process leases a twentieth of a second's calls at a
time, so a call costs far less than a round trip. With Redis away each process keeps to its share of
the replicas last seen. Owns no knowledge of messages.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared import logs

log = logs.logger(__name__)

CHUNKS_A_SECOND = 20
LEASE_SECONDS = 1.0
"""What is not used by then lapses, so that idle replicas hoard nothing."""

REDIS_PAUSE_SECONDS = 1.0
ASSUMED_REPLICAS = 4
"""The share to keep to when Redis was never reached: rather too slow than a 429."""


class Lease(NamedTuple):
    """Calls granted; none means: ask again after `wait` seconds."""

    granted: int
    wait: float


class Pace:
    """The pace of one endpoint in this process. One that is `yielding` leaves a chunk in the bucket
    for those that are not, so that a rush never makes them wait. What has a pace of its own may
    also have to keep within another one, which it shares."""

    def __init__(
        self,
        redis: Redis,
        namespace: str,
        endpoint: str,
        rate: int,
        replica: str,
        *,
        yielding: bool = False,
        within: "Pace | None" = None,
    ) -> None:
        self._within = within
        self._rate = rate
        self._chunk = max(1, rate // CHUNKS_A_SECOND)
        self._reserve = self._chunk if yielding else 0
        self._keys = [f"{{{namespace}.pace}}.{endpoint}", f"{{{namespace}.pace}}.replicas"]
        self._replica = replica
        script = resources.files("services.notify.sending").joinpath("lease.lua").read_text()
        self._script = redis.register_script(script)
        self._leasing = asyncio.Lock()
        self._calls = 0
        self._lapses_at = 0.0
        self._replicas = ASSUMED_REPLICAS
        self._alone_until = 0.0
        self._alone_at = -math.inf

    async def take(self, wanted: int = 1) -> None:
        """Wait until one more call may be made; `wanted` are likely to be soon."""
        loop = asyncio.get_running_loop()
        while self._calls <= 0 or loop.time() >= self._lapses_at:
            async with self._leasing:
                if self._calls <= 0 or loop.time() >= self._lapses_at:
                    await self._lease(loop.time, min(self._chunk, max(1, wanted)))
        self._calls -= 1
        if self._within is not None:
            await self._within.take(wanted)

    async def _lease(self, time: Callable[[], float], wanted: int) -> None:
        lease = await self._ask(time(), wanted)
        if lease.granted:
            self._calls = lease.granted
            self._lapses_at = time() + LEASE_SECONDS
        else:
            await asyncio.sleep(lease.wait)

    async def _ask(self, at: float, wanted: int) -> Lease:
        if at < self._alone_until:
            return self._own_share(at)
        most = self._chunk * 2
        arguments: list[str | int] = [self._rate, most, wanted, self._replica, self._reserve]
        try:
            answer = await cast(
                Awaitable[Any], self._script(keys=self._keys, args=cast(Any, arguments))
            )
        except (RedisError, OSError, TimeoutError) as problem:
            log.warning("Redis not reached, keeping to our share", problem=type(problem).__name__)
            self._alone_until = at + REDIS_PAUSE_SECONDS
            return self._own_share(at)
        granted, wait_ms, self._replicas = answer
        return Lease(granted, wait_ms / 1000)

    def _own_share(self, at: float) -> Lease:
        """As many calls as our part of the rate has brought since the last time, at most a
        second's share of one chunk and at least one."""
        share = self._rate / max(1, self._replicas)
        most = max(1.0, share / CHUNKS_A_SECOND)
        brought = min(most, (at - self._alone_at) * share)
        if brought < 1:
            return Lease(0, (1 - brought) / share)
        self._alone_at = at
        return Lease(int(brought), 0)
