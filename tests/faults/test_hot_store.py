"""One store's till runs wild: what it sends beyond its key's rate is 429, and the others sell on.

`make faults ARGS="-k hot_store"` prints what the others wait without it and beside it. The rate is
the one that a shop has by default; a local start allows more.
"""

from collections.abc import Iterator

import msgspec
import pytest

from deploy.local.stack import Stack
from services.webhook.settings import WebhookSettings
from tests.faults import neighbours, rush
from tests.faults.conftest import Tamaru, aloud, opened
from tests.faults.neighbours import CONNECTIONS
from tests.faults.test_overload import job

MEMBERS = 300
ROUNDS = 2
SECONDS = 15.0
RATE = 20
"""Purchases a second of those who are watched: as of a busy store, and far from a key's rate."""

CALM, WILD = 20, 2_000
"""Purchases a second of the other store's till: as many, and more than the machine bears."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    limit = WebhookSettings.model_fields["rate_limit_per_second"].default
    with opened({"RATE_LIMIT_PER_SECOND": str(limit)}) as running:
        yield running


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_the_others_beside_a_hot_store(
    stack: Stack, tamaru: Tamaru, capsys: pytest.CaptureFixture[str]
) -> None:
    tell = aloud(capsys)
    tamaru("store", "add", "annex", "別館")
    key = tamaru("key", "add", "別館のレジ", "--store", "annex").strip()
    async with rush.client() as session:
        watched = await rush.join(session, stack, MEMBERS)
        crowd = list((await rush.join(session, stack, MEMBERS)).values())
        for number in range(ROUNDS):
            for rate in (CALM, WILD):
                name, connections = f"crowd-{number}-{rate}", CONNECTIONS if rate == CALM else 1_500
                theirs = job(
                    stack, crowd, int(rate * SECONDS), name, rate=rate, connections=connections
                )
                theirs = msgspec.structs.replace(theirs, api_key=key, store="annex")
                found = await neighbours.beside(session, stack, watched, theirs, SECONDS, RATE)
                tell(f"beside {rate} a second of another store's till: {found}")
                assert found.accepted > 0.95 * found.sent
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"
