"""From the way a request names a member or a store to who or what is meant, or a clear refusal."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from services.points.errors import BadReference, CodeRefused
from services.points.members import codes, references
from services.points.members.references import Named
from services.points.store import terminals
from services.points.web.schemas import Text
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.events import MemberRef
from shared.problems import Problem


class MemberName(BaseModel):
    """A member, named in exactly one way; `line_user_id` with an owner key."""

    model_config = ConfigDict(extra="forbid")

    id: Text | None = None
    card: Text | None = None
    qr: Text | None = None
    external_id: Text | None = None
    phone: Text | None = None
    line_user_id: Text | None = None


async def member(request: Request, connection: Connection, key: Key, name: MemberName) -> UUID:
    """The id of the member that is meant."""
    given = name.model_dump(exclude_none=True)
    if len(given) != 1:
        ways = ", ".join(MemberName.model_fields)
        raise Problem(422, "one-reference", f"Name the member in exactly one way: {ways}.")
    if name.line_user_id is not None and key.kind != "owner":
        raise Problem(403, "owner-only", "Only an owner key may name a member by line_user_id.")
    return await find(request, connection, key, MemberRef(**given))


async def find(request: Request, connection: Connection, key: Key, ref: MemberRef) -> UUID:
    """The id of the member behind a reference. A rotating QR is bound to the key that shows it
    first."""
    reference = await _reference(request, connection, key, ref)
    found = await references.resolve(connection, [reference])
    if reference not in found:
        if await references.of_lost_cards(connection, [reference]):
            raise replaced()
        raise nobody()
    return found[reference].id


async def store(connection: Connection, key: Key, code: str) -> str:
    """The code of a store that there is and where the key may act."""
    if not key.covers(code):
        raise _other_store(key)
    if not await terminals.has_store(connection, code):
        raise Problem(
            422,
            "unknown-store",
            f"There is no store with the code {code!r}. Check the till's settings.",
            errors=[("store", "is not the code of a store")],
        )
    return code


def require_store(key: Key, code: str | None) -> None:
    """Of what somebody who is signed in names by its id: it must be of a store of theirs. What
    tills name so was theirs to begin with. Raises Problem 403."""
    if key.role is not None and code is not None and not key.covers(code):
        raise _other_store(key)


def _other_store(key: Key) -> Problem:
    only = ", ".join(key.stores or ()) if key.role not in (None, "staff") else key.store
    return Problem(403, "other-store", f"You may act for this store only: {only}.")


def id_of(text: str) -> UUID:
    """The id of a member in an address; 404 if it cannot be one."""
    try:
        return UUID(text)
    except ValueError:
        raise nobody() from None


def nobody() -> Problem:
    """Nobody is named so."""
    return Problem(404, "unknown-member", "No member is named by this. Check the number or id.")


def replaced() -> Problem:
    """The card was replaced: whoever shows it is not to be served."""
    return Problem(
        422,
        "card-replaced",
        "このカードは再発行済みのため使えません。新しいカードのご提示をお願いしてください。"
        " This card was replaced by a new one. Ask for the new card.",
    )


async def _reference(request: Request, connection: Connection, key: Key, ref: MemberRef) -> Named:
    try:
        if ref.qr is None:
            return references.named(ref)
        keys = request.app.state.settings.qr_keys
        shown = codes.Shown(ref.qr, key.id, clock.now())
        admitted = (await codes.admit(connection, keys, [shown]))[0]
        if isinstance(admitted, BadReference):
            raise admitted
    except CodeRefused as refused:
        words = f"{refused.ja}。 {refused.en}."
        raise Problem(422, "bad-member-reference", words, reason=refused.kind) from None
    except BadReference as problem:
        raise Problem(422, "bad-member-reference", f"{problem}.") from None
    return "id", str(admitted)
