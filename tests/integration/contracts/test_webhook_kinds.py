"""Every webhook kind in LINE's reference, and unknown ones, at every queue that gets them: none is
retried, none is a dead letter."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from shared.events import Event, LineEventReceived, new_event
from tests import line_kinds
from tests.integration.contracts import house
from tests.integration.contracts.all_cases import CASES
from tests.integration.contracts.house import Case
from tests.integration.contracts.test_repeats_and_disorder import SECRETS

HEARERS = [case for case in CASES if case.types == ("line.event_received.v1",)]


def every_kind() -> list[Event[Any]]:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    return [
        new_event(
            "/webhook",
            LineEventReceived(
                event["type"],
                msgspec.Raw(msgspec.json.encode(event)),
                moment,
                "U" + "9" * 32,
                event.get("source", {}).get("userId"),
            ),
        )
        for event in (*line_kinds.known(), *line_kinds.unknown())
    ]


@pytest.mark.parametrize("case", HEARERS, ids=lambda case: case.purpose)
async def test_no_kind_is_too_much_for_a_consumer(
    servers: Any, database: Any, namespace: str, case: Case
) -> None:
    settings = case.settings(
        database_url=database.url(case.schema),
        amqp_url=servers.amqp_url,
        redis_url=servers.redis_url,
        bus_namespace=namespace,
        **SECRETS,
    )

    async def events_of_every_kind(pool: Any) -> list[Event[Any]]:
        await case.events(pool)  # for what it prepares
        return every_kind()

    asked = case._replace(events=events_of_every_kind, over=None)
    async with house.opened(asked, settings, database.admin_url) as (running, events):
        before = troubles(case.purpose)
        await running.deliver([[event] for event in events], one_by_one=False)
        assert troubles(case.purpose) == before


def troubles(queue: str) -> list[float]:
    names = ("tamaru_bus_retries_total", "tamaru_bus_dead_letters_total")
    return [REGISTRY.get_sample_value(name, {"queue": queue}) or 0 for name in names]
