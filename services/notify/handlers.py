"""What notify does with each event. The maps at the foot are its whole wiring.

A handler decides and writes through the stores; it neither commits nor sends. Deliveries and kept
LINE events have keys of their own that let an event take effect once, so there is no inbox.
"""

from functools import partial
from typing import Any

from services.notify import announcements, incoming, store, store_line_events, store_recipients
from services.notify.announcer import Announcer
from services.notify.incoming import Incoming
from services.notify.store_line_events import Kept
from services.notify.store_recipients import Link, Standing
from shared import clock, ids
from shared.bus.handling import Batch, Handlers
from shared.events import ChatDataRequested, Event, LineEventReceived, new_event

SOURCE = "/notify"

Events = list[Event[Any]]


async def member_joined(announcer: Announcer, batch: Batch, events: Events) -> None:
    """A new member is welcomed, with the welcome points in the same message."""
    await _link(batch, events)
    await announcer.announce(batch, events, announcements.joined, to_blocked=True)


async def member_returned(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Somebody who had blocked us is back and is told that nothing was lost."""
    await _link(batch, events)
    await announcer.announce(batch, events, announcements.returned, to_blocked=True)


async def points_earned(announcer: Announcer, batch: Batch, events: Events) -> None:
    """A purchase's points are told; welcome points stand in the welcome."""
    await announcer.announce(batch, events, announcements.earned)


async def points_adjusted(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Points given or taken by hand are told with their reason."""
    await announcer.announce(batch, events, announcements.adjusted)


async def rank_changed(announcer: Announcer, batch: Batch, events: Events) -> None:
    """A rank that was reached is told."""
    await announcer.announce(batch, events, announcements.rank_changed)


async def chat_data_provided(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Who asked gets the answer."""
    await announcer.announce(batch, events, announcements.chat_answer, to_blocked=True)


async def line_event_received(batch: Batch, events: Events) -> None:
    """Every event is kept raw; follows and questions have effects, once each."""
    readings = {event.id: (event, incoming.read(event.data)) for event in events}
    fresh = await store_line_events.keep(
        batch.connection, [_kept(event, reading) for event, reading in readings.values()]
    )
    new = [pair for event_id, pair in readings.items() if event_id in fresh]
    await _note_standings(batch, [reading for _, reading in new])
    batch.emit_all([_question(event, reading) for event, reading in new if reading.asks])


async def _link(batch: Batch, events: Events) -> None:
    links = [
        Link(event.data.line_user_id, event.data.member_id, event.time)
        for event in events
        if event.data.line_user_id
    ]
    if links:
        await store_recipients.link(batch.connection, links)


async def _note_standings(batch: Batch, readings: list[Incoming]) -> None:
    standings = [
        Standing(reading.user_id, reading.kind == "unfollow", reading.at)
        for reading in readings
        if reading.user_id and reading.kind in ("follow", "unfollow")
    ]
    if not standings:
        return
    await store_recipients.stand(batch.connection, standings)
    gone = sorted({standing.line_user_id for standing in standings if standing.blocked})
    if gone:
        await store.skip_blocked(batch.connection, gone, clock.now())


def _kept(event: Event[LineEventReceived], reading: Incoming) -> Kept:
    return Kept(
        event.id,
        reading.kind,
        reading.user_id,
        reading.message_id,
        bytes(event.data.event),
        event.data.received_at,
    )


def _question(event: Event[LineEventReceived], reading: Incoming) -> Event[ChatDataRequested]:
    assert reading.user_id is not None and reading.topic is not None  # noqa: S101 - it asks
    data = ChatDataRequested(
        line_user_id=reading.user_id,
        topic=reading.topic,
        reply_token=reading.reply_token,
        reply_until=reading.reply_until,
    )
    question_id = ids.derived_id("chat.data_requested", str(event.id))
    return new_event(SOURCE, data, cause=event, id=question_id)


def message_handlers(announcer: Announcer) -> Handlers:
    """The handlers of the queue `notify.messages`."""
    handlers = {
        "member.joined.v1": member_joined,
        "member.returned.v1": member_returned,
        "points.earned.v1": points_earned,
        "points.adjusted.v1": points_adjusted,
        "rank.changed.v1": rank_changed,
        "chat.data_provided.v1": chat_data_provided,
    }
    return {name: partial(handler, announcer) for name, handler in handlers.items()}


LINE_HANDLERS: Handlers = {"line.event_received.v1": line_event_received}
"""The handlers of the queue `notify.line`."""
