"""`/v1/messages/quota`: the month's quota as a budget, its cost, and what is held because of it."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.notify.quota import months, releasing, situation
from services.notify.store import quota as store
from services.notify.web import quota_schemas as schemas
from services.notify.web import quota_shown as shown
from shared import clock
from shared.problems import malformed
from shared.web.acting import acting, audited
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/messages/quota", tags=["quota"])

Limit = Annotated[int, Query(ge=1, le=60)]


@router.get("", response_model=schemas.Quota)
async def now(request: Request, key: Caller) -> schemas.Quota:
    """The month so far: used and left, the forecast, the cost, what is held and what was
    dropped."""
    at = clock.now()
    async with request.app.state.process.pool.acquire() as connection:
        return await shown.month_so_far(connection, at)


@router.get("/plan", response_model=schemas.QuotaPlanNow)
async def plan(request: Request, key: Caller) -> schemas.QuotaPlanNow:
    """The plan in force; an empty one, under which everything goes, until one was put."""
    return schemas.shown(await store.plan(request.app.state.process.pool))


@router.put("/plan", response_model=schemas.QuotaPlanNow)
async def put_plan(request: Request, key: Owner, body: schemas.QuotaPlan) -> schemas.QuotaPlanNow:
    """Put a plan in force, whole. It counts everywhere within seconds; what is held goes then as
    far as it allows."""
    at, document = clock.now(), body.plan()
    async with acting(request) as batch:
        there = schemas.shown(await store.plan(batch.connection))
        before, after = (
            there.model_dump(mode="json"),
            schemas.shown(document).model_dump(mode="json"),
        )
        audited(request, "quota_plan", before=before, after=after)
        await store.put_plan(batch.connection, document, at, key.actor)
        await releasing.release(batch.connection, at)
    return schemas.shown(document)


@router.post("/release", response_model=schemas.Released)
async def release(request: Request, key: Owner) -> schemas.Released:
    """Let go what is held, after the plan was changed at LINE: LINE is asked for its figures again,
    and what still does not fit is held again."""
    async with acting(request) as batch:
        released = await releasing.release_all(batch.connection, clock.now())
        audited(request, "quota", before={"held": released}, after={"held": 0})
    return schemas.Released(released=released)


@router.get("/months", response_model=schemas.MonthPage)
async def past(
    request: Request, key: Caller, limit: Limit = 12, cursor: str | None = None
) -> schemas.MonthPage:
    """Months with what was used and what they cost, the newest first, this one too."""
    async with request.app.state.process.pool.acquire() as connection:
        zone = await situation.zone_of(connection)
        following = months.after(months.first_of(months.day_of(clock.now(), zone)))
        found = await store.months(connection, _before(cursor) or following, limit + 1)
    more = found[limit - 1].month.isoformat() if len(found) > limit else None
    return schemas.MonthPage(items=[shown.month_used(each) for each in found[:limit]], next=more)


def _before(cursor: str | None) -> date | None:
    if cursor is None:
        return None
    try:
        return date.fromisoformat(cursor)
    except ValueError:
        raise malformed("Use the cursor that `next` gave, unchanged.") from None
