"""Who may post: a key that cannot be looked up is not the same as one that is not known."""

from typing import Any

import pytest

from services.webhook.ingress import authenticate
from services.webhook.keys import Keyring
from services.webhook.store import Projection
from shared.problems import Problem

HEADERS = {b"authorization": b"Bearer a-till"}


class NoDatabase:
    """A pool whose server is away."""

    async def acquire(self) -> Any:
        raise OSError("away")


async def refused(keyring: Keyring) -> Problem:
    with pytest.raises(Problem) as found:
        await authenticate(keyring, HEADERS)
    return found.value


async def test_a_key_is_not_called_unknown_before_any_were_read() -> None:
    problem = await refused(Keyring(NoDatabase()))  # type: ignore[arg-type]
    assert problem.status == 503
    assert problem.headers["Retry-After"]


async def test_a_key_that_the_last_state_does_not_have_is_unknown() -> None:
    keyring = Keyring(NoDatabase())  # type: ignore[arg-type]
    keyring._known = Projection(1, {}, frozenset())
    assert (await refused(keyring)).status == 401
