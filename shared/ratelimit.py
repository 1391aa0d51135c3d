"""A rate for each caller, shared by all replicas through Redis (GCRA: an even rate with a burst).

Nothing's truth depends on it: when Redis is away everybody passes. Calls that come while Redis is
being asked share the next question.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared import logs
from shared.coalesce import Coalescer

log = logs.logger(__name__)

Answer = TypeVar("Answer")

ANSWER_SECONDS = 0.25
AWAY_SECONDS = 1.0

GCRA = """
-- For scripts: `local pass, keep = gcra(calls a second)`. `pass(key, calls)` gives the seconds to
-- wait, 0 if all of these calls may pass, which then are counted; `keep()` writes the counts down.
-- A key holds the moment (microseconds) at which all that was let through would be used up at the
-- even rate; up to one second's worth may come early. Calls pass whole once they may begin, so more
-- than a second's worth passes together, and the next ones wait for it.
local function gcra(per_second)
  local interval = 1000000 / per_second
  local burst = math.max(1000000, interval)
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local used_up = {}
  local counted = {}

  local function pass(key, calls)
    used_up[key] = used_up[key] or math.max(now, tonumber(redis.call('GET', key) or 0))
    local late = used_up[key] + interval - burst - now
    if late > 0.5 then
      return math.max(1, math.ceil(late / 1000000))
    end
    used_up[key] = used_up[key] + interval * calls
    counted[key] = true
    return 0
  end

  local function keep()
    for key in pairs(counted) do
      local life = math.ceil((used_up[key] - now) / 1000) + 1000
      redis.call('SET', key, string.format('%.0f', used_up[key]), 'PX', life)
    end
  end

  return pass, keep
end
"""

# KEYS: callers. ARGV[1]: calls a second. Returns for each the seconds to wait, 0 if it may pass.
_SCRIPT = (
    GCRA
    + """
local pass, keep = gcra(tonumber(ARGV[1]))
local waits = {}
for at, key in ipairs(KEYS) do
  waits[at] = pass(key, 1)
end
keep()
return waits
"""
)


def connect(url: str) -> "Redis":
    """A client that gives up fast and never retries by itself."""
    return Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        max_connections=8,
    )


class FailOpen:
    """Asks Redis what can do without an answer: when it is away says so once, and does not ask
    again for a second."""

    def __init__(self, lost: str) -> None:
        self._lost = lost
        self._away_until = 0.0
        self._away = False

    async def ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """The answer, or None while Redis is away."""
        now = asyncio.get_running_loop().time()
        if now < self._away_until:
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS * 2):
                answer = await question()
        except (RedisError, OSError, TimeoutError) as problem:
            if not self._away:
                log.warning("Redis away", lost=self._lost, problem=type(problem).__name__)
            self._away, self._away_until = True, now + AWAY_SECONDS
            return None
        if self._away:
            log.info("Redis is back", regained=self._lost)
            self._away = False
        return answer


class RateLimit:
    """`per_second` calls for each caller; a second's worth may come at once."""

    def __init__(self, url: str, prefix: str, per_second: int) -> None:
        self._redis = connect(url)
        self._prefix = f"{{{prefix}}}:rate:"  # braces: all on one shard of a cluster
        self._per_second = per_second
        self._script = self._redis.register_script(_SCRIPT)
        self._door = FailOpen("rate limit")
        self._questions: Coalescer[str, int] = Coalescer(self._ask)

    async def wait_seconds(self, caller: str) -> int:
        """0 if the caller may go on (and this call is counted), else how long to wait."""
        return await self._questions.submit(caller)

    async def close(self) -> None:
        """Close the client."""
        await self._redis.aclose()

    async def _ask(self, callers: list[str]) -> Sequence[int]:
        keys = [self._prefix + caller for caller in callers]

        async def ask_redis() -> list[int]:
            waits: list[int] = await self._script(keys=keys, args=[self._per_second])
            return waits

        waits = await self._door.ask(ask_redis)
        return [0] * len(callers) if waits is None else waits
