"""What follows from an answer, or from none: over, again later, a rest. Pure."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

DELAYS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""How long to wait after the n-th try; after one more it has failed."""

GIVEN_UP_AFTER = timedelta(days=3)
"""An endpoint that nothing succeeded at for so long is paused."""

LONGEST_REST = timedelta(minutes=1)
LONGEST_WISH = timedelta(hours=1)
"""The most that a Retry-After is heeded."""

RESTS_AFTER = 3
"""So many failures in a row, and the endpoint is left in peace for a moment."""

GONE = 410


class Answer(NamedTuple):
    """What came of one try. No `status`: no answer, and `problem` says why. `text` is the first
    of the answer's body, `wait` what its Retry-After asks for."""

    at: datetime
    milliseconds: int
    status: int | None = None
    text: str | None = None
    problem: str | None = None
    wait: timedelta | None = None

    @property
    def is_good(self) -> bool:
        """Whether the receiver has it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def words(self) -> str:
        """What went wrong, in few words."""
        return f"answered {self.status}" if self.status else self.problem or "no answer"


class Tried(msgspec.Struct, omit_defaults=True):
    """One try, as the delivery log keeps it."""

    at: datetime
    duration_ms: int
    status_code: int | None = None
    answer: str | None = None
    problem: str | None = None


class Record(msgspec.Struct):
    """What to write down of a delivery. `tried` is None when it was only put back."""

    endpoint_id: UUID
    message_id: UUID
    status: str
    tries: int
    due_at: datetime | None
    finished_at: datetime | None = None
    tried: Tried | None = None


class Verdict(NamedTuple):
    """What to write down of an endpoint after a try."""

    endpoint_id: UUID
    at: datetime
    good: bool
    gone: bool
    reason: str


def put_back(endpoint_id: UUID, message_id: UUID, tries: int, due_at: datetime) -> Record:
    """Not tried this time."""
    return Record(endpoint_id, message_id, "waiting", tries, due_at)


def after(
    endpoint_id: UUID, message_id: UUID, tries: int, answer: Answer, now: datetime, spread: float
) -> Record:
    """What to write down after a try. `tries` were before it; `spread` (0 to 1) lengthens the
    delay by up to a tenth, so that what failed together does not come back together."""
    tried = Tried(answer.at, answer.milliseconds, answer.status, answer.text, answer.problem)
    if answer.is_good:
        return Record(endpoint_id, message_id, "delivered", tries + 1, None, now, tried)
    if answer.status == GONE:  # it waits: if the endpoint is switched on again, it goes out
        return Record(endpoint_id, message_id, "waiting", tries + 1, now, None, tried)
    if tries >= len(DELAYS):
        return Record(endpoint_id, message_id, "failed", tries + 1, None, now, tried)
    wait = max(DELAYS[tries] * (1 + spread / 10), answer.wait or timedelta(0))
    return Record(endpoint_id, message_id, "waiting", tries + 1, now + wait, None, tried)


def verdict(endpoint_id: UUID, answer: Answer) -> Verdict:
    """What a try says of its endpoint."""
    gone = answer.status == GONE
    return Verdict(endpoint_id, answer.at, answer.is_good, gone, answer.words)


def rest(failures: int, answer: Answer) -> timedelta:
    """How long to leave an endpoint in peace after so many failures in a row (0: none)."""
    if answer.status == GONE:
        return LONGEST_REST
    asked = answer.wait or timedelta(0)
    if failures < RESTS_AFTER:
        return asked
    doublings: int = 2 ** min(failures - RESTS_AFTER, 10)
    return max(asked, min(timedelta(seconds=1) * doublings, LONGEST_REST))


def wish(retry_after: str | None, now: datetime) -> timedelta | None:
    """What a Retry-After header asks for: seconds, or a date (RFC 9110), within bounds."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        wait = timedelta(seconds=min(int(retry_after.strip()[:9]), 1_000_000))
    else:
        try:
            wait = parsedate_to_datetime(retry_after) - now
        except (ValueError, TypeError):  # TypeError: a date without an offset
            return None
    return max(timedelta(0), min(wait, LONGEST_WISH))


def share(endpoints: int, per_endpoint: int, in_total: int) -> int:
    """How many requests one of so many endpoints may have open, so that none starves."""
    return max(1, min(per_endpoint, in_total // max(1, endpoints)))
