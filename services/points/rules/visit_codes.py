"""What a store's QR code says: come here, scan me. On a screen it changes, in print it stays.

Owns the form of both codes and how long one on a screen is good. Must not know stores, or who
scanned what.

`V1.<base32 of the store's id (16 bytes) and step (4)>.<…>` stands on a screen, `P1.<base32 of the
printed code's id>.<…>` in print; the last part is the first 10 bytes of the HMAC.
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.points.rules.qr import STEP_SECONDS, Expired, Forged

_FORM = re.compile(r"(V1\.[A-Z2-7]{32}|P1\.[A-Z2-7]{26})\.([A-Z2-7]{16})", re.ASCII)


class Code(NamedTuple):
    """A genuine code: the store whose screen showed it at `step`, or the printed code it is."""

    store: UUID | None
    step: int
    printed: UUID | None


def on_screen(key: bytes, store: UUID, at: datetime) -> str:
    """The code of a store's screen at a moment (aware); good for 30 to 60 seconds."""
    return _signed(key, "V1", store.bytes + _step(at).to_bytes(4, "big"))


def in_print(key: bytes, id: UUID) -> str:
    """A printed code; good until it is revoked."""
    return _signed(key, "P1", id.bytes)


def changes_at(at: datetime) -> datetime:
    """When the screen shows the next code."""
    return datetime.fromtimestamp((_step(at) + 1) * STEP_SECONDS, UTC)


def read(key: bytes, text: str, at: datetime) -> Code:
    """The code that was opened at that moment (aware). Raises Forged, or Expired for one that the
    screen shows no more."""
    code = genuine(key, text)
    if code.store is not None and _step(at) - code.step not in (0, 1):
        raise Expired("the code on the screen has changed since; scan it again")
    return code


def genuine(key: bytes, text: str) -> Code:
    """The code, however old it is. Raises Forged."""
    form = _FORM.fullmatch(text.strip().upper())
    if form is None:
        raise Forged("this is not a store's code")
    kind, content = form[1][:2], _bytes(form[1][3:])
    if not hmac.compare_digest(_signed(key, kind, content), form[0]):
        raise Forged("this is not a store's code")
    if kind == "P1":
        return Code(None, 0, UUID(bytes=content))
    return Code(UUID(bytes=content[:16]), int.from_bytes(content[16:], "big"), None)


def ticket(key: bytes, text: str, opened_at: datetime) -> str:
    """Says that a code was opened at a moment: for who has to sign in first."""
    seconds = int(opened_at.timestamp())
    return f"{seconds}.{_ticket_mac(key, text, seconds)}"


def opened(key: bytes, text: str, ticket: str, now: datetime, lives: timedelta) -> bool:
    """Whether the ticket says that this code was opened so short a time ago."""
    seconds, _, mac = ticket.partition(".")
    if not re.fullmatch(r"[0-9]{1,12}", seconds, re.ASCII) or not mac.isascii():
        return False
    age = now.timestamp() - int(seconds)
    return hmac.compare_digest(mac, _ticket_mac(key, text, int(seconds))) and (
        -1 <= age <= lives.total_seconds()
    )


def _signed(key: bytes, kind: str, content: bytes) -> str:
    mac = hmac.digest(key, f"tamaru.visit.{kind}.".encode() + content, "sha256")[:10]
    return f"{kind}.{_text(content)}.{_text(mac)}"


def _ticket_mac(key: bytes, text: str, seconds: int) -> str:
    said = f"tamaru.visit.ticket.{seconds}.{text.strip().upper()}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()[:32]


def _step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def _text(content: bytes) -> str:
    return base64.b32encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))
