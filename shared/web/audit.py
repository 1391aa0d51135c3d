"""What people who are signed in change is told, in the transaction of the change: `staff.acted`.

A handler says what it changed by `audited`; without that, what was sent stands in its place.
Neither holds a secret, or what names a person or was written about one: of such fields it is told
only that they were given, so that erasing a member leaves nothing behind here.
"""

import re
from typing import Any

import msgspec
from fastapi import Request

from shared import clock
from shared.bus.handling import Batch
from shared.events import StaffActed, new_event
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


def audited(request: Request, target: str, *, before: Any = None, after: Any = None) -> None:
    """Say what this call changes: `target` as `member:<id>`; `before` and `after` are plain values
    (dicts, lists, texts, numbers) of what differs. The last word wins; API keys' calls say nothing.
    """
    request.state.audit = (target, before, after)


async def tell(request: Request, batch: Batch) -> None:
    """Emit what the person who is signed in did; nothing for an API key."""
    staff: Staff | None = getattr(request.state, "staff", None)
    if staff is None or batch.repeated:
        return
    target, before, after = getattr(request.state, "audit", None) or (
        target_of(request),
        None,
        without_words(await _sent(request)),
    )
    told = StaffActed(
        staff_id=staff.id,
        session_id=staff.session_id,
        role=staff.role,
        service=request.app.state.name,
        act=f"{request.method} {request.scope['route'].path}",
        at=clock.now(),
        target=target[:MOST_TEXT],
        before=_kept(before),
        after=_kept(after),
        store=staff.store,
    )
    batch.emit(new_event(f"/{request.app.state.name}", told))


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
    return HIDDEN if value is not None and _NEVER.search(name) else without_secrets(value)


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
