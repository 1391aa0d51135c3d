"""A rate for each caller, shared by all replicas through Redis (GCRA: an even rate with a burst).

Nothing's truth depends on it: when Redis is away everybody passes. Calls that come while Redis is
being asked share the next question.
"""

import asyncio
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared import logs
from shared.coalesce import Coalescer

log = logs.logger(__name__)

ANSWER_SECONDS = 0.25
AWAY_SECONDS = 1.0

# KEYS: callers. ARGV[1]: calls a second. Returns for each the seconds to wait, 0 if it may pass.
_SCRIPT = """
local interval = 1000000 / tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local waits = {}
for at, key in ipairs(KEYS) do
  local used_up = math.max(now, tonumber(redis.call('GET', key) or 0))
  local late = used_up + interval - math.max(1000000, interval) - now
  if late > 0.5 then
    waits[at] = math.max(1, math.ceil(late / 1000000))
  else
    waits[at] = 0
    used_up = used_up + interval
    local life = math.ceil((used_up - now) / 1000) + 1000
    redis.call('SET', key, string.format('%.0f', used_up), 'PX', life)
  end
end
return waits
"""


def connect(url: str) -> "Redis":
    """A client that gives up fast and never retries by itself."""
    return Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        max_connections=8,
    )


class RateLimit:
    """`per_second` calls for each caller; a second's worth may come at once."""

    def __init__(self, url: str, prefix: str, per_second: int) -> None:
        self._redis = connect(url)
        self._prefix = f"{{{prefix}}}:rate:"  # braces: all on one shard of a cluster
        self._per_second = per_second
        self._script = self._redis.register_script(_SCRIPT)
        self._away_until = 0.0
        self._questions: Coalescer[str, int] = Coalescer(self._ask)

    async def wait_seconds(self, caller: str) -> int:
        """0 if the caller may go on (and this call is counted), else how long to wait."""
        return await self._questions.submit(caller)

    async def close(self) -> None:
        """Close the client."""
        await self._redis.aclose()

    async def _ask(self, callers: list[str]) -> Sequence[int]:
        now = asyncio.get_running_loop().time()
        if now < self._away_until:
            return [0] * len(callers)
        try:
            keys = [self._prefix + caller for caller in callers]
            waits: list[int] = await self._script(keys=keys, args=[self._per_second])
        except (RedisError, OSError) as problem:
            log.warning("rates are not counted: Redis is away", problem=type(problem).__name__)
            self._away_until = now + AWAY_SECONDS
            return [0] * len(callers)
        return waits
