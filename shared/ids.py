"""Ids. New ones are time-ordered (UUID version 7, RFC 9562), so that indexes grow at one end;
ids that must follow from something are derived (version 5) and come out the same every time."""

import random
import time
import uuid
from datetime import UTC, datetime

_NAMESPACE = uuid.UUID("7a6d9c1e-0f5b-5c0a-9a55-7e4a6d617275")
_last_millisecond = 0
_counter = 0
_VARIANT = 0x8000_0000_0000_0000


def new_id() -> uuid.UUID:
    """A UUIDv7, strictly increasing within this process.

    The 12 bits after the milliseconds are a counter (RFC 9562 section 6.2, method 1); when it
    overflows, the next millisecond is borrowed.
    """
    global _last_millisecond, _counter
    millisecond = time.time_ns() // 1_000_000
    if millisecond <= _last_millisecond:
        _counter += 1
        if _counter > 0xFFF:
            _last_millisecond += 1
            _counter = 0
    else:
        _last_millisecond = millisecond
        _counter = 0
    tail = _VARIANT | random.getrandbits(62)
    return uuid.UUID(int=_last_millisecond << 80 | (0x7000 | _counter) << 64 | tail)


def made_at(id: uuid.UUID) -> datetime:
    """When a `new_id` was made, to the millisecond, by the system's clock."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


def derived_id(*parts: str) -> uuid.UUID:
    """The id that follows from `parts`: the same parts give the same id everywhere."""
    return uuid.uuid5(_NAMESPACE, "\x1f".join(parts))
