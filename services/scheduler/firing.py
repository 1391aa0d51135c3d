"""What is due now, as events, in the caller's transaction. Reads no clock and never commits."""

from datetime import datetime
from functools import cache

import msgspec

from services.scheduler import cron
from services.scheduler.errors import BadSchedule
from services.scheduler.store import items as item_store
from services.scheduler.store import schedules
from services.scheduler.store.items import Item
from services.scheduler.store.schedules import Schedule
from shared import ids, logs
from shared.bus.handling import Connection
from shared.events import Event, ScheduleTicked, name_of

log = logs.logger(__name__)

SOURCE = "/scheduler"
DEFAULT_ZONE = "Asia/Tokyo"
"""The zone of schedules until the first program is published."""

PAGE = 500


async def ticks(connection: Connection, now: datetime) -> list[Event[ScheduleTicked]]:
    """Fire every schedule that has come due; each moment once, however many replicas ask."""
    fired: list[Event[ScheduleTicked]] = []
    for schedule in await schedules.lock(connection, DEFAULT_ZONE, now):
        due = due_moments(schedule, now)
        if due:
            new = await schedules.record(connection, schedule.name, due, now)
            await schedules.advance(connection, schedule.name, now)
            fired += [_tick(schedule.name, moment, now) for moment in new]
    return fired


async def run_now(
    connection: Connection, name: str, now: datetime, asked_by: str
) -> list[Event[ScheduleTicked]]:
    """Fire a schedule because somebody asks, at the moment of their asking: once for the same
    `now`. Its own moments come due as before."""
    new = await schedules.record(connection, name, [now], now, asked_by)
    return [_tick(name, moment, now) for moment in new]


async def items(connection: Connection, now: datetime) -> list[Event[msgspec.Raw]]:
    """Take up to a page of due items out of the store, as the events that they ask for."""
    taken = await item_store.claim_items(connection, now, PAGE)
    if taken:
        await item_store.note_hand_over(connection, taken, now)
    return [_event(item, now) for item in taken]


def due_moments(schedule: Schedule, now: datetime) -> list[datetime]:
    """The moments that a schedule has to fire now. One that cannot be read, or is paused, has
    none."""
    if schedule.paused_at or schedule.checked_until is None or schedule.checked_until >= now:
        return []
    try:
        zone = cron.zone(schedule.time_zone)
        due = cron.due_moments(
            schedule.cron, zone, schedule.checked_until, now, schedule.catch_up + 1
        )
    except BadSchedule as problem:
        _report(schedule.name, str(problem))
        return []
    if len(due) > schedule.catch_up:
        log.warning("missed moments passed over", schedule=schedule.name, until=str(due[0]))
    return due[-schedule.catch_up :]


def next_moment(schedule: Schedule, now: datetime) -> datetime | None:
    """When a schedule comes due next; None when never, or not until it can be read or goes on."""
    if schedule.paused_at:
        return None
    try:
        zone = cron.zone(schedule.time_zone)
        return cron.next_moment(schedule.cron, zone, max(now, schedule.checked_until or now))
    except BadSchedule:
        return None


@cache
def _report(schedule: str, problem: str) -> None:
    """Say it once, not at every look."""
    log.error("schedule cannot be read; the others go on", schedule=schedule, problem=problem)


def _tick(name: str, due_at: datetime, now: datetime) -> Event[ScheduleTicked]:
    return Event(
        id=ids.derived_id("schedule.ticked", name, due_at.isoformat()),
        source=SOURCE,
        type=name_of(ScheduleTicked),
        time=now,
        data=ScheduleTicked(name=name, due_at=due_at, fired_at=now),
    )


def _event(item: Item, now: datetime) -> Event[msgspec.Raw]:
    """The data goes out as it was registered: it was checked against its contract then."""
    return Event(
        id=ids.derived_id("schedule.item", str(item.request_id)),
        source=SOURCE,
        type=item.event_type,
        time=now,
        data=msgspec.Raw(item.data),
        subject=item.subject,
        correlationid=item.correlation_id,
        causationid=str(item.request_id),
        traceparent=item.traceparent,
    )
