"""What notify does with each event. The maps at the foot are its whole wiring.

A handler decides and writes through the stores; it neither commits nor sends. Deliveries and kept
LINE events have keys of their own that let an event take effect once, so there is no inbox.
"""

from functools import partial
from typing import Any

from services.notify import incoming
from services.notify.incoming import Incoming
from services.notify.notices import announcements
from services.notify.notices.announcer import Announcer
from services.notify.personal import received, told, unless_erased
from services.notify.preferences import answering
from services.notify.program_zone import ProgramZone, zone_named
from services.notify.store import deliveries as store
from services.notify.store import line_events as store_line_events
from services.notify.store import program as store_program
from services.notify.store import recipients as store_recipients
from services.notify.store.line_events import Kept
from services.notify.store.recipients import Link, Standing
from shared import clock, ids
from shared.bus.handling import Batch, Handlers
from shared.events import (
    ChatDataRequested,
    Event,
    LineEventReceived,
    ProgramPublished,
    new_event,
)

SOURCE = "/notify"

Events = list[Event[Any]]


async def member_joined(announcer: Announcer, batch: Batch, events: Events) -> None:
    """A new member is welcomed, with the welcome points in the same message."""
    await _link(announcer, batch, events)
    await announcer.announce(batch, events, announcements.joined, to_blocked=True)


async def member_returned(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Somebody who had blocked us is back and is told that nothing was lost."""
    await _link(announcer, batch, events)
    await announcer.announce(batch, events, announcements.returned, to_blocked=True)


async def points_earned(announcer: Announcer, batch: Batch, events: Events) -> None:
    """A purchase's points are told; welcome points stand in the welcome."""
    await announcer.announce(batch, events, announcements.earned)


async def points_adjusted(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Points given or taken by hand are told with their reason."""
    await announcer.announce(batch, events, announcements.adjusted)


async def points_redeemed(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Points that were spent are told."""
    await announcer.announce(batch, events, announcements.redeemed)


async def points_reversed(announcer: Announcer, batch: Batch, events: Events) -> None:
    """What a refund did to somebody's points is told."""
    await announcer.announce(batch, events, announcements.reversed_)


async def rank_changed(announcer: Announcer, batch: Batch, events: Events) -> None:
    """A rank that was reached is told."""
    await announcer.announce(batch, events, announcements.rank_changed)


async def rank_expiring(announcer: Announcer, batch: Batch, events: Events) -> None:
    """A rank that will be lost is told, with what keeps it."""
    await announcer.announce(batch, events, announcements.rank_expiring)


async def points_expiring(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Points that are about to expire are told, all dates in one message."""
    await announcer.announce(batch, events, announcements.points_expiring)


async def chat_data_provided(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Who asked gets the answer."""
    await announcer.announce(batch, events, announcements.chat_answer, to_blocked=True)


async def member_linked(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Who linked a card is told what they have now; the LINE user leads to the card's member."""
    await store_recipients.link(
        batch.connection,
        [
            Link(event.data.line_user_id, event.data.member_id, event.data.linked_at)
            for event in events
            if event.data.line_user_id
        ],
    )
    await announcer.announce(batch, events, announcements.linked, to_blocked=True)


async def member_unlinked(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Who took a link back is told; the LINE user leads to their own member again."""
    await store_recipients.link(
        batch.connection,
        [
            Link(event.data.line_user_id, event.data.member_id, event.data.unlinked_at)
            for event in events
            if event.data.line_user_id
        ],
    )
    await announcer.announce(batch, events, announcements.unlinked, to_blocked=True)


async def link_refused(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Who wanted a card linked that cannot be is told why."""
    await announcer.announce(batch, events, announcements.link_refused, to_blocked=True)


async def program_published(
    zone: ProgramZone, batch: Batch, events: list[Event[ProgramPublished]]
) -> None:
    """The program's zone is the one that times are told in."""
    for event in events:
        zone_named(event.data.time_zone)
    last = max(events, key=lambda event: (event.data.effective_from, event.data.version)).data
    await store_program.publish(batch.connection, last.version, last.effective_from, last.time_zone)
    zone.forget()  # for what is announced in this transaction
    batch.when_committed(zone.forget)  # for what was looked up beside it meanwhile


async def line_event_received(announcer: Announcer, batch: Batch, events: Events) -> None:
    """Every event is kept raw; follows, wishes and questions have effects, once each."""
    readings = {event.id: (event, incoming.read(event.data)) for event in events}
    fresh = await store_line_events.keep(
        batch.connection, [_kept(event, reading) for event, reading in readings.values()]
    )
    new = [pair for event_id, pair in readings.items() if event_id in fresh]
    await _note_standings(announcer, batch, [reading for _, reading in new])
    if wishes := [(event, reading) for event, reading in new if reading.sets_notices]:
        await answering.answer(announcer, batch, wishes)
    batch.emit_all([_question(event, reading) for event, reading in new if reading.asks])


async def _link(announcer: Announcer, batch: Batch, events: Events) -> None:
    links = [
        Link(
            event.data.line_user_id,
            event.data.member_id,
            event.data.followed_at or event.time,
        )
        for event in events
        if event.data.line_user_id
    ]
    if links:
        await store_recipients.link(batch.connection, links, await announcer.language(batch))


async def _note_standings(announcer: Announcer, batch: Batch, readings: list[Incoming]) -> None:
    standings = [
        Standing(reading.user_id, reading.kind == "unfollow", reading.at)
        for reading in readings
        if reading.user_id and reading.kind in ("follow", "unfollow")
    ]
    if not standings:
        return
    await store_recipients.stand(batch.connection, standings, await announcer.language(batch))
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


def message_handlers(announcer: Announcer, zone: ProgramZone) -> Handlers:
    """The handlers of the queue `notify.messages`."""
    announcing = {
        "member.joined.v1": member_joined,
        "member.returned.v1": member_returned,
        "member.linked.v1": member_linked,
        "member.unlinked.v1": member_unlinked,
        "chat.link_refused.v1": link_refused,
        "points.earned.v1": points_earned,
        "points.adjusted.v1": points_adjusted,
        "points.redeemed.v1": points_redeemed,
        "points.reversed.v1": points_reversed,
        "rank.changed.v1": rank_changed,
        "rank.expiring.v1": rank_expiring,
        "points.expiring.v1": points_expiring,
        "chat.data_provided.v1": chat_data_provided,
    }
    handlers: Handlers = {
        name: unless_erased(partial(handler, announcer), told)
        for name, handler in announcing.items()
    }
    return {"program.published.v1": partial(program_published, zone), **handlers}


def line_handlers(announcer: Announcer) -> Handlers:
    """The handlers of the queue `notify.line`."""
    handler = partial(line_event_received, announcer)
    return {"line.event_received.v1": unless_erased(handler, received)}
