"""Values locked away under a key that is not in the database: AES-256-GCM; and marks, by which one
is found without being there (HMAC-SHA256). Pure.

Each person has a data key of their own, locked away itself under the installation's key. A value
is locked together with its place, so that nobody who can write to the database moves it elsewhere
unseen. Whose data key is destroyed can be read by nobody any more, wherever a copy lies.
"""

import hashlib
import hmac
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"
"""Before everything locked away, so that another way to lock can follow this one."""

_MARK = 4
_NONCE = 12
_HEAD = len(VERSION) + _MARK
_SHORTEST = _HEAD + _NONCE + 16


class Broken(Exception):
    """Not locked away with this key for this place, or changed since."""


class OtherKey(Broken):
    """Locked away with another key than this one, such as one that was destroyed."""


def new_key() -> bytes:
    """A data key: 32 random bytes."""
    return secrets.token_bytes(32)


def installation_key(setting: str) -> bytes:
    """The key that a setting of at least 32 random characters stands for, of 32 bytes."""
    return hashlib.sha256(b"tamaru personal data " + setting.encode()).digest()


def name_of(key: bytes) -> str:
    """What tells one key from another and nothing of the key itself: kept beside what it locks."""
    return hashlib.sha256(b"tamaru name of a key " + key).hexdigest()[:16]


def place(column: str, owner: UUID) -> bytes:
    """Where a value belongs: `table.column`, and whose it is."""
    return b"%s of %s" % (column.encode(), owner.bytes)


def seal(key: bytes, plain: bytes, place: bytes) -> bytes:
    """`plain`, locked away: version, a mark of the key, nonce, and the rest 16 bytes longer than it
    was."""
    head, nonce = VERSION + _mark(key), secrets.token_bytes(_NONCE)
    return head + nonce + AESGCM(key).encrypt(nonce, plain, head + place)


def unseal(key: bytes, sealed: bytes, place: bytes) -> bytes:
    """What was locked away. Raises Broken, of which OtherKey is one kind."""
    if len(sealed) < _SHORTEST or not sealed.startswith(VERSION):
        raise Broken("nothing that was sealed by this version")
    head, nonce, hidden = sealed[:_HEAD], sealed[_HEAD:][:_NONCE], sealed[_HEAD + _NONCE :]
    if head[len(VERSION) :] != _mark(key):
        raise OtherKey("sealed with another key")
    try:
        return AESGCM(key).decrypt(nonce, hidden, head + place)
    except InvalidTag:
        raise Broken("sealed for another place, or changed since") from None


def mark(key: bytes, plain: str, kind: str, size: int) -> bytes:
    """What stands for a value of a kind, `size` bytes (32 at most): always the same, and of no use
    to whoever has not the key."""
    return hmac.digest(key, f"{kind}: {plain}".encode(), "sha256")[:size]


def _mark(key: bytes) -> bytes:
    """Tells whether it was this key, and nothing of it."""
    return hashlib.sha256(b"tamaru mark of a key " + key).digest()[:_MARK]
