"""What owners do to a broadcast, each act in the transaction of their call. Nothing here commits.

Owns the acts: what each needs, what it changes and what it asks of others.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.notify.broadcasts import content as contents
from services.notify.broadcasts import counting, states
from services.notify.broadcasts.broadcast import Broadcast
from services.notify.broadcasts.content import Content
from services.notify.broadcasts.states import Act, State
from services.notify.errors import NotNow, OutOfDate
from services.notify.links import tracking
from services.notify.links.tracking import Source
from services.notify.store import broadcast_people as people
from services.notify.store import broadcasts as store
from shared.bus.handling import Batch, Connection
from shared.events import BroadcastDue, ScheduleCancelled, ScheduleRequested, new_event

SOURCE = "/notify"


async def change(
    batch: Batch, broadcast: Broadcast, actor: UUID, now: datetime, fields: Mapping[str, Any]
) -> Broadcast:
    """Change what is not being sent yet; what was counted or confirmed of it is forgotten."""
    require(broadcast, Act.CHANGE)
    if broadcast.state is State.SCHEDULED:
        _unschedule(batch, broadcast)
    if broadcast.request_id is not None:
        await people.forget(batch.connection, broadcast.request_id)
    await store.note(batch.connection, broadcast.id, Act.CHANGE, now, actor, _names(fields))
    return await store.change(
        batch.connection,
        broadcast,
        **fields,
        state=State.DRAFT,
        revision=broadcast.revision + 1,
        request_id=None,
        requested_at=None,
        stream_id=None,
        counted_at=None,
        counts=None,
        confirmed_recipients=None,
        confirmed_at=None,
        at=None,
        problem=None,
    )


async def count(
    batch: Batch, broadcast: Broadcast, said: Content, actor: UUID, now: datetime
) -> Broadcast:
    """Ask who is in the segment now. What is said is fixed with it."""
    require(broadcast, Act.COUNT)
    texts = {language: json.dumps(each) for language, each in said.texts.items()}
    await store.put_texts(batch.connection, broadcast.id, texts)
    await store.note(batch.connection, broadcast.id, Act.COUNT, now, actor)
    return await counting.ask(
        batch,
        broadcast,
        State.COUNTING,
        now,
        revision=broadcast.revision + 1,
        kind=said.kind,
        template_version=said.version,
        personal=said.personal,
        spoken=said.spoken,
    )


async def confirm(
    batch: Batch,
    broadcast: Broadcast,
    *,
    revision: int,
    at: datetime | None,
    actor: UUID,
    now: datetime,
    zone: ZoneInfo,
    fixed: Mapping[str, str],
    public_url: str,
) -> Broadcast:
    """Send it to as many as the owner saw: now, or to as many as there are at a time."""
    require(broadcast, Act.CONFIRM)
    _require_seen(broadcast, revision)
    assert broadcast.counts and broadcast.counted_at  # noqa: S101 - it is ready
    await _fix_texts(batch.connection, broadcast, fixed, public_url)
    recipients = broadcast.counts.recipients
    state = states.after_confirming(at, broadcast.counted_at, now)
    detail = f"{recipients} recipients" + (f", at {at.isoformat()}" if at else "")
    await store.note(batch.connection, broadcast.id, Act.CONFIRM, now, actor, detail)
    confirmed = await store.change(
        batch.connection,
        broadcast,
        state=state,
        revision=broadcast.revision + 1,
        confirmed_recipients=recipients,
        confirmed_at=now,
        at=at,
    )
    if state is State.SCHEDULED:
        _schedule(batch, confirmed)
        await people.forget(batch.connection, _request(broadcast))
        return confirmed
    return await _go(batch, confirmed, state, zone, now)


async def pause(batch: Batch, broadcast: Broadcast, actor: UUID, now: datetime) -> Broadcast:
    """Send no more of it until it is resumed."""
    require(broadcast, Act.PAUSE)
    await store.note(batch.connection, broadcast.id, Act.PAUSE, now, actor)
    return await store.change(
        batch.connection, broadcast, state=State.PAUSED, revision=broadcast.revision + 1
    )


async def resume(
    batch: Batch,
    broadcast: Broadcast,
    *,
    revision: int | None,
    actor: UUID,
    now: datetime,
    zone: ZoneInfo,
) -> Broadcast:
    """Go on. Where it asks again because of its number, the owner says which one they saw."""
    require(broadcast, Act.RESUME)
    fields: dict[str, Any] = {}
    if broadcast.problem is not None:
        _require_seen(broadcast, revision)
        if broadcast.stream_id is not None and broadcast.counts is not None:
            fields["confirmed_recipients"] = broadcast.counts.recipients
    await store.note(batch.connection, broadcast.id, Act.RESUME, now, actor)
    resumed = await store.change(
        batch.connection, broadcast, revision=broadcast.revision + 1, problem=None, **fields
    )
    begun = resumed.started_at is not None
    fresh = resumed.stream_id is not None and states.fresh(resumed.counted_at, now)
    return await _go(
        batch, resumed, State.SENDING if begun or fresh else State.RECOUNTING, zone, now
    )


async def cancel(batch: Batch, broadcast: Broadcast, actor: UUID, now: datetime) -> Broadcast:
    """Send no more of it, ever; who has not got it yet is written down as such."""
    require(broadcast, Act.CANCEL)
    if broadcast.state is State.SCHEDULED:
        _unschedule(batch, broadcast)
    await store.note(batch.connection, broadcast.id, Act.CANCEL, now, actor)
    return await store.change(
        batch.connection,
        broadcast,
        state=State.CANCELLED,
        revision=broadcast.revision + 1,
        finished_at=now,
    )


def require(broadcast: Broadcast, act: Act) -> None:
    """Raises NotNow."""
    if not states.allows(broadcast.state, act):
        raise NotNow(broadcast.state, states.ADVICE[act])


def _require_seen(broadcast: Broadcast, revision: int | None) -> None:
    if revision != broadcast.revision:
        counts = broadcast.counts
        raise OutOfDate(broadcast.revision, counts.recipients if counts else 0)


async def _go(
    batch: Batch, broadcast: Broadcast, state: State, zone: ZoneInfo, now: datetime
) -> Broadcast:
    if state is State.SENDING:
        return await counting.begin(batch.connection, broadcast, zone, now)
    return await counting.ask(batch, broadcast, state, now)


async def _fix_texts(
    connection: Connection, broadcast: Broadcast, fixed: Mapping[str, str], public_url: str
) -> None:
    """From now on it says this: links lead over ours, and what is the same for all is put in."""
    template = broadcast.kind if broadcast.kind != contents.INLINE else None
    source = Source(broadcast.id, template, broadcast.template_version, broadcast.segment)
    stored = await store.texts(connection, broadcast.id)
    tracked = {
        language: await tracking.track(connection, json.loads(text), source, public_url)
        for language, text in stored.items()
    }
    texts = contents.final(tracked, fixed, personal=broadcast.personal)
    await store.put_texts(connection, broadcast.id, texts)


def _schedule(batch: Batch, broadcast: Broadcast) -> None:
    assert broadcast.at is not None  # noqa: S101 - it is scheduled
    due = BroadcastDue(broadcast.id, broadcast.revision)
    data = msgspec.Raw(msgspec.json.encode(due))
    asked = ScheduleRequested(_key(broadcast.id), broadcast.at, "broadcast.due.v1", data)
    batch.emit(new_event(SOURCE, asked))


def _unschedule(batch: Batch, broadcast: Broadcast) -> None:
    batch.emit(new_event(SOURCE, ScheduleCancelled(_key(broadcast.id))))


def _key(id: UUID) -> str:
    return f"broadcast:{id}"


def _request(broadcast: Broadcast) -> UUID:
    assert broadcast.request_id is not None  # noqa: S101 - it was counted
    return broadcast.request_id


def _names(fields: Mapping[str, Any]) -> str:
    return ", ".join(sorted(fields))
