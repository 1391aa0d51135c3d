"""What the endpoints stand on, and how a request is read: headers, key, body within its limit."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from services.webhook.brake import Brake
from services.webhook.gate import Gate
from services.webhook.intake import Intake
from services.webhook.keys import Keyring
from services.webhook.room import NEEDS, Room, Taken
from services.webhook.store import ApiKey
from shared.keys import Keys
from shared.problems import Problem, come_again, malformed, unavailable
from shared.web.waiting import Waiting

WRITING_KINDS = frozenset({"pos", "owner"})
_KEY = "tamaru.key"
"""Where a request has the API key that it was let in with, if that is known."""


@dataclass(frozen=True)
class Ingress:
    """The parts of this process that take input."""

    channel_secrets: Keys[bytes]
    purchase_id_key: bytes
    reply_queue: str
    keyring: Keyring
    gate: Gate
    intake: Intake
    waiting: Waiting
    room: Room
    brake: Brake


def ingress_of(request: Request) -> Ingress:
    """The parts that the app was made with."""
    ingress: Ingress = request.app.state.ingress
    return ingress


def headers_of(request: Request) -> Mapping[bytes, bytes]:
    """The headers by lower-case name; the last of several wins."""
    return dict(request.scope["headers"])


async def admit(ingress: Ingress, request: Request) -> Taken:
    """Let a request in, before anything of it is read; the room it takes. Raises Problem: 429 for
    a key that was told to stay away for longer, 503 where there is no room. A till's key, as far as
    it is known, is looked up here once; `authenticate` takes it from here.

    Room comes out of the share of the store that the key is bound to, else of the key itself. Keys
    that are not known have one together, and so has LINE, which is never held."""
    path: str = request.scope["path"]
    if not NEEDS[path].of_till:
        return ingress.room.take(path, path)
    key = request.scope[_KEY] = ingress.keyring.known(_secret(headers_of(request)))
    terminal, store = (key.terminal_id, key.store) if key else (None, None)
    try:
        if terminal and (seconds := ingress.gate.stays_away(terminal)):
            raise too_fast(seconds)
        return ingress.room.take(path, store or terminal)
    except Problem:
        await ingress.brake.hold(terminal)
        raise


async def read_body(request: Request, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The body. Raises Problem 413 above `limit` bytes, without reading on."""
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    message = await request.receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
    else:
        body = await _read_on(request, message, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def _read_on(request: Request, message: "Mapping[str, object]", limit: int) -> bytes:
    parts = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise malformed("The connection ended before the body did.")
        part = message.get("body", b"")
        assert isinstance(part, bytes)  # noqa: S101 - so says ASGI
        parts += part
        if len(parts) > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return bytes(parts)
        message = await request.receive()


def _too_large(limit: int) -> Problem:
    return Problem(413, "too-large", f"The body may have {limit} bytes at most.")


async def authenticate(
    keyring: Keyring, request: Request, headers: Mapping[bytes, bytes]
) -> ApiKey:
    """The key of a request that was let in. Raises Problem: 401 without a good one, 403 if it may
    only read, 503 while no keys could ever be read."""
    key: ApiKey | None = request.scope[_KEY]
    if key is None:
        key = await _learnt(keyring, _secret(headers))
    if key.kind not in WRITING_KINDS:
        raise Problem(403, "read-only-key", "This API key may only read. Use a till's key.")
    return key


async def _learnt(keyring: Keyring, secret: bytes) -> ApiKey:
    """A key that was not known a moment ago. A till that is told 401 while no keys could ever be
    read would give up for good."""
    if not secret:
        raise _not_authenticated("Send the header `Authorization: Bearer <API key>`.")
    key = await keyring.learn(secret)
    if key is None and not keyring.loaded:
        raise unavailable("API keys cannot be looked up now. Send it again with the same key.")
    if key is None:
        raise _not_authenticated("This API key is not known or was revoked. Ask the owner for one.")
    return key


def _secret(headers: Mapping[bytes, bytes]) -> bytes:
    """The API key as it came, or nothing."""
    scheme, _, secret = headers.get(b"authorization", b"").partition(b" ")
    return secret.strip() if scheme.lower() == b"bearer" else b""


def too_fast(seconds: int) -> Problem:
    """The key's rate is used up for so many seconds."""
    return Problem(
        429,
        "too-fast",
        f"This API key sends too fast. Come again in {seconds} s.",
        headers=come_again(seconds),
    )


def _not_authenticated(detail: str) -> Problem:
    return Problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})


def media_type(headers: Mapping[bytes, bytes], allowed: Mapping[bytes, str]) -> str:
    """What the content type stands for in `allowed`. Raises Problem 415."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem(415, "unsupported-encoding", "Send the body uncompressed.")
    kind, _, parameters = headers.get(b"content-type", b"").partition(b";")
    name = allowed.get(kind.strip().lower())
    charset = parameters.lower().replace(b'"', b"").replace(b" ", b"")
    if name is None or (b"charset=" in charset and b"charset=utf-8" not in charset):
        words = " or ".join(each.decode() for each in allowed)
        raise Problem(415, "unsupported-media-type", f"Send UTF-8 with `Content-Type: {words}`.")
    return name
