"""One-time codes that link a card to a LINE account: made at the till, typed in the chat.

Six digits are few, so a code lives for minutes, is used once, is stored as a keyed hash only, and
whoever tries wrong ones is made to wait. The nonces of LINE's own account link are kept here too.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.points.errors import NotLinkable
from services.points.members import membership
from services.points.store import links as store
from shared import clock
from shared.bus.handling import Batch, Connection
from shared.keys import Keys

CODE_LIVES = timedelta(minutes=10)
NONCE_LIVES = timedelta(minutes=10)
TRIES = 5
TRIES_IN = timedelta(hours=1)
_DRAWS = 20

_FORM = re.compile(r"(?:(?:カード)?連携|link)?[\s:]*([0-9]{3})[\s-]?([0-9]{3})", re.IGNORECASE)


class Issued(msgspec.Struct, frozen=True):
    """A code and until when it is good; `draw` and the request's id make it again."""

    code: str
    draw: int
    expires_at: datetime


def typed(text: str) -> str | None:
    """The code in a chat message: alone, or behind 連携 or link; whatever the width."""
    found = _FORM.fullmatch(unicodedata.normalize("NFKC", text[:40]).strip())
    return "".join(found.groups()) if found and len(text) <= 40 else None


def code_of(key: bytes, request: UUID, draw: int) -> str:
    """The code of a request: the same whenever the request is repeated, unguessable without the
    key."""
    mac = hmac.digest(key, b"tamaru.link-code." + request.bytes + bytes([draw]), "sha256")
    return f"{int.from_bytes(mac[:8], 'big') % 10**6:06d}"


async def issue(batch: Batch, key: bytes, request: UUID, member: UUID) -> Issued:
    """A code for a member; an earlier one is good no more.

    Raises MemberGone, and NotLinkable for who is suspended or linked to LINE already.
    """
    row, _ = await membership.locked(batch, member)
    require_linkable(row.status, row.line_user_id)
    now = clock.now()
    await store.drop_code(batch.connection, member)
    for draw in range(_DRAWS):
        issued = Issued(code_of(key, request, draw), draw, now + CODE_LIVES)
        if await store.add_code(
            batch.connection, _hash(key, issued.code), member, issued.expires_at, now
        ):
            return issued
    raise NotLinkable("too_many_codes")


def require_linkable(status: str, line_user_id: str | None) -> None:
    """Raises NotLinkable for a card's member who cannot be linked."""
    if line_user_id is not None:
        raise NotLinkable("card_has_line")
    if status != "active":
        raise NotLinkable("suspended")


async def owner_of(
    connection: Connection, keys: Keys[bytes], who: str, code: str, now: datetime
) -> UUID | None:
    """Whose code it is; None, and noted against `who`, if it is nobody's. `hold` makes sure of it,
    `use` ends it.

    Raises NotLinkable for somebody who tried too many wrong ones.
    """
    await require_tries(connection, who, now)
    found = await find(connection, keys, code, now)
    if found is None:
        await store.tried(connection, who, now)
    return found


async def find(connection: Connection, keys: Keys[bytes], code: str, now: datetime) -> UUID | None:
    """Whose code it is; whoever asks counts the tries."""
    return await store.code(connection, _hashes(keys, code), now)


async def hold(
    connection: Connection, keys: Keys[bytes], code: str, member: UUID, now: datetime
) -> None:
    """Make sure that a code is still this member's, and nobody else's to use. Accounts are locked
    before. Raises NotLinkable."""
    if not await store.hold_code(connection, _hashes(keys, code), now, member):
        raise NotLinkable("wrong_code")


async def use(connection: Connection, keys: Keys[bytes], code: str) -> bool:
    """End a code; False if somebody else used it meanwhile."""
    return await store.use_code(connection, _hashes(keys, code))


async def require_tries(connection: Connection, who: str, now: datetime, most: int = TRIES) -> None:
    """Raises NotLinkable when so many wrong tries were made within the hour."""
    if await store.tries(connection, who, now - TRIES_IN) >= most:
        raise NotLinkable("too_many_tries")


async def new_nonce(connection: Connection, member: UUID, now: datetime) -> str:
    """A nonce for LINE's account link: 192 bits, good once."""
    nonce = secrets.token_urlsafe(24)
    await store.add_nonce(connection, _plain_hash(nonce), member, now + NONCE_LIVES)
    return nonce


async def use_nonce(connection: Connection, nonce: str, now: datetime) -> UUID | None:
    """Whom a nonce stands for, if it is good; it is good no more."""
    return await store.use_nonce(connection, _plain_hash(nonce), now)


def _hashes(keys: Keys[bytes], code: str) -> list[str]:
    return [_hash(key, code) for key in keys.all]


def _hash(key: bytes, code: str) -> str:
    return hmac.new(key, b"tamaru.link-code.stored." + code.encode(), hashlib.sha256).hexdigest()


def _plain_hash(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
