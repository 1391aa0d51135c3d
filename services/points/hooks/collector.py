"""The queue's end: public events become messages, and a delivery for each endpoint that asks."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from services.points.hooks import messages
from services.points.hooks.messages import Message
from services.points.store import erasures, hook_deliveries, hooks
from services.points.store.hooks import Endpoint
from shared import clock
from shared.bus.handling import Batch
from shared.events import Event

ERASED = "member.erased.v1"
GONE = ("member.left.v1", ERASED)


class Collector:
    """Handles every public event alike. Without an endpoint nothing is kept."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    async def handle(self, batch: Batch, events: list[Event[Any]]) -> None:
        """Store what is told, once for each event and endpoint."""
        endpoints = await hooks.hearers(batch.connection)
        if not endpoints:
            return
        named = any(each.include_line_user_id for each in endpoints)
        unique = {event.id: _message(event, named) for event in events}
        unique = await _without_erased(batch, unique)
        fresh = await hook_deliveries.keep(batch.connection, list(unique.values()))
        told = [message for message in unique.values() if message.id in fresh]
        pairs = [(each, message) for message in told for each in endpoints if _hears(each, message)]
        if pairs:
            now = clock.now()
            await hook_deliveries.add(
                batch.connection,
                [each.id for each, _ in pairs],
                [message.id for _, message in pairs],
                [min(message.at, now) for _, message in pairs],
                now,
            )
            batch.when_committed(self._wake)


def _message(event: Event[Any], named: bool) -> Message:
    message = messages.of_event(event)
    if named and event.type != ERASED:
        return message
    return msgspec.structs.replace(message, line_user_id=None)


async def _without_erased(batch: Batch, unique: dict[UUID, Message]) -> dict[UUID, Message]:
    """What is heard late of members who were erased is not kept, except that they are gone."""
    members = [message.member_id for message in unique.values() if message.member_id]
    erased = await erasures.erased(batch.connection, members)
    return {
        id: msgspec.structs.replace(message, line_user_id=None)
        if message.member_id in erased
        else message
        for id, message in unique.items()
        if message.member_id not in erased or message.type in GONE
    }


def _hears(endpoint: Endpoint, message: Message) -> bool:
    return endpoint.status != "off" and messages.wants(endpoint.events, message.type)
