"""Links that let somebody in, once: with the role and the stores that an owner decided.

We send no mail: whoever invites shows the link or its QR code. The code follows from the
invitation's id and SESSION_KEY, so it can be shown again until it is used; the database knows its
hash only. A link may also be for somebody who works here already and needs another password.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from services.points.errors import LinkOver, LoginTaken
from services.points.staff import people, sessions
from services.points.store import staff as person_store
from services.points.store import staff_invitations as store
from services.points.store.staff import Person
from services.points.store.staff_invitations import Invitation
from shared import clock, ids
from shared.bus.handling import Batch, Connection
from shared.keys import Keys
from shared.web.session_token import derived

LIFE = timedelta(days=3)


async def invite(
    batch: Batch,
    key: str,
    *,
    id: UUID,
    name: str,
    role: str,
    stores: Sequence[str] | None,
    invited_by: UUID | None,
) -> Invitation:
    """Invite somebody. Raises UnknownStore."""
    if role == "owner":
        stores = None
    await people.require_stores(batch.connection, stores)
    return await _add(batch.connection, key, id, name, role, stores, invited_by, None)


async def new_password_link(
    batch: Batch, key: str, person: Person, *, id: UUID, invited_by: UUID | None
) -> Invitation:
    """A link by which somebody who works here chooses another password; earlier ones are over."""
    await store.withdraw_of(batch.connection, person.id, clock.now())
    stores = person.stores
    return await _add(
        batch.connection, key, id, person.name, person.role, stores, invited_by, person.id
    )


async def _add(
    connection: Connection,
    key: str,
    id: UUID,
    name: str,
    role: str,
    stores: Sequence[str] | None,
    invited_by: UUID | None,
    staff_id: UUID | None,
) -> Invitation:
    now = clock.now()
    invitation = Invitation(
        id=id,
        code_hash=hash_of(code_of(key, id)),
        name=name,
        role=role,
        stores=None if stores is None else list(stores),
        invited_by=invited_by,
        created_at=now,
        expires_at=now + LIFE,
        staff_id=staff_id,
    )
    await store.add(connection, invitation)
    return invitation


async def find(connection: Connection, code: str) -> Invitation:
    """The invitation behind a link that is still good. Raises LinkOver."""
    found = await store.by_code(connection, hash_of(code), clock.now())
    if found is None:
        raise LinkOver("this link was used, has expired, or was withdrawn")
    return found


async def accept(
    batch: Batch,
    code: str,
    *,
    login: str | None = None,
    password_hash: str | None = None,
    line_user_id: str | None = None,
) -> Person:
    """Use the link up: somebody new works here, or somebody has another password.

    Raises LinkOver, also for the second of two at the same moment; LoginTaken, and the link stays
    good. `password_hash` or `line_user_id` must be given."""
    now = clock.now()
    used = await store.use(batch.connection, hash_of(code), now)
    if used is None:
        raise LinkOver("this link was used, has expired, or was withdrawn")
    if used.staff_id is not None:
        id = used.staff_id
        await _renew(batch, id, login, password_hash, line_user_id)
    else:
        id = ids.new_id()
        added = await person_store.add(
            batch.connection,
            id=id,
            login=login,
            name=used.name,
            role=used.role,
            stores=used.stores,
            now=now,
            password_hash=password_hash,
            line_user_id=line_user_id,
        )
        if not added:
            raise LoginTaken("somebody signs in with this already")
    await store.used_by(batch.connection, used.id, id)
    person = await person_store.by_id(batch.connection, id, lock=True)
    if person is None or not person.active:
        raise LinkOver("whom this link was for works here no more")
    return person


async def _renew(
    batch: Batch, id: UUID, login: str | None, password_hash: str | None, line: str | None
) -> None:
    now = clock.now()
    if login and not await person_store.put_login(batch.connection, id, login, now):
        raise LoginTaken("somebody signs in with this already")
    if password_hash:
        await people.put_password(batch, id, password_hash)
    if line:
        if not await person_store.put_line(batch.connection, id, line, now):
            raise LoginTaken("somebody signs in with this LINE account already")
        await sessions.end_all_of(batch, id)


def code_again(keys: Keys[str], invitation: Invitation) -> str | None:
    """What a link ends with, to show it once more; None when it was made under a key that is gone,
    though it still lets in."""
    codes = (code_of(key, invitation.id) for key in keys.all)
    return next((code for code in codes if hash_of(code) == invitation.code_hash), None)


def code_of(key: str, id: UUID) -> str:
    """What the link ends with."""
    digest = hmac.digest(derived(key, "invitation"), id.bytes, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def hash_of(code: str) -> str:
    """What is kept of a code."""
    return hashlib.sha256(code.encode()).hexdigest()
