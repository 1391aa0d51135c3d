"""One-time codes of an authenticator app (RFC 6238: SHA-1, 6 digits, 30 seconds). Pure."""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
_AROUND = (0, -1, 1)
"""Steps that are taken besides the present one: clocks differ, and people type slowly."""


def step_at(now: datetime) -> int:
    """The number of the 30 seconds that `now` is in."""
    return int(now.timestamp()) // STEP_SECONDS


def code(secret: bytes, step: int) -> str:
    """The code of a step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: bytes, typed: str, now: datetime, after: int) -> int | None:
    """The step whose code was typed, later than `after`, the last one that was used; else None."""
    here = step_at(now)
    fitting = [
        here + off
        for off in _AROUND
        if here + off > after
        and hmac.compare_digest(code(secret, here + off).encode(), typed.encode("utf-8", "replace"))
    ]
    return fitting[0] if fitting else None


def text_of(secret: bytes) -> str:
    """The secret as people type it where they cannot scan."""
    return base64.b32encode(secret).decode().rstrip("=")


def address(secret: bytes, login: str) -> str:
    """What the app scans."""
    given = {"secret": text_of(secret), "issuer": "Tamaru", "digits": DIGITS}
    return f"otpauth://totp/{quote(f'Tamaru:{login}')}?{urlencode(given)}"
