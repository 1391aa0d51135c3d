"""A purchase's id follows from the terminal and its Idempotency-Key.

So whoever accepts it needs no lookup to answer a repeat with the same id, and whoever is asked for
an id can tell one that is genuine but has not arrived yet from one that was made up: the last 6
bytes are a MAC of the first 10. The result is a UUID of version 8 (RFC 9562: free form).
"""

import hashlib
import hmac
from uuid import UUID

_MADE = 10
_VERSION_BITS = (0xF000 << 64) | (0xC000 << 48)
_VERSION = (0x8000 << 64) | (0x8000 << 48)


def purchase_id(secret: bytes, terminal_id: UUID, idempotency_key: str) -> UUID:
    """The id of what this terminal posts under this key."""
    made = hashlib.sha256(terminal_id.bytes + idempotency_key.encode()).digest()[:_MADE]
    return _with_mac(secret, _versioned(made + bytes(6))[:_MADE])


def is_genuine(secret: bytes, id: UUID) -> bool:
    """Whether `purchase_id` made this id."""
    return hmac.compare_digest(_with_mac(secret, id.bytes[:_MADE]).bytes, id.bytes)


def under(secret: bytes, id: UUID) -> UUID:
    """The id that the same purchase has under another secret."""
    return _with_mac(secret, id.bytes[:_MADE])


def _with_mac(secret: bytes, made: bytes) -> UUID:
    mac = hmac.digest(secret, made, "sha256")[:6]
    return UUID(bytes=_versioned(made + mac))


def _versioned(raw: bytes) -> bytes:
    value = int.from_bytes(raw) & ~_VERSION_BITS | _VERSION
    return value.to_bytes(16)
