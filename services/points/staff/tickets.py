"""Notes that a browser carries from one step of signing in to a later one: signed. Pure."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from shared.keys import Keys
from shared.web.session_token import derived

LIFE = timedelta(minutes=10)
LONGEST = 3000

Note = TypeVar("Note", bound=msgspec.Struct)


class _Ticket(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    expires_at: datetime
    note: msgspec.Raw


def write(key: str, note: msgspec.Struct, now: datetime, life: timedelta = LIFE) -> str:
    """`note` as text for a cookie, good for `life`, and only where its kind is asked for."""
    kind = type(note).__name__
    ticket = _Ticket(kind, now + life, msgspec.Raw(msgspec.json.encode(note)))
    payload = base64.urlsafe_b64encode(msgspec.json.encode(ticket)).decode()
    return f"{payload}.{_signature(key, payload)}"


def read(keys: Keys[str], text: str, kind: type[Note], now: datetime) -> Note | None:
    """The note of this kind; None for one that is over, of another kind, or not ours."""
    payload, _, signature = text.rpartition(".")
    if len(text) > LONGEST or not text.isascii():
        return None
    known = (_signature(key, payload) for key in keys.all)
    if not any(hmac.compare_digest(each, signature) for each in known):
        return None
    try:
        ticket = msgspec.json.decode(base64.urlsafe_b64decode(payload), type=_Ticket)
        if ticket.kind != kind.__name__ or ticket.expires_at <= now:
            return None
        return msgspec.json.decode(ticket.note, type=kind)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return None


def _signature(key: str, payload: str) -> str:
    return hmac.new(derived(key, "ticket"), payload.encode(), hashlib.sha256).hexdigest()
