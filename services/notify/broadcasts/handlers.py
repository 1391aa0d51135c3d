"""What broadcasts do with events: pages of a segment, its refusal, and their time that has come.

A handler decides and writes through the stores; it neither commits nor sends. Pages have a key of
their own, and a due broadcast is due once, so there is no inbox.
"""

from collections import defaultdict
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from services.notify.broadcasts import counting, states
from services.notify.broadcasts.broadcast import Broadcast, Words
from services.notify.broadcasts.states import Act, State
from services.notify.program_zone import ProgramZone
from services.notify.store import broadcast_people as people
from services.notify.store import broadcasts as store
from services.notify.store import personal as store_personal
from services.notify.store.broadcast_people import Arrived, Staged
from services.notify.templates import previews
from shared import clock
from shared.bus.handling import Batch, Handlers
from shared.events import BroadcastDue, Event, SegmentPage, SegmentRefused

_encode = msgspec.json.Encoder().encode


async def segment_page(zone: ProgramZone, batch: Batch, events: list[Event[SegmentPage]]) -> None:
    """Pages are kept until one stream of them is whole, and counted then. What nobody waits for,
    or what comes after that, is passed over. Previews' pages come by the same queue."""
    await previews.take(batch.connection, [event.data for event in events])
    by_request: dict[UUID, list[SegmentPage]] = defaultdict(list)
    for event in events:
        by_request[event.data.request_id].append(event.data)
    for broadcast in await store.of_requests(batch.connection, list(by_request)):
        if broadcast.stream_id is not None or not states.allows(broadcast.state, Act.COUNTED):
            continue
        assert broadcast.request_id is not None  # noqa: S101 - it was found by it
        await _stage(batch, broadcast, by_request[broadcast.request_id])
        zone_now = await zone.ready(batch.connection)
        await counting.take_whole(batch.connection, broadcast, zone_now, clock.now())


async def segment_refused(batch: Batch, events: list[Event[SegmentRefused]]) -> None:
    """The owner is told why the segment cannot be computed."""
    await previews.refused(batch.connection, [event.data for event in events])
    said = {event.data.request_id: event.data for event in events}
    for broadcast in await store.of_requests(batch.connection, list(said)):
        if broadcast.stream_id is None and states.allows(broadcast.state, Act.REFUSED):
            assert broadcast.request_id is not None  # noqa: S101 - it was found by it
            data = said[broadcast.request_id]
            words = Words(data.ja, data.en)
            await counting.refuse(batch.connection, broadcast, words, clock.now())


async def broadcast_due(batch: Batch, events: list[Event[BroadcastDue]]) -> None:
    """What was confirmed for this time is computed anew, and goes out when that is done."""
    for event in sorted(events, key=lambda event: event.data.broadcast_id):
        broadcast = await store.one(batch.connection, event.data.broadcast_id, lock=True)
        if (
            broadcast is None
            or not states.allows(broadcast.state, Act.DUE)
            or broadcast.revision != event.data.revision
        ):
            continue
        now = clock.now()
        await store.note(batch.connection, broadcast.id, Act.DUE, now)
        await counting.ask(batch, broadcast, State.RECOUNTING, now, cause=event)


async def _stage(batch: Batch, broadcast: Broadcast, pages: list[SegmentPage]) -> None:
    """Take the pages in, without those who were erased after the moment that they are of."""
    users = {each.line_user_id for page in pages for each in page.people if each.line_user_id}
    erased = await store_personal.erased(batch.connection, users)
    arrived, staged = [], []
    for page in pages:
        named = [each for each in page.people if each.line_user_id is not None]
        arrived.append(
            Arrived(
                page.request_id,
                page.stream_id,
                page.number,
                page.last,
                page.taken_at,
                len(page.people),
                len(page.people) - len(named),
            )
        )
        staged += [
            Staged(
                page.stream_id,
                user,
                _encode(each).decode() if broadcast.personal else None,
                page.taken_at,
            )
            for each in named
            if (user := each.line_user_id) is not None
            and not (user in erased and page.taken_at <= erased[user])
        ]
    await people.stage(batch.connection, arrived, staged)


def handlers(zone: ProgramZone) -> Handlers:
    """The handlers of the queue `notify.broadcasts`."""
    pages: Any = partial(segment_page, zone)
    return {
        "segment.page.v1": pages,
        "segment.refused.v1": segment_refused,
        "broadcast.due.v1": broadcast_due,
    }
