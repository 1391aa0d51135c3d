"""Small secrets locked away: what is in the database is worth nothing without SESSION_KEY. Pure.

A keystream of HMAC-SHA-256 over a random nonce, then a MAC over both under another key (encrypt,
then MAC): for at most 32 bytes, which is all that a one-time secret needs.
"""

import hashlib
import hmac
import secrets

from shared.web.session_token import derived

LONGEST = 32
_NONCE = 16
_TAG = 16


class Broken(Exception):
    """Not sealed with this key, or changed since."""


def seal(key: str, plain: bytes) -> bytes:
    """`plain`, locked away."""
    if len(plain) > LONGEST:
        raise ValueError("too long to seal")
    nonce = secrets.token_bytes(_NONCE)
    hidden = nonce + _mixed(key, nonce, plain)
    return hidden + _tag(key, hidden)


def unseal(key: str, sealed: bytes) -> bytes:
    """What was locked away. Raises Broken."""
    hidden, tag = sealed[:-_TAG], sealed[-_TAG:]
    if len(hidden) < _NONCE or not hmac.compare_digest(_tag(key, hidden), tag):
        raise Broken("sealed with another SESSION_KEY")
    return _mixed(key, hidden[:_NONCE], hidden[_NONCE:])


def _mixed(key: str, nonce: bytes, text: bytes) -> bytes:
    stream = hmac.digest(derived(key, "sealed-stream"), nonce, hashlib.sha256)
    return bytes(a ^ b for a, b in zip(text, stream, strict=False))


def _tag(key: str, hidden: bytes) -> bytes:
    return hmac.digest(derived(key, "sealed-tag"), hidden, hashlib.sha256)[:_TAG]
