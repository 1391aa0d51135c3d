"""What people who are signed in change is told, in the transaction of the change: `staff.acted`;
what the owner's systems change by an owner key, as `key.acted`. Tills' keys are not told: what they
do stands in the ledger.

A handler says what it changed by `audited` or, where no value may be kept, `audited_fields`;
without that, what was sent stands in its place.
Neither holds a secret, or what names a person or was written about one: of such fields it is told
only that they were given, so that erasing a member leaves nothing behind here.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from fastapi import Request

from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Batch
from shared.events import KeyActed, StaffActed, new_event
from shared.web.session_token import Staff

HIDDEN = "…"
MOST_TEXT = 200
MOST_BYTES = 16_000

_PLAIN = re.compile(r"[A-Za-z0-9_.:/+*@ -]{0,64}")
"""Codes, dates and addresses of ours: what a field holds that is no free text."""

_NEVER = re.compile(
    r"secret|password|pin$|token|^key$|_key$|hash|phone|external_id|line_user_id|^qr$|email|login"
    r"|birthday|^fields$|^note$|reason|^card$|display_name|^totp"
)
"""Fields that are secrets or about a person, by their names, whatever is in them."""


def audited(request: Request, target: str, *, before: Any, after: Any) -> None:
    """Say what this call changes: `target` as `member:<id>`; `before` and `after` are plain values
    (dicts, lists, texts, numbers) of what differs, None where there was or is nothing. The last
    word wins."""
    request.state.audit = (target, before, after)


def audited_fields(request: Request, target: str, names: Iterable[str]) -> None:
    """Say which fields this call changes, where neither value may be kept: secrets, and what is
    about a person."""
    audited(request, target, before=None, after={"changed": sorted(names)})


async def tell(request: Request, batch: Batch) -> None:
    """Emit what somebody who is signed in, or an owner key, did; nothing for other keys, and
    nothing for a call that was made before."""
    staff: Staff | None = getattr(request.state, "staff", None)
    caller: Key | None = getattr(request.state, "caller", None)
    if batch.repeated or (staff is None and (caller is None or caller.kind != "owner")):
        return
    target, before, after = getattr(request.state, "audit", None) or (
        target_of(request),
        None,
        without_words(await _sent(request)),
    )
    what = {
        "service": request.app.state.name,
        "act": f"{request.method} {request.scope['route'].path}",
        "at": clock.now(),
        "target": target[:MOST_TEXT],
        "before": _kept(before),
        "after": _kept(after),
    }
    batch.emit(new_event(f"/{request.app.state.name}", _told(staff, caller, what)))


def _told(staff: Staff | None, caller: Key | None, what: dict[str, Any]) -> StaffActed | KeyActed:
    if staff is not None:
        return StaffActed(staff.id, staff.session_id, staff.role, store=staff.store, **what)
    assert caller is not None  # noqa: S101 - one of the two acted
    return KeyActed(key_id=caller.id, **what)


def target_of(request: Request) -> str:
    """What an address is about: `member:<id>`, `purchase:<id>` …, else the address itself."""
    named = request.path_params
    found = [name for name in named if name.endswith("_id")]
    if found:
        return f"{found[0].removesuffix('_id')}:{named[found[0]]}"
    return request.url.path.removeprefix("/v1/")


def without_secrets(value: Any) -> Any:
    """The value with what must never be kept hidden."""
    if isinstance(value, dict):
        return {str(name): _field(str(name), each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each) for each in value]
    return value


def _field(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):  # whether there is one is no secret
        return value
    return HIDDEN if _NEVER.search(name) else without_secrets(value)


def without_words(value: Any) -> Any:
    """The value with free text hidden, and codes: nobody has looked at what may be in it."""
    if isinstance(value, dict):
        return {
            str(name)[:64]: HIDDEN if name == "code" else without_words(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [without_words(each) for each in value]
    return HIDDEN if isinstance(value, str) and not _PLAIN.fullmatch(value) else value


async def _sent(request: Request) -> Any:
    """The body as it was sent, if it was JSON; it was read before, so this waits for nobody."""
    try:
        return msgspec.json.decode(await request.body())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, RuntimeError):
        return None


def _kept(value: Any) -> Any:
    """What is told of it: plain JSON, without what must never be kept, and not without end."""
    encoded = msgspec.json.encode(without_secrets(value))
    if len(encoded) > MOST_BYTES:
        return {HIDDEN: f"{len(encoded)} bytes"}
    return msgspec.json.decode(encoded)
