"""`/v1/counter/acts`: the day's list of a store, one act, and undoing it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request

from services.points.counter import undoing
from services.points.errors import NotUndoable
from services.points.purchases import service
from services.points.store import counter_acts as store
from services.points.store import requests, views
from services.points.store.counter_acts import Listed
from services.points.web import counter_schemas as schemas
from services.points.web import counter_serving as serving
from services.points.web.requests import keyed
from services.points.web.schemas import Text
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.acting import IdempotencyKey, audited
from shared.web.auth import Caller, Writer

router = APIRouter(prefix="/v1/counter/acts", tags=["counter"])


@router.get("", response_model=schemas.ActPage)
async def listed(
    request: Request,
    key: Caller,
    at: Annotated[Text | None, Query(alias="store")] = None,
    mine: bool = False,
    cursor: Text | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> schemas.ActPage:
    """What was done today at a store's counter, newest first; `mine`: by whoever asks only."""
    async with request.app.state.process.pool.acquire() as connection:
        code = await serving.where(connection, key, at)
        return await page_of(request, connection, key, code, mine, cursor, limit)


@router.get("/{act_id}", response_model=schemas.CounterResult)
async def one(request: Request, key: Caller, act_id: str) -> schemas.CounterResult:
    """An act as it is now, and the member's points."""
    async with request.app.state.process.pool.acquire() as connection:
        act = await _there(connection, key, act_id)
        return await serving.result_of(request, connection, key, act.member_id, act.id)


@router.post("/{act_id}/undo", status_code=201, response_model=schemas.CounterResult)
async def undo(
    request: Request, key: Writer, act_id: str, idem: IdempotencyKey
) -> schemas.CounterResult:
    """Undo an act of one's own within the time that the program sets, or anybody's as a manager. A
    purchase or visit is refunded whole, spent points return, given points are taken back; 409 says
    why it cannot be, such as points that were spent meanwhile."""
    async with keyed(request, key, idem, "counter.undo", {"act": act_id}) as order:
        connection = order.batch.connection
        act = await _there(connection, key, act_id, lock=True)
        if order.known is None:
            order.member_id, order.result = act.member_id, str(act.id)
            rulebook, manager = request.app.state.rulebook, serving.is_manager(key)
            await rulebook.refresh(connection)
            now = clock.now()
            try:
                undoing.require_undoable(rulebook, act, now, key.id, manager=manager)
                await undoing.undo(order.batch, rulebook, act, order.id, key.actor)
            except NotUndoable as refused:
                raise serving.refused_by(refused.kind, refused.ja, refused.en, 409) from None
            await store.undone(connection, act, now, key.actor, order.id)
            named = {"act": str(act.id), "kind": act.kind}
            before, after = {**named, "undone": False}, {**named, "undone": True}
            audited(request, f"member:{act.member_id}", before=before, after=after)
        return await serving.result_of(request, connection, key, act.member_id, act.id)


async def page_of(
    request: Request,
    connection: Connection,
    key: Key,
    code: str,
    mine: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> schemas.ActPage:
    """A page of the day's list, for a store that the caller may see. Raises Problem 400."""
    before = _place(cursor)
    since = await _midnight(request, connection)
    actor = key.id if mine else None
    found = await store.of_store(connection, code, since, before, actor, limit)
    last = found[-1] if len(found) == limit else None
    return schemas.ActPage(
        items=[serving.shown_act(request, key, act) for act in found],
        next=f"{last.acted_at.timestamp():.6f}_{last.id}" if last else None,
    )


async def _there(connection: Connection, key: Key, text: str, *, lock: bool = False) -> Listed:
    """An act in a store of the caller's. Raises Problem 404."""
    try:
        id = UUID(text)
    except ValueError:
        raise serving.unknown_act() from None
    known = (await requests.find(connection, [id])).get(id)
    found = None
    if known is not None and known.member_id is not None:
        found = await store.find(connection, known.member_id, id, lock=lock)
    if found is None or not key.covers(found.store):
        raise serving.unknown_act()
    return found


async def _midnight(request: Request, connection: Connection) -> datetime:
    rulebook = request.app.state.rulebook
    await rulebook.refresh(connection)
    zone = ZoneInfo("UTC") if rulebook.empty else rulebook.current().program.zone
    return service.today(clock.now(), zone)[0]


def _place(cursor: str | None) -> tuple[datetime, UUID]:
    """Where a page begins. Raises Problem 400 for what is no cursor of ours."""
    if cursor is None:
        return clock.now() + serving.AHEAD, views.NEWEST
    try:
        seconds, _, id = cursor.partition("_")
        return datetime.fromtimestamp(float(seconds), tz=ZoneInfo("UTC")), UUID(id)
    except (ValueError, OverflowError, OSError):
        raise Problem(400, "malformed", "This is not the `next` of a page before.") from None
