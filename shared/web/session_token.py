"""The token that a signed-in person's browser shows: who they are for five minutes, signed.

Pure. Every service reads it with the same key, so none asks another who is calling; what was ended
before its time each keeps in `ended_sessions` (`shared.web.sessions`).
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from shared.web.roles import ROLES

LIFE = timedelta(minutes=5)
"""How long a token is good: a service that hears of nothing refuses after this at the latest."""

_LONGEST = 4096
_DIGEST_TEXT = 43  # 32 bytes in base64 without its padding


class Staff(msgspec.Struct, frozen=True):
    """A person who is signed in: one of `ROLES`; `stores` limits them (None does not), `store` is
    the one of this shift. `csrf` is what their pages send along with each change."""

    id: UUID
    session_id: UUID
    name: str
    role: str
    stores: tuple[str, ...] | None
    store: str | None
    csrf: str
    expires_at: datetime

    def covers(self, store: str) -> bool:
        """Whether they may act for this store at all."""
        return self.stores is None or store in self.stores


class Refused(Exception):
    """This is no token of ours."""


class Unsigned(Refused):
    """Nothing that this key has signed."""


class Expired(Refused):
    """It was good once: the session may still live, and give another."""


def derived(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose; those of others do not follow from it."""
    return hmac.new(secret.encode(), b"tamaru." + purpose.encode(), hashlib.sha256).digest()


def csrf_of(secret: str, session_id: UUID) -> str:
    """What changes need besides the cookie: the same for a session's life, another for the next."""
    return _text(hmac.new(derived(secret, "csrf"), session_id.bytes, hashlib.sha256).digest())


def sign(staff: Staff, secret: str) -> str:
    """The token: URL-safe text, fit for a cookie."""
    payload = _text(msgspec.json.encode(staff))
    return f"{payload}.{_signature(payload, secret)}"


def read(token: str, secret: str, now: datetime) -> Staff:
    """Who shows this. Raises Expired, or Refused for anything that we did not sign so: Unsigned
    where another key might have."""
    payload, _, signature = token.rpartition(".")
    if not (0 < len(token) <= _LONGEST and token.isascii() and len(signature) == _DIGEST_TEXT):
        raise Refused("not a token")
    if not hmac.compare_digest(_signature(payload, secret), signature):
        raise Unsigned("not signed by us")
    try:
        staff = msgspec.json.decode(_bytes(payload), type=Staff)
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, ValueError) as problem:
        raise Refused("signed, and of another form") from problem
    if staff.role not in ROLES:
        raise Refused("of no role that there is")
    if staff.expires_at <= now:
        raise Expired("over")
    return staff


def _signature(payload: str, secret: str) -> str:
    key = derived(secret, "staff-token")
    return _text(hmac.new(key, payload.encode(), hashlib.sha256).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
