"""Which sends were already accepted, by retry key, for 24 hours.

Owns the memory of accepted keys; a request that failed is never remembered.
"""

import re
from collections import OrderedDict
from typing import NamedTuple

RETRY_KEY_SECONDS = 24 * 3600.0
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}").fullmatch


class Accepted(NamedTuple):
    """What was answered when the key was first accepted."""

    until: float
    request_id: str
    body: bytes


def is_retry_key(text: str) -> bool:
    """LINE takes a UUID in hexadecimal notation with hyphens, and nothing else."""
    return _UUID(text) is not None


class RetryKeys:
    def __init__(self) -> None:
        self._accepted: OrderedDict[str, Accepted] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accepted)

    def find(self, key: str, at: float) -> Accepted | None:
        found = self._accepted.get(key.lower())
        return found if found and at < found.until else None

    def remember(self, key: str, request_id: str, body: bytes, at: float) -> None:
        self._drop_expired(at)
        entry = Accepted(at + RETRY_KEY_SECONDS, request_id, body)
        self._accepted[key.lower()] = entry
        self._accepted.move_to_end(key.lower())

    def clear(self) -> None:
        self._accepted.clear()

    def _drop_expired(self, at: float) -> None:
        while self._accepted and next(iter(self._accepted.values())).until <= at:
            self._accepted.popitem(last=False)
