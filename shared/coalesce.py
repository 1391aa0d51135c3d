"""Group what comes at the same time into one call, without a timer.

The first item goes at once; what arrives while a call is in flight goes out together in the next.
So a lone item waits for nothing, and under load the cost of a round trip is shared.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Coalescer(Generic[Item, Result]):
    """`flush` gets a list of items and returns their results in the same order."""

    def __init__(
        self,
        flush: Callable[[list[Item]], Awaitable[Sequence[Result]]],
        *,
        limit: int = 200,
        in_flight: int = 1,
    ) -> None:
        self._flush = flush
        self._limit = limit
        self._in_flight = in_flight
        self._waiting: deque[tuple[Item, asyncio.Future[Result], float]] = deque()
        self._in_hand: dict[int, float] = {}  # when the first of each group came, in order
        self._drains: set[asyncio.Task[None]] = set()
        self._draining = 0

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """Hand in an item; the future gets its result, or the error of the call it went out in."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future, monotonic()))
        if self._draining < self._in_flight:
            self._draining += 1
            drain = asyncio.create_task(self._drain())
            self._drains.add(drain)
            drain.add_done_callback(self._drains.discard)
        return future

    def waited(self) -> float:
        """Seconds that the first one has waited which has no answer yet; 0 if there is none."""
        for came in self._in_hand.values():
            return monotonic() - came
        return monotonic() - self._waiting[0][2] if self._waiting else 0.0

    async def join(self) -> None:
        """Wait until everything handed in has been answered."""
        while self._drains:
            await asyncio.wait(set(self._drains))

    async def _drain(self) -> None:
        try:
            await self._flush_all()
        finally:
            # At once, not in a done callback: an answered caller may come back before that runs.
            self._draining -= 1

    async def _flush_all(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
            self._in_hand[id(group)] = group[0][2]
            try:
                results = await self._flush([item for item, _, _ in group])
                if len(results) != len(group):
                    raise ValueError(f"{len(group)} items, but {len(results)} results")
            except BaseException as error:
                for _, future, _ in group:
                    if not future.done():
                        future.set_exception(_as_exception(error))
                        future.exception()  # a caller that went away is no unhandled error
                if not isinstance(error, Exception):
                    raise
            else:
                for (_, future, _), result in zip(group, results, strict=True):
                    if not future.done():
                        future.set_result(result)
            finally:
                del self._in_hand[id(group)]


def _as_exception(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else ConnectionError("stopped before it was sent")
