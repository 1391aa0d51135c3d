"""Every event contract, at every queue that receives it: delivered twice and out of order it leaves
what it leaves when it is delivered once and in order."""

from typing import Any

import pytest

from tests.integration.contracts import house
from tests.integration.contracts.all_cases import CASES
from tests.integration.contracts.house import Case

SEEDS = (1, 2, 3)

SECRETS = {
    "purchase_id_key": "another key of the tests",
    "qr_signing_key": "a key of the tests, 32 bytes long",
    "personal_data_key": "a key of the tests for personal data",
    "hooks_signing_key": "a third key of the tests, also long",
    "session_key": "a fourth key of the tests",
    "line_channel_secret": "a channel secret",
    "line_channel_access_token": "token",
    "line_login_channel_id": "1234567890",
    "line_api_base": "http://127.0.0.1:9",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.purpose)
async def test_twice_and_out_of_order_is_as_once_and_in_order(
    servers: Any, database: Any, namespace: str, case: Case
) -> None:
    settings = case.settings(
        database_url=database.url(case.schema),
        amqp_url=servers.amqp_url,
        redis_url=servers.redis_url,
        bus_namespace=namespace,
        **SECRETS,
    )
    async with house.opened(case, settings, database.admin_url) as (once, events):
        assert {event.type for event in events} == set(case.types)
        await once.deliver([[event] for event in events], one_by_one=True)
        expected = await once.state()
    assert all(expected.values()), "a table in which nothing happens proves nothing"
    for seed in SEEDS:
        async with house.opened(case, settings, database.admin_url) as (again, events):
            groups = house.twice_and_shuffled(events, seed)
            await again.deliver(groups, one_by_one=False)
            assert await again.state() == expected, f"with seed {seed}"
