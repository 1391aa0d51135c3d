"""`/v1/messages/statistics`: what LINE tells of friends, messages and broadcasts."""

import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.notify.statistics.questions import JAPAN
from services.notify.store import insights as store
from services.notify.store.insights import OfBroadcast, Told
from shared import clock
from shared.problems import Problem, invalid
from shared.web.auth import Caller

router = APIRouter(prefix="/v1/messages/statistics", tags=["statistics"])

USUAL_DAYS = 30
MOST_DAYS = 400
Day = Annotated[
    datetime.date | None, Query(ge=datetime.date(2018, 1, 1), lt=datetime.date(3000, 1, 1))
]


class DayStatistics(BaseModel):
    """A day in Japan, as LINE counts. `friends` have ever added the account, `blocks` have blocked
    it, `reachable` can be sent to by their attributes. `sent_by` is LINE's count of messages by way
    of sending, `sent` its sum. `units_used`: of the 1,000 aggregation units a month. Null: LINE has
    not told (yet), or has too few people to tell."""

    day: datetime.date
    friends: int | None
    reachable: int | None
    blocks: int | None
    sent: int | None
    sent_by: dict[str, int]
    units_used: int | None


class DayStatisticsList(BaseModel):
    """Days, newest first; those that LINE has told nothing of are left out."""

    items: list[DayStatistics]
    next: None = None


class InWords(BaseModel):
    """The same in both languages."""

    ja: str
    en: str


class BroadcastStatistics(BaseModel):
    """What came of a broadcast. `delivered` is our count, at `read_at`. `opened` and `tapped` are
    people, as LINE counts them up to the day before; null while LINE tells nothing, and `note` says
    why. `clicks` are taps on our links, counted at once, also several of one person."""

    broadcast: UUID
    name: str
    started_at: datetime.datetime
    delivered: int | None
    opened: int | None
    tapped: int | None
    clicks: int
    note: InWords | None
    read_at: datetime.datetime | None


class BroadcastStatisticsPage(BaseModel):
    """Broadcasts that went out, newest first."""

    items: list[BroadcastStatistics]
    next: str | None = None


_NOT_READ = InWords(
    ja="LINEの集計は翌日以降に届きます。",
    en="LINE tells its figures from the next day on.",
)
_TOO_FEW = InWords(
    ja="人数が少ないため(20人未満)、LINEが数値を公開していません。0人という意味ではありません。",
    en="Too few people to tell: LINE withholds figures below 20. It does not mean nobody.",
)


@router.get("", response_model=DayStatisticsList)
async def by_day(
    request: Request, key: Caller, since: Day = None, until: Day = None
) -> DayStatisticsList:
    """Friends, blocks and messages sent by day: the last 30 days, or those asked for."""
    last = until or clock.now().astimezone(JAPAN).date()
    first = since or last - datetime.timedelta(days=USUAL_DAYS)
    if not first <= last <= first + datetime.timedelta(days=MOST_DAYS):
        raise invalid([("since", f"give a day not after until, at most {MOST_DAYS} days before")])
    async with request.app.state.process.pool.acquire() as connection:
        rows = await store.days(connection, first, last)
    return DayStatisticsList(items=[_day(row) for row in rows])


@router.get("/broadcasts", response_model=BroadcastStatisticsPage)
async def by_broadcast(
    request: Request,
    key: Caller,
    cursor: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BroadcastStatisticsPage:
    """How many each broadcast reached, who opened it, who tapped."""
    async with request.app.state.process.pool.acquire() as connection:
        after = None
        if cursor is not None:
            moment = await store.started_at(connection, cursor)
            if moment is None:
                raise Problem(404, "no-such-broadcast", "No broadcast with this id went out.")
            after = (moment, cursor)
        rows = await store.broadcasts(connection, after, limit)
    following = str(rows[-1].broadcast_id) if len(rows) == limit else None
    return BroadcastStatisticsPage(items=[_broadcast(row) for row in rows], next=following)


def _day(told: Told) -> DayStatistics:
    friends, sent = told.followers or {}, told.deliveries or {}
    by = {name: count for name, count in sent.items() if _is_count(count)}
    return DayStatistics(
        day=told.day,
        friends=_count(friends, "followers"),
        reachable=_count(friends, "targetedReaches"),
        blocks=_count(friends, "blocks"),
        sent=sum(by.values()) if sent.get("status") == "ready" else None,
        sent_by=by,
        units_used=_count(told.units or {}, "numOfCustomAggregationUnits"),
    )


def _broadcast(row: OfBroadcast) -> BroadcastStatistics:
    overview = (row.figures or {}).get("overview")
    overview = overview if isinstance(overview, dict) else {}
    opened, tapped = _count(overview, "uniqueImpression"), _count(overview, "uniqueClick")
    note = None
    if row.figures is None:
        note = _NOT_READ
    elif opened is None or tapped is None:
        note = _TOO_FEW
    return BroadcastStatistics(
        broadcast=row.broadcast_id,
        name=row.name,
        started_at=row.started_at,
        delivered=row.delivered,
        opened=opened,
        tapped=tapped,
        clicks=row.clicks,
        note=note,
        read_at=row.read_at,
    )


def _count(figures: dict[str, Any], name: str) -> int | None:
    found = figures.get(name)
    return found if _is_count(found) else None


def _is_count(found: Any) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)
