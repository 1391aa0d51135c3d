"""The member's rotating QR: who, when, signed.

Owns the token's form and how long it is good. Must not know members, or who used a token first.

`T1.<base32 of member id (16 bytes) and step (4)>.<base32 of the first 10 bytes of its HMAC>`: only
characters of a QR's alphanumeric mode, so the picture stays coarse and quick to scan.
"""

import base64
import hashlib
import hmac
import re
from datetime import datetime
from uuid import UUID

STEP_SECONDS = 30
_FORM = re.compile(r"T1\.([A-Z2-7]{32})\.([A-Z2-7]{16})", re.ASCII)


class Refused(ValueError):
    """A token that names nobody; Expired or Forged."""


class Expired(Refused):
    """Genuine, but not of this or the previous step: show the code again."""


class Forged(Refused):
    """Not a token of ours, or changed on the way."""


def make(key: bytes, member_id: UUID, at: datetime) -> str:
    """The token for a member at a moment (aware); good for 30 to 60 seconds."""
    content = member_id.bytes + _step(at).to_bytes(4, "big")
    return f"T1.{_text(content)}.{_text(_mac(key, content))}"


def read(key: bytes, token: str, accepted_at: datetime) -> UUID:
    """The member whose token was accepted at that moment (aware); raises Forged or Expired.

    Spaces around it and small letters are forgiven, as some wedge scanners make them.
    """
    member_id, step = _opened(key, token)
    if _step(accepted_at) - step not in (0, 1):
        raise Expired("the code has changed since; show it again")
    return member_id


def member(key: bytes, token: str) -> UUID:
    """The member that a genuine token names, however old it is; raises Forged."""
    return _opened(key, token)[0]


def _opened(key: bytes, token: str) -> tuple[UUID, int]:
    form = _FORM.fullmatch(token.strip().upper())
    if form is None:
        raise Forged("this is not a member's code")
    content, mac = map(base64.b32decode, form.groups())
    if not hmac.compare_digest(mac, _mac(key, content)):
        raise Forged("this is not a member's code")
    return UUID(bytes=content[:16]), int.from_bytes(content[16:], "big")


def _step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, b"tamaru.member-qr.T1." + content, hashlib.sha256).digest()[:10]


def _text(content: bytes) -> str:
    return base64.b32encode(content).decode()
