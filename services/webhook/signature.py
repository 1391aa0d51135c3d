"""LINE's signature: base64 of HMAC-SHA256 over the raw body, by the channel secret.

Must see the bytes exactly as they came, before anything parses them.
"""

import base64
import hmac


def sign(secret: bytes, body: bytes) -> bytes:
    """The value of `x-line-signature` for this body."""
    return base64.b64encode(hmac.digest(secret, body, "sha256"))


def is_signed(secret: bytes, body: bytes, signature: bytes | None) -> bool:
    """Whether `signature` is right, compared in constant time."""
    return signature is not None and hmac.compare_digest(sign(secret, body), signature)
