"""Broadcasts as the API shows them."""

import json
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request

from services.notify.broadcasts import planning
from services.notify.broadcasts.broadcast import Broadcast
from services.notify.broadcasts.states import State
from services.notify.quota import estimating
from services.notify.settings import NotifySettings
from services.notify.store import broadcasts as store
from services.notify.store import campaigns
from services.notify.store import links as store_links
from services.notify.web import broadcasts_schemas as schemas
from shared import clock
from shared.bus.handling import Connection

OPEN = ("waiting", "held")


def broadcast(request: Request, it: Broadcast) -> schemas.Broadcast:
    """One as it is in lists."""
    return schemas.Broadcast(**_fields(request, it))


async def in_full(
    connection: Connection, request: Request, it: Broadcast
) -> schemas.BroadcastInFull:
    """One with its progress and its acts."""
    acts = [schemas.BroadcastAct(**row) for row in await store.acts(connection, it.id)]
    progress = None
    if it.started_at is not None:
        progress = await _progress(connection, request, it)
    cost = None
    if it.counts is not None and it.started_at is None and it.finished_at is None:
        cost = await _cost(connection, it.counts.recipients)
    return schemas.BroadcastInFull(**_fields(request, it), cost=cost, progress=progress, acts=acts)


async def report(connection: Connection, it: Broadcast) -> schemas.BroadcastReport:
    """The result, as far as it is known."""
    rows = await campaigns.tally(connection, it.id)

    def total(*statuses: str) -> int:
        return sum(row["count"] for row in rows if row["status"] in statuses)

    def reasons(status: str) -> dict[str, int]:
        return {row["reason"] or "": row["count"] for row in rows if row["status"] == status}

    left_out = {**_never_planned(it), **reasons("skipped")}
    return schemas.BroadcastReport(
        id=it.id,
        state=it.state.value,
        confirmed_recipients=it.confirmed_recipients,
        planned=total(*{row["status"] for row in rows} - {"skipped"}),
        delivered=total("delivered"),
        failed=_reasons(reasons("failed")),
        unknown=total("unknown"),
        cancelled=total("cancelled"),
        dropped=total("dropped"),
        open=total(*OPEN),
        clicks=await store_links.clicks_of_broadcast(connection, it.id),
        left_out=_reasons(left_out),
        started_at=it.started_at,
        finished_at=it.finished_at,
        unit=it.unit,
    )


def recipient(row: Any) -> schemas.BroadcastRecipient:
    """Somebody whom it concerned."""
    return schemas.BroadcastRecipient(
        id=row["id"],
        line_user_id=row["line_user_id"],
        member=row["member_id"],
        status=row["status"],
        reason=row["reason"],
        language=row["language"],
        via=row["via"],
        tries=row["tries"],
        line_request_id=row["request_id"],
        finished_at=row["finished_at"],
    )


def _fields(request: Request, it: Broadcast) -> dict[str, Any]:
    return {
        "id": it.id,
        "name": it.name,
        "state": it.state.value,
        "revision": it.revision,
        "content": json.loads(it.content),
        "definition": json.loads(it.definition),
        "segment": it.segment,
        "growth_limit_percent": it.growth_limit_percent,
        "personal": it.personal,
        "languages": it.spoken,
        "counted": _counted(request, it),
        "confirmed_recipients": it.confirmed_recipients,
        "confirmed_at": it.confirmed_at,
        "at": it.at,
        "problem": schemas.BroadcastProblem(ja=it.problem.ja, en=it.problem.en)
        if it.problem
        else None,
        "unit": it.unit,
        "started_at": it.started_at,
        "finished_at": it.finished_at,
        "created_at": it.created_at,
    }


def _counted(request: Request, it: Broadcast) -> schemas.BroadcastCount | None:
    counts, at = it.counts, it.counted_at
    if counts is None or at is None:
        return None
    confirmed = it.confirmed_recipients
    return schemas.BroadcastCount(
        at=at,
        people=counts.people,
        recipients=counts.recipients,
        languages=counts.languages,
        left_out=counts.left_out,
        calls=counts.calls,
        seconds=planning.seconds_needed(counts.calls, _pace(request, it)),
        difference=None if confirmed is None else counts.recipients - confirmed,
    )


async def _cost(connection: Connection, recipients: int) -> schemas.BroadcastCost:
    found = await estimating.estimate(connection, recipients, clock.now())
    wanted = schemas.BroadcastCost.model_fields
    return schemas.BroadcastCost(**{name: getattr(found, name) for name in wanted})


async def _progress(
    connection: Connection, request: Request, it: Broadcast
) -> schemas.BroadcastProgress:
    by_status: dict[str, int] = {}
    for row in await campaigns.tally(connection, it.id):
        by_status[row["status"]] = by_status.get(row["status"], 0) + row["count"]
    recipients = it.counts.recipients if it.counts else 0
    return schemas.BroadcastProgress(
        recipients=recipients,
        by_status=by_status,
        ends_at=_ends_at(request, it, by_status, recipients),
    )


def _ends_at(
    request: Request, it: Broadcast, by_status: dict[str, int], recipients: int
) -> datetime | None:
    if it.state is not State.SENDING:
        return None
    over = sum(count for name, count in by_status.items() if name not in (*OPEN, "skipped"))
    left = max(0, recipients - over)
    calls = left if it.personal else -(-left // planning.MOST_RECIPIENTS)
    return clock.now() + timedelta(seconds=planning.seconds_needed(calls, _pace(request, it)))


def _pace(request: Request, it: Broadcast) -> float:
    """LINE's calls a second that it may make."""
    settings: NotifySettings = request.app.state.settings
    if it.personal:
        return settings.personal_broadcast_rate
    return settings.line_multicast_rate_per_second


def _never_planned(it: Broadcast) -> dict[str, int]:
    """Those of the segment to whom there is no way: nothing is written down of each of them."""
    counts = it.counts.left_out if it.counts and it.started_at else {}
    return {reason: count for reason, count in counts.items() if reason in ("no_line", "erased")}


def _reasons(counts: dict[str, int]) -> list[schemas.BroadcastReason]:
    return [
        schemas.BroadcastReason(reason=reason, count=count)
        for reason, count in sorted(counts.items(), key=lambda each: -each[1])
    ]
