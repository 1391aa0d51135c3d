"""`Prefer: wait`: a caller who waits for the points of a purchase (RFC 7240).

Points answers through the process's own reply queue, best effort. What does not come in time is no
error: the caller gets a 202, and may ask again.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

import msgspec

from shared import logs
from shared.events import PurchaseAnswer

log = logs.logger(__name__)

LONGEST_SECONDS = 10

_wait = re.compile(
    rb"""(?:^|,)\s*wait\s*=\s*(?:"\s*([0-9]{1,9})\s*"|([0-9]{1,9}))\s*(?=[,;]|$)""", re.IGNORECASE
)
_answers = msgspec.json.Decoder(list[PurchaseAnswer])


def seconds_to_wait(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The seconds that a `Prefer` header asks for, at most 10; 0 when none does.

    The first `wait` counts; what cannot be read is ignored, as the RFC demands.
    """
    text = b",".join(value for name, value in headers if name == b"prefer")
    found = _wait.search(text)
    if found is None:
        return 0
    return min(int(found[1] or found[2]), LONGEST_SECONDS)


class Waiting:
    """Who waits for which purchase."""

    def __init__(self) -> None:
        self._waiters: dict[UUID, list[asyncio.Future[PurchaseAnswer]]] = {}

    @contextmanager
    def expect(self, purchase_id: UUID) -> "Iterator[asyncio.Future[PurchaseAnswer]]":
        """A future for the answer; begin before the purchase is published."""
        future: asyncio.Future[PurchaseAnswer] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(purchase_id, [])
        waiters.append(future)
        try:
            yield future
        finally:
            waiters.remove(future)
            if not waiters:
                self._waiters.pop(purchase_id, None)

    def receive(self, body: bytes) -> None:
        """A message of the reply queue: answers, some of which nobody waits for any more."""
        try:
            answers = _answers.decode(body)
        except msgspec.MsgspecError as problem:
            log.error("an answer that cannot be read", problem=str(problem))
            return
        for answer in answers:
            for future in self._waiters.get(answer.id, ()):
                if not future.done():
                    future.set_result(answer)


async def answer_within(
    future: "asyncio.Future[PurchaseAnswer]", seconds: float
) -> PurchaseAnswer | None:
    """The answer, or None if it does not come in time."""
    try:
        async with asyncio.timeout(seconds):
            return await future
    except TimeoutError:
        return None
