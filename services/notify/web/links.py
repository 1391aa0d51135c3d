"""`/v1/messages/links`: tracked links, the owner's own too, and how often each is opened."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.notify.links import codes
from services.notify.links.addresses import BadAddress, checked
from services.notify.program_zone import DEFAULT_ZONE
from services.notify.store import links as store
from services.notify.store import program
from services.notify.store.links import Counted, Link
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem, invalid
from shared.web.acting import IdempotencyKey, acting, audited, once
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/messages", tags=["links"])

Word = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC))
]
Limit = Annotated[int, Query(ge=1, le=200)]

USUAL_PERIOD = timedelta(days=30)
LONGEST_BY_HOUR = timedelta(days=31)
LONGEST_PERIOD = timedelta(days=801)


class NewLink(BaseModel):
    """A link of the owner's own: for a poster, a receipt, a page elsewhere."""

    model_config = ConfigDict(extra="forbid")

    name: Word
    address: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class TrackedLink(BaseModel):
    """A link: `url` is what is given out and leads to `address`, for good. `clicks`: how often
    people have opened it, in all."""

    id: UUID
    url: str
    address: str
    name: str | None
    broadcast: UUID | None
    template: str | None
    template_version: int | None
    segment: str | None
    clicks: int
    created_at: datetime


class TrackedLinkPage(BaseModel):
    """A page of links, newest first."""

    items: list[TrackedLink]
    next: str | None = None


class ClicksAt(BaseModel):
    """How often within the hour or day that begins at `at`; where there were none, nothing."""

    at: datetime
    clicks: int


class ClicksOverTime(BaseModel):
    """Clicks in their order."""

    items: list[ClicksAt]
    next: None = None


class ClicksOf(BaseModel):
    """All clicks of the links of one broadcast, template (with `version`), segment or name."""

    of: str
    version: int | None
    links: int
    clicks: int


class ClicksBy(BaseModel):
    """Who or what was opened most; the first 500."""

    items: list[ClicksOf]
    next: None = None


@router.post("/links", status_code=201, response_model=TrackedLink)
async def create(request: Request, key: Owner, body: NewLink, idem: IdempotencyKey) -> TrackedLink:
    """A link of the owner's own, counted like those in messages."""
    try:
        address = checked(body.address)
    except BadAddress as problem:
        raise invalid([("address", str(problem))]) from None
    _require_public_url(request)
    async with acting(request) as batch:
        id, new = await once(batch, key, idem, "link", body)
        if new:
            link = Link(id, codes.new(), address, body.name, None, None, None, None, clock.now())
            await store.add(batch.connection, [link])
            told = {"name": body.name, "address": address}
            audited(request, f"link:{id}", before=None, after=told)
        return _shown(request, await _found(batch.connection, id))


@router.get("/links", response_model=TrackedLinkPage)
async def listed(
    request: Request,
    key: Caller,
    broadcast: UUID | None = None,
    template: Annotated[Word | None, Query()] = None,
    segment: Annotated[Word | None, Query()] = None,
    cursor: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Limit = 50,
) -> TrackedLinkPage:
    """Links, newest first; of one broadcast, template or segment where that is asked."""
    async with request.app.state.process.pool.acquire() as connection:
        after = None
        if cursor is not None:
            last = (await _found(connection, cursor)).link
            after = (last.created_at, last.id)
        rows = await store.page(
            connection,
            broadcast=broadcast,
            template=template,
            segment=segment,
            after=after,
            limit=limit,
        )
    following = str(rows[-1].link.id) if len(rows) == limit else None
    return TrackedLinkPage(items=[_shown(request, row) for row in rows], next=following)


@router.get("/links/{link_id}", response_model=TrackedLink)
async def one(request: Request, key: Caller, link_id: UUID) -> TrackedLink:
    """A link."""
    async with request.app.state.process.pool.acquire() as connection:
        return _shown(request, await _found(connection, link_id))


@router.get("/links/{link_id}/clicks", response_model=ClicksOverTime)
async def clicks(
    request: Request,
    key: Caller,
    link_id: UUID,
    per: Literal["hour", "day"] = "day",
    since: Moment | None = None,
    until: Moment | None = None,
) -> ClicksOverTime:
    """How often a link was opened over time: the last 30 days, or the period asked for. Days are
    those of the program's time zone. Counts are about a second behind."""
    begin, end = _period(since, until, LONGEST_BY_HOUR if per == "hour" else LONGEST_PERIOD)
    async with request.app.state.process.pool.acquire() as connection:
        await _found(connection, link_id)
        zone = await program.time_zone(connection) or DEFAULT_ZONE
        days = zone if per == "day" else None
        rows = await store.over_time(connection, link_id, begin, end, days)
    return ClicksOverTime(items=[ClicksAt(at=at, clicks=count) for at, count in rows])


@router.get("/clicks", response_model=ClicksBy)
async def summed(
    request: Request,
    key: Caller,
    by: Literal["broadcast", "template", "segment", "name"],
    since: Moment | None = None,
    until: Moment | None = None,
) -> ClicksBy:
    """Clicks within a period (the last 30 days) by broadcast, by template and its version, by
    segment, or by the names of the owner's own links; most first."""
    begin, end = _period(since, until, LONGEST_PERIOD)
    async with request.app.state.process.pool.acquire() as connection:
        rows = await store.sums(connection, by, begin, end, limit=500)
    return ClicksBy(items=[ClicksOf(**row._asdict()) for row in rows])


def _period(
    since: datetime | None, until: datetime | None, longest: timedelta
) -> tuple[datetime, datetime]:
    end = until or clock.now() + timedelta(hours=1)
    begin = since or end - USUAL_PERIOD
    if not begin < end <= begin + longest:
        raise invalid([("since", f"give a moment before until, at most {longest.days} days")])
    return begin, end


async def _found(connection: Connection, id: UUID) -> Counted:
    found = await store.find(connection, id)
    if found is None:
        raise Problem(404, "no-such-link", "There is no link with this id.")
    return found


def _require_public_url(request: Request) -> None:
    if not request.app.state.settings.public_url:
        raise Problem(
            409, "no-public-url", "Set PUBLIC_URL first: links begin with the shop's own address."
        )


def _shown(request: Request, counted: Counted) -> TrackedLink:
    link, base = counted.link, request.app.state.settings.public_url.rstrip("/")
    return TrackedLink(
        id=link.id,
        url=f"{base}/r/{link.code}",
        address=link.address,
        name=link.name,
        broadcast=link.broadcast_id,
        template=link.template,
        template_version=link.template_version,
        segment=link.segment,
        clicks=counted.clicks,
        created_at=link.created_at,
    )
