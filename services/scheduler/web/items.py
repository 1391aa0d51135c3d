"""`/v1/schedules/items`: what happens once at its time, registered by other services.

A key may hold anything, so it stands in the query, not in the path.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request

from services.scheduler.store import items as store
from services.scheduler.store.items import Waiting
from services.scheduler.web import schemas
from services.scheduler.web.steering import noted
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.problems import Problem, invalid
from shared.web import schemas as common
from shared.web.acting import IdempotencyKey, acting, audited, once
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/schedules/items", tags=["schedules"])

Plain = r"^[^\x00]*$"
ItemKey = Annotated[str, Query(min_length=1, max_length=200, pattern=Plain)]
Text = Annotated[str | None, Query(max_length=200, pattern=Plain)]
Limit = Annotated[int, Query(ge=1, le=200)]
FIRST = (datetime(1, 1, 1, tzinfo=UTC), "")
_GONE: dict[int | str, dict[str, Any]] = {
    404: {"model": common.Problem, "description": "It was handed over, cancelled, or never there"}
}


@router.get("", response_model=schemas.ScheduledItemPage)
async def listed(
    request: Request,
    key: Caller,
    event_type: Text = None,
    subject: Text = None,
    after: Text = None,
    limit: Limit = 50,
) -> schemas.ScheduledItemPage:
    """Items that wait, the soonest first; `after` is the cursor of the page before."""
    place = _place(after) if after else FIRST
    async with request.app.state.process.pool.acquire() as connection:
        page = await store.waiting(connection, place, limit, event_type=event_type, subject=subject)
    now = clock.now()
    beyond = f"{page[-1].due_at.isoformat()} {page[-1].key}" if len(page) == limit else None
    return schemas.ScheduledItemPage(items=[_shown(each, now) for each in page], next=beyond)


@router.post("/pause", response_model=schemas.ScheduledItem, responses=_GONE)
async def hold(
    request: Request, key: Owner, item: ItemKey, idem: IdempotencyKey
) -> schemas.ScheduledItem:
    """Keep an item back until it is resumed."""
    return await _act(request, key, idem, "pause", item, lambda c: store.hold(c, item, clock.now()))


@router.post("/resume", response_model=schemas.ScheduledItem, responses=_GONE)
async def let_go(
    request: Request, key: Owner, item: ItemKey, idem: IdempotencyKey
) -> schemas.ScheduledItem:
    """Let it happen at its time; at once, if that is past."""
    return await _act(request, key, idem, "resume", item, lambda c: store.let_go(c, item))


@router.post("/run", response_model=schemas.ScheduledItem, responses=_GONE)
async def run(
    request: Request, key: Owner, item: ItemKey, idem: IdempotencyKey
) -> schemas.ScheduledItem:
    """Let it happen now; within a second it is handed over."""

    async def forward(connection: Connection) -> bool:
        return await store.bring_forward(connection, item, clock.now())

    return await _act(request, key, idem, "run", item, forward)


@router.delete("", response_model=schemas.ScheduledItem, responses=_GONE)
async def cancel(request: Request, key: Owner, item: ItemKey) -> schemas.ScheduledItem:
    """Forget it; the answer shows what it was."""
    async with acting(request) as batch:
        found = await _one(batch.connection, item)
        if not await store.cancel(batch.connection, item):
            raise _nothing()
        await noted(batch.connection, "cancel", f"item:{item}", key)
        shown = _shown(found, clock.now())
        audited(request, f"item:{item}", before=_told(shown), after=None)
        return shown


async def _act(
    request: Request,
    key: Key,
    idem: str,
    act: str,
    item: str,
    change: Callable[[Connection], Awaitable[bool]],
) -> schemas.ScheduledItem:
    async with acting(request) as batch:
        before = _shown(await _one(batch.connection, item), clock.now())
        _, new = await once(batch, key, idem, f"item-{act}", {"item": item})
        if new and await change(batch.connection):
            await noted(batch.connection, act, f"item:{item}", key)
        after = _shown(await _one(batch.connection, item), clock.now())
        audited(request, f"item:{item}", before=_told(before), after=_told(after))
        return after


def _told(item: schemas.ScheduledItem) -> dict[str, Any]:
    """An item as the audit log is told of it."""
    return {"event_type": item.event_type, "due_at": item.due_at, "status": item.status}


async def _one(connection: Connection, item: str) -> Waiting:
    found = await store.one(connection, item)
    if found is None:
        raise _nothing()
    return found


def _nothing() -> Problem:
    words = "No item with this key waits: it was handed over, cancelled, or never there."
    return Problem(404, "unknown-item", words)


def _place(cursor: str) -> tuple[datetime, str]:
    moment, _, key = cursor.partition(" ")
    try:
        place = msgspec.convert(moment, datetime)
    except msgspec.ValidationError:
        place = None
    if place is None or place.tzinfo is None:
        raise invalid([("after", "Give the `next` of the page before, as it came.")])
    return place, key


def _shown(item: Waiting, now: datetime) -> schemas.ScheduledItem:
    late = (now - item.due_at).total_seconds()
    status = "held" if item.held_at else "due" if late >= 0 else "waiting"
    return schemas.ScheduledItem(
        key=item.key,
        event_type=item.event_type,
        due_at=item.due_at,
        status=status,
        subject=item.subject,
        lag_seconds=max(0.0, late) if status == "due" else 0.0,
    )
