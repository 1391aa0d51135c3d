"""`/v1/schedules`: the recurring ones; what ran, what is next, how late; pause and run now."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.scheduler import cron, firing
from services.scheduler.errors import BadSchedule
from services.scheduler.store import acts, items
from services.scheduler.store import schedules as store
from services.scheduler.web import schemas
from services.scheduler.web.steering import noted
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.problems import Problem, invalid
from shared.web import schemas as common
from shared.web.acting import IdempotencyKey, acting, audited, once
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/schedules", tags=["schedules"])

DAY = timedelta(days=1)
LAST_ID = UUID(int=2**128 - 1)
Name = Annotated[str, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=200)]
_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": common.Problem, "description": "No such schedule"}
}


@router.get("", response_model=schemas.ScheduleOverview)
async def overview(request: Request, key: Caller) -> schemas.ScheduleOverview:
    """Schedules with their last and next runs, and what else waits, by type."""
    now = clock.now()
    async with request.app.state.process.pool.acquire() as connection:
        known = await _schedules(connection, now)
        counts = await items.counts(connection, now)
        time_zone = await store.program_zone(connection, firing.DEFAULT_ZONE)
        handed_over = await items.handed_over(connection, now - DAY)
    due = [each.next_at for each in counts if each.due and each.next_at]
    return schemas.ScheduleOverview(
        at=now,
        time_zone=time_zone,
        items=known,
        waiting=[schemas.ScheduledItemCount(**_plain(each)) for each in counts],
        handed_over=[
            schemas.ScheduledItemsHandedOver(
                event_type=each.event_type,
                items=each.items,
                worst_lag_seconds=each.worst_lag_ms / 1000,
                last_at=each.last_at,
            )
            for each in handed_over
        ],
        lag_seconds=(now - min(due)).total_seconds() if due else 0.0,
    )


@router.get("/acts", response_model=schemas.ScheduleActPage)
async def done(
    request: Request, key: Owner, before: UUID | None = None, limit: Limit = 50
) -> schemas.ScheduleActPage:
    """Who paused, ran, changed or cancelled what; `before` is the cursor of the page before."""
    async with request.app.state.process.pool.acquire() as connection:
        page = await acts.newest(connection, before or LAST_ID, limit)
    shown = [schemas.ScheduleAct(**{**_plain(each), "id": str(each.id)}) for each in page]
    return schemas.ScheduleActPage(items=shown, next=shown[-1].id if len(page) == limit else None)


@router.get("/{name}", response_model=schemas.Schedule, responses=_UNKNOWN)
async def one(request: Request, key: Caller, name: str) -> schemas.Schedule:
    """A schedule."""
    async with request.app.state.process.pool.acquire() as connection:
        return await _one(connection, name)


@router.get("/{name}/runs", response_model=schemas.ScheduleRunPage, responses=_UNKNOWN)
async def runs(
    request: Request, key: Caller, name: str, before: datetime | None = None, limit: Limit = 50
) -> schemas.ScheduleRunPage:
    """Its runs, newest first, for three months; `before` is the cursor of the page before."""
    if before is not None and before.tzinfo is None:
        raise invalid([("before", "Give a time with an offset, such as 2026-04-01T00:00:00Z.")])
    async with request.app.state.process.pool.acquire() as connection:
        await _one(connection, name)
        page = await store.runs(connection, name, before or clock.now() + DAY, limit)
    shown = [_run(each) for each in page]
    return schemas.ScheduleRunPage(
        items=shown, next=page[-1].due_at.isoformat() if len(page) == limit else None
    )


@router.put("/{name}", response_model=schemas.Schedule, responses=_UNKNOWN)
async def change(
    request: Request, key: Owner, name: str, body: schemas.ScheduleChange
) -> schemas.Schedule:
    """Other times for a schedule, from now on."""
    problems = _problems(body)
    if problems:
        raise invalid(problems)
    async with acting(request) as batch:
        known = (await _one(batch.connection, name)).model_dump(mode="json")
        told = body.model_dump(mode="json")
        before = {field: known.get(field) for field in told}
        audited(request, f"schedule:{name}", before=before, after=told)
        now = clock.now()
        batch.emit_all(await firing.ticks(batch.connection, now))  # what came due the old way
        await store.change(batch.connection, name, now=now, **body.model_dump())
        await noted(batch.connection, "change", f"schedule:{name}", key)
        return await _one(batch.connection, name)


@router.post("/{name}/pause", response_model=schemas.Schedule, responses=_UNKNOWN)
async def pause(request: Request, key: Owner, name: str, idem: IdempotencyKey) -> schemas.Schedule:
    """Let it fire nothing until it is resumed."""
    return await _steer(request, key, name, idem, "pause", store.pause)


@router.post("/{name}/resume", response_model=schemas.Schedule, responses=_UNKNOWN)
async def resume(request: Request, key: Owner, name: str, idem: IdempotencyKey) -> schemas.Schedule:
    """Let it fire again. What it missed while it was paused is not made up for."""
    return await _steer(request, key, name, idem, "resume", store.resume)


@router.post("/{name}/run", response_model=schemas.Schedule, responses=_UNKNOWN)
async def run(request: Request, key: Owner, name: str, idem: IdempotencyKey) -> schemas.Schedule:
    """Run it now, paused or not; its next run stays when it is."""
    async with acting(request) as batch:
        await _one(batch.connection, name)
        _, new = await once(batch, key, idem, "run", {"name": name})
        audited(request, f"schedule:{name}", before=None, after={"run": True})
        if new:
            actor = key.actor
            batch.emit_all(await firing.run_now(batch.connection, name, clock.now(), actor))
            await noted(batch.connection, "run", f"schedule:{name}", key)
        return await _one(batch.connection, name)


async def _steer(
    request: Request,
    key: Key,
    name: str,
    idem: str,
    act: str,
    change: Callable[[Connection, str, datetime], Awaitable[bool]],
) -> schemas.Schedule:
    async with acting(request) as batch:
        before = await _one(batch.connection, name)
        _, new = await once(batch, key, idem, act, {"name": name})
        if new and await change(batch.connection, name, clock.now()):
            await noted(batch.connection, act, f"schedule:{name}", key)
        after = await _one(batch.connection, name)
        told = {"status": before.status}, {"status": after.status}
        audited(request, f"schedule:{name}", before=told[0], after=told[1])
        return after


def _problems(body: schemas.ScheduleChange) -> list[tuple[str, str]]:
    found = []
    try:
        cron.check(body.cron)
    except BadSchedule as problem:
        words = f"{problem}. Give minute, hour, day, month and weekday, such as 30 3 * * *."
        found.append(("cron", words))
    try:
        if body.time_zone is not None:
            cron.zone(body.time_zone)
    except BadSchedule as problem:
        found.append(("time_zone", f"{problem}. Give an IANA name such as Asia/Tokyo, or null."))
    return found


async def _one(connection: Connection, name: str) -> schemas.Schedule:
    found = [each for each in await _schedules(connection, clock.now()) if each.name == name]
    if not found:
        words = "There is no such schedule. GET /v1/schedules lists them."
        raise Problem(404, "unknown-schedule", words)
    return found[0]


async def _schedules(connection: Connection, now: datetime) -> list[schemas.Schedule]:
    last = await store.last_runs(connection)
    known = await store.every(connection, firing.DEFAULT_ZONE)
    return [_shown(each, last.get(each.name), now) for each in known]


def _shown(schedule: store.Schedule, last: store.Run | None, now: datetime) -> schemas.Schedule:
    problem = _problem(schedule)
    due = firing.due_moments(schedule, now)
    return schemas.Schedule(
        name=schedule.name,
        cron=schedule.cron,
        time_zone=schedule.time_zone,
        own_time_zone=schedule.own_zone,
        catch_up=schedule.catch_up,
        status="broken" if problem else "paused" if schedule.paused_at else "active",
        paused_at=schedule.paused_at,
        problem=problem,
        last=_run(last) if last else None,
        next_at=firing.next_moment(schedule, now),
        lag_seconds=(now - due[0]).total_seconds() if due else 0.0,
    )


def _problem(schedule: store.Schedule) -> str | None:
    try:
        cron.check(schedule.cron)
        cron.zone(schedule.time_zone)
    except BadSchedule as problem:
        return str(problem)
    return None


def _run(run: store.Run) -> schemas.ScheduleRun:
    return schemas.ScheduleRun(
        due_at=run.due_at,
        fired_at=run.fired_at,
        lag_seconds=(run.fired_at - run.due_at).total_seconds(),
        asked_by=run.asked_by,
    )


def _plain(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
