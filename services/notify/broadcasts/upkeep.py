"""What broadcasts need beside sending: planning page by page, ending, and being cancelled for good.

Each step is one transaction under the broadcast's lock, so any number of processes may do it and
one that dies in the middle of it has done nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from prometheus_client import Counter, Gauge

from services.notify.broadcasts import planning
from services.notify.broadcasts.broadcast import Broadcast
from services.notify.broadcasts.content import Filler
from services.notify.broadcasts.planning import Candidate
from services.notify.broadcasts.states import Act, State
from services.notify.program_zone import ProgramZone
from services.notify.store import broadcast_people as people
from services.notify.store import broadcasts as store
from services.notify.store import campaigns, multicasts
from services.notify.store import personal as store_personal
from services.notify.store.campaigns import CANCELLED, Planned
from shared import clock, logs
from shared.bus.handling import Connection
from shared.db import CONFLICTS, UNREACHABLE, Pool
from shared.giving_way import GivingWay

log = logs.logger(__name__)

LOOK_SECONDS = 0.25
PAGE = 2500
PAGE_SECONDS = 0.5
"""What planning one takes, about."""

CANCEL_CALLS = 10
"""Calls that end in one statement, with their deliveries."""

HELD_BACK = Counter(
    "tamaru_notify_broadcasts_held_back_seconds",
    "How long broadcasts have rested because people waited.",
)
_sending = Gauge("tamaru_notify_broadcasts_sending", "Broadcasts that are being sent.")


async def run(pool: "Pool[Any]", zone: ProgramZone, way: GivingWay) -> None:
    """Look after all broadcasts, until cancelled."""
    while True:
        try:
            while await _step(pool, zone):
                await way.rest(PAGE_SECONDS)
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("broadcasts not tended", problem=type(problem).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def _step(pool: "Pool[Any]", zone: ProgramZone) -> bool:
    """One page of planning or cancelling, and every ending; whether there may be more."""
    busy = False
    async with pool.acquire() as connection:
        async with connection.transaction():
            busy |= await plan_page(connection, zone)
        async with connection.transaction():
            busy |= await settle_page(connection)
        async with connection.transaction():
            busy |= await finish(connection)
    return busy


async def plan_page(connection: Connection, zone: ProgramZone) -> bool:
    """Write down the next recipients of a broadcast that is not wholly planned; whether it did."""
    for state in (State.SENDING, State.CANCELLED):
        broadcast = await store.to_tend(connection, state, planned=False)
        if broadcast is not None:
            break
    else:
        return False
    now = clock.now()
    if broadcast.started_at is None or broadcast.stream_id is None:  # cancelled before it began
        await store.change(connection, broadcast, planned_at=now)
        return True
    after = (broadcast.planned_language, broadcast.planned_user)
    page = await people.candidates(connection, broadcast.stream_id, after, PAGE)
    gone = await store_personal.erased(connection, [each.line_user_id for each in page])
    there = [each for each in page if each.line_user_id not in gone]
    if broadcast.state is State.CANCELLED:
        there = [each._replace(left_out=each.left_out or CANCELLED) for each in there]
    if broadcast.personal:
        texts = await store.texts(connection, broadcast.id)
        filler = Filler(texts, await zone.ready(connection))
        planned = [_personal(broadcast, filler, each) for each in there]
        await campaigns.insert(connection, broadcast, planned, now)
        chunks = 0
    else:
        chunks = await _by_multicast(connection, broadcast, there)
    last = page[-1] if page else None
    await store.change(
        connection,
        broadcast,
        planned_chunks=broadcast.planned_chunks + chunks,
        planned_language=last.language if last else broadcast.planned_language,
        planned_user=last.line_user_id if last else broadcast.planned_user,
        planned_at=now if len(page) < PAGE else None,
    )
    return True


async def _by_multicast(
    connection: Connection, broadcast: Broadcast, candidates: Sequence[Candidate]
) -> int:
    """Store their deliveries and calls; how many calls."""
    now = clock.now()
    chunks = planning.chunks(broadcast.id, broadcast.planned_chunks, candidates, broadcast.spoken)
    call_of = {user: chunk for chunk in chunks for user in chunk.line_user_ids}
    planned = [
        Planned(
            each.line_user_id,
            planning.delivery_id(broadcast.id, each.line_user_id),
            planning.spoken_to(each.language, broadcast.spoken),
            call_of[each.line_user_id].id if each.left_out is None else None,
            "[]",  # the text stands once for all in `broadcast_texts`
            each.left_out,
        )
        for each in candidates
    ]
    await campaigns.insert(connection, broadcast, planned, now)
    await multicasts.plan(connection, broadcast.id, chunks, now)
    return len(chunks)


def _personal(broadcast: Broadcast, filler: Filler, candidate: Candidate) -> Planned:
    language = planning.spoken_to(candidate.language, broadcast.spoken)
    left_out = candidate.left_out
    return Planned(
        candidate.line_user_id,
        planning.delivery_id(broadcast.id, candidate.line_user_id),
        language,
        None,
        "[]" if left_out else filler.fill(language, candidate.person or "{}", candidate.name),
        left_out,
    )


async def settle_page(connection: Connection) -> bool:
    """End some of what a cancelled broadcast has not sent; whether there may be more at once."""
    broadcast = await store.to_tend(connection, State.CANCELLED, planned=True)
    if broadcast is None:
        return False
    now = clock.now()
    calls = await multicasts.cancel(connection, broadcast.id, now, CANCEL_CALLS)
    own = await campaigns.cancel(connection, broadcast.id, now, PAGE)
    if calls or own:
        return True
    if await _is_open(connection, broadcast):  # calls of unknown outcome: they are asked again
        return False
    await _over(connection, broadcast)
    return False


async def finish(connection: Connection) -> bool:
    """End a broadcast of which everything went out; whether there was one."""
    skip = 0
    while True:
        broadcast = await store.to_tend(connection, State.SENDING, planned=True, skip=skip)
        _sending.set(skip + (broadcast is not None))
        if broadcast is None:
            return False
        if not await _is_open(connection, broadcast):
            now = clock.now()
            await store.note(connection, broadcast.id, Act.FINISH, now)
            await store.change(
                connection,
                broadcast,
                state=State.SENT,
                revision=broadcast.revision + 1,
                finished_at=now,
            )
            await _over(connection, broadcast)
            return True
        skip += 1


async def _is_open(connection: Connection, broadcast: Broadcast) -> bool:
    return await multicasts.is_open(connection, broadcast.id) or await campaigns.is_open(
        connection, broadcast.id
    )


async def _over(connection: Connection, broadcast: Broadcast) -> None:
    """Nothing more will happen to it: the people it was counted from are forgotten."""
    if broadcast.request_id is not None:
        await people.forget(connection, broadcast.request_id)
    await store.change(connection, broadcast, settled_at=clock.now())
