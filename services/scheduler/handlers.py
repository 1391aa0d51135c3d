"""What other services tell the scheduler. Decides; the store writes, the consumer commits.

What is said about a key counts by the time at which it was said, not by when it arrives.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from services.scheduler import cron, firing
from services.scheduler.errors import BadSchedule
from services.scheduler.store import items, schedules
from services.scheduler.store.items import Item
from shared import clock, envelope
from shared.bus.errors import Poison
from shared.bus.handling import Batch, Handlers
from shared.events import (
    CONTRACTS,
    Event,
    ProgramPublished,
    ScheduleCancelled,
    ScheduleRequested,
)

LONGEST_KEY = 200


async def requested(batch: Batch, events: list[Event[ScheduleRequested]]) -> None:
    """Register items. Raises Poison for one that could never be published."""
    for event in events:
        _check_key(event.data.key)
        _check_event(event.data.event_type, event.data.data)
    newest = await _news(batch, events)
    await items.put_items(batch.connection, [_item(event) for event in newest])


async def cancelled(batch: Batch, events: list[Event[ScheduleCancelled]]) -> None:
    """Forget items that have not fired."""
    for event in events:
        _check_key(event.data.key)
    newest = await _news(batch, events)
    await items.remove_items(batch.connection, [event.data.key for event in newest])


async def program_published(batch: Batch, events: list[Event[ProgramPublished]]) -> None:
    """Take over the program's zone. What came due under the old one fires first, and what the
    new one would have made due in the past does not fire."""
    for event in events:
        _check_zone(event.data.time_zone)
    now = clock.now()
    before = await schedules.program_zone(batch.connection, firing.DEFAULT_ZONE)
    batch.emit_all(await firing.ticks(batch.connection, now))
    last = max(events, key=lambda event: (event.data.effective_from, event.data.version)).data
    await schedules.publish_program(
        batch.connection, last.version, last.effective_from, last.time_zone
    )
    if await schedules.program_zone(batch.connection, firing.DEFAULT_ZONE) != before:
        await schedules.skip_to(batch.connection, now)


async def _news(batch: Batch, events: Sequence[Event[Any]]) -> list[Event[Any]]:
    """The newest event of each key, where nothing newer was heard about the key before."""
    newest = {event.data.key: event for event in sorted(events, key=lambda event: event.time)}
    said_at = [event.time for event in newest.values()]
    news = await items.hear(batch.connection, list(newest), said_at)
    return [event for key, event in newest.items() if key in news]


def _item(event: Event[ScheduleRequested]) -> Item:
    return Item(
        key=event.data.key,
        due_at=event.data.due_at,
        event_type=event.data.event_type,
        data=bytes(event.data.data),
        request_id=event.id,
        subject=event.subject,
        correlation_id=event.correlationid or str(event.id),
        traceparent=event.traceparent,
    )


def _check_key(key: str) -> None:
    if not key or len(key) > LONGEST_KEY or "\0" in key:
        raise Poison(f"a key has 1 to {LONGEST_KEY} characters and no NUL")


def _check_event(event_type: str, data: msgspec.Raw) -> None:
    if event_type not in CONTRACTS:
        raise Poison(f"unknown event type {event_type!r}")
    try:
        msgspec.json.decode(data, type=CONTRACTS[event_type])
    except envelope.UNREADABLE as problem:
        raise Poison(f"data is no {event_type}: {problem}") from problem


def _check_zone(name: str) -> None:
    try:
        cron.zone(name)
    except BadSchedule as problem:
        raise Poison(str(problem)) from problem


HANDLERS: Handlers = {
    "schedule.requested.v1": requested,
    "schedule.cancelled.v1": cancelled,
    "program.published.v1": program_published,
}
