"""Who may post: a key that cannot be looked up is not the same as one that is not known, and one
that is known is looked up once."""

import hashlib
from typing import Any, cast

import pytest
from starlette.requests import Request

from services.webhook.ingress import Ingress, admit, authenticate, headers_of
from services.webhook.keys import Keyring
from services.webhook.room import Room
from services.webhook.store import ApiKey, Projection
from shared import ids
from shared.problems import Problem

TILL = ApiKey(ids.new_id(), "pos", None)


class NoDatabase:
    """A pool whose server is away."""

    async def acquire(self) -> Any:
        raise OSError("away")


class Counting(Keyring):
    """Counts how often somebody is looked up."""

    asked = 0

    def known(self, secret: bytes) -> ApiKey | None:
        self.asked += 1
        return super().known(secret)


class OpenGate:
    """Sends nobody away."""

    def stays_away(self, terminal: object) -> int:
        return 0


def keyring_of(*secrets: bytes, version: int = 1) -> Counting:
    keyring = Counting(NoDatabase())  # type: ignore[arg-type]
    keys = {hashlib.sha256(secret).hexdigest(): TILL for secret in secrets}
    keyring._known = Projection(version, keys, frozenset())
    return keyring


async def let_in(keyring: Keyring) -> ApiKey:
    """What a till's request comes to, as the application does it."""
    headers = [(b"authorization", b"Bearer a-till")]
    request = Request({"type": "http", "path": "/v1/purchases", "headers": headers})
    parts: Any = type("Parts", (), {"keyring": keyring, "gate": OpenGate()})
    parts.room = Room(lambda: 0.0)
    await admit(cast(Ingress, parts), request)
    return await authenticate(keyring, request, headers_of(request))


async def refused(keyring: Keyring) -> Problem:
    with pytest.raises(Problem) as found:
        await let_in(keyring)
    return found.value


async def test_a_key_is_looked_up_once() -> None:
    keyring = keyring_of(b"a-till")
    assert await let_in(keyring) is TILL
    assert keyring.asked == 1


async def test_a_key_is_not_called_unknown_before_any_were_read() -> None:
    problem = await refused(keyring_of(version=-1))
    assert problem.status == 503
    assert problem.headers["Retry-After"]


async def test_a_key_that_the_last_state_does_not_have_is_unknown() -> None:
    assert (await refused(keyring_of())).status == 401
