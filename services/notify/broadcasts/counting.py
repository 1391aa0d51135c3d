"""Counting a segment for a broadcast, and what follows from the count.

A count is asked for by event and comes in pages; the first stream that is whole is the answer.
Nothing here commits or sends.
"""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.notify.broadcasts import planning, states
from services.notify.broadcasts.broadcast import Broadcast, Counts, Words
from services.notify.broadcasts.states import Act, State
from services.notify.store import broadcast_people as people
from services.notify.store import broadcasts as store
from services.notify.store.broadcast_people import Complete
from shared import ids
from shared.bus.handling import Batch, Connection
from shared.events import Event, SegmentRequested, new_event

SOURCE = "/notify"


async def ask(
    batch: Batch,
    broadcast: Broadcast,
    state: State,
    now: datetime,
    *,
    cause: Event[Any] | None = None,
    **fields: Any,
) -> Broadcast:
    """Ask points who belongs to the segment now, in this state; forgets the count before."""
    if broadcast.request_id is not None:
        await people.forget(batch.connection, broadcast.request_id)
    request_id = ids.new_id()
    asked = SegmentRequested(
        request_id, msgspec.Raw(broadcast.definition.encode()), broadcast.segment
    )
    batch.emit(new_event(SOURCE, asked, cause=cause, id=request_id))
    return await store.change(
        batch.connection,
        broadcast,
        state=state,
        request_id=request_id,
        requested_at=now,
        stream_id=None,
        problem=None,
        **fields,
    )


async def take_whole(
    connection: Connection, broadcast: Broadcast, zone: ZoneInfo, now: datetime
) -> Broadcast:
    """Count, if every page of a stream is there; the broadcast as it is then."""
    assert broadcast.request_id is not None  # noqa: S101 - it was found by it
    whole = await people.complete(connection, broadcast.request_id)
    if whole is None:
        return broadcast
    await people.forget(connection, broadcast.request_id, but=whole.stream_id)
    counts = await _counts(connection, broadcast, whole)
    counted = await store.change(
        connection,
        broadcast,
        revision=broadcast.revision + 1,
        stream_id=whole.stream_id,
        counted_at=whole.taken_at,
        counts=counts,
    )
    detail = f"{counts.recipients} of {counts.people}"
    await store.note(connection, broadcast.id, Act.COUNTED, now, detail=detail)
    if broadcast.state is State.COUNTING:
        return await store.change(connection, counted, state=State.READY)
    return await _begin_or_ask(connection, counted, zone, now)


async def refuse(connection: Connection, broadcast: Broadcast, words: Words, now: datetime) -> None:
    """The segment cannot be computed: back to where somebody can mend it."""
    state = State.DRAFT if broadcast.state is State.COUNTING else State.PAUSED
    await store.note(connection, broadcast.id, Act.REFUSED, now, detail=words.en)
    await store.change(
        connection,
        broadcast,
        state=state,
        revision=broadcast.revision + 1,
        problem=words,
        request_id=None,
    )


async def begin(
    connection: Connection, broadcast: Broadcast, zone: ZoneInfo, now: datetime
) -> Broadcast:
    """Let it go out from now on, to those who were counted."""
    fields: dict[str, Any] = {"state": State.SENDING, "problem": None}
    if broadcast.started_at is None:
        fields |= {"started_at": now, "unit": await _unit(connection, broadcast.id, zone, now)}
        await store.note(connection, broadcast.id, Act.START, now)
    return await store.change(connection, broadcast, **fields)


async def _begin_or_ask(
    connection: Connection, broadcast: Broadcast, zone: ZoneInfo, now: datetime
) -> Broadcast:
    """Out with it, unless there are many more recipients than the owner confirmed."""
    counts, confirmed = broadcast.counts, broadcast.confirmed_recipients
    assert counts is not None and confirmed is not None  # noqa: S101 - counted and confirmed
    limit = broadcast.growth_limit_percent
    if not states.grew_too_much(confirmed, counts.recipients, limit):
        return await begin(connection, broadcast, zone, now)
    words = grown(confirmed, counts.recipients, limit)
    await store.note(connection, broadcast.id, Act.GROWN, now, detail=words.en)
    return await store.change(connection, broadcast, state=State.PAUSED, problem=words)


def grown(confirmed: int, counted: int, limit: int) -> Words:
    """Why it asks again."""
    return Words(
        ja=f"確認時は{confirmed:,}人でしたが、現在は{counted:,}人です({limit}%を超える増加)。"
        "人数を確認し、その revision を付けて再開(resume)するか、中止してください。",
        en=f"{confirmed:,} recipients were confirmed, now there are {counted:,}: more than "
        f"{limit} % more. Look at the numbers and resume with this revision, or cancel.",
    )


async def _counts(connection: Connection, broadcast: Broadcast, whole: Complete) -> Counts:
    languages: dict[str, int] = {}
    left_out: dict[str, int] = {"no_line": whole.no_line}
    seen = 0
    for language, reason, count in await people.count(connection, whole.stream_id):
        seen += count
        if reason is None:
            languages[language] = languages.get(language, 0) + count
        else:
            left_out[reason] = left_out.get(reason, 0) + count
    left_out["erased"] = whole.people - whole.no_line - seen
    return Counts(
        people=whole.people,
        recipients=sum(languages.values()),
        languages=languages,
        left_out={reason: count for reason, count in left_out.items() if count},
        calls=planning.calls_needed(languages, broadcast.spoken, personal=broadcast.personal),
    )


async def _unit(
    connection: Connection, broadcast_id: UUID, zone: ZoneInfo, now: datetime
) -> str | None:
    """Its name for statistics; None when the month's names are used up."""
    month = now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    used = await store.units_since(connection, month)
    return planning.unit_of(broadcast_id) if used < planning.MOST_UNITS else None
