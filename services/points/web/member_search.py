"""`GET /v1/members`: who they are, found as somebody types, filtered, page by page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints

from services.points.members import searching
from services.points.members.searching import Page
from services.points.rules import phones, profiles, typed
from services.points.rules.typed import Range
from services.points.segments import reading
from services.points.segments.named import named
from services.points.segments.reading import Reading
from services.points.store import member_search as store
from services.points.store import profiles as profile_store
from services.points.store.member_search import Filter
from services.points.web import schemas, summary
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.auth import Owner

router = APIRouter(prefix="/v1/members", tags=["members"])

FIRST_ID = UUID(int=0)
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[
    str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[0-9A-Za-z_=-]*$")
]


class Found(schemas.Member):
    """A member with what tells one from others. `line`: friend, blocked (has blocked the account),
    or none; `line_name` is the name that LINE shows."""

    name: str | None = None
    name_kana: str | None = None
    line_name: str | None = None
    phone: str | None = None
    external_id: str | None = None
    tags: list[str] = Field(default_factory=list)
    line: str = "none"


class FoundPage(schemas.MemberPage):
    """A page of members; `next` is the cursor of the following one. A page may have fewer members
    than asked for, or none, and still have a `next`: go on there."""

    items: list[Found]  # type: ignore[assignment]  # each is a Member


@router.get("", response_model=FoundPage)
async def listed(
    request: Request,
    key: Owner,
    status: Annotated[str | None, Query(pattern="^(active|suspended|left|merged)$")] = None,
    tag: schemas.Text | None = None,
    rank: schemas.Text | None = None,
    store: schemas.Text | None = None,
    segment: schemas.Text | None = None,
    q: schemas.Text | None = None,
    after: Cursor | None = None,
    limit: Limit = 50,
) -> FoundPage:
    """Members in the order of joining; with `q` exact matches first, then the most recent visit.

    `q` is what somebody types, from its first letter on: a card's number from the beginning or its
    last digits (also of a replaced card), a phone number or four of its last digits or more, the
    beginning of an external id, any part of a name or of the name in LINE; width, case, hiragana
    and katakana do not matter.
    `rank`, `segment` are codes; `store` is the code of one where they have bought.
    """
    wanted = Filter(status=status, tag=tag, rank=rank, store=store)
    return await find(request, wanted, q=q, segment=segment, after=after, limit=limit)


async def find(
    request: Request,
    wanted: Filter,
    *,
    q: str | None,
    segment: str | None,
    after: str | None,
    limit: int,
) -> FoundPage:
    """A page of members, for the API and the console."""
    async with _connection(request, segment) as (connection, belonging):
        if q and q.strip():
            members, following = await _searched(
                connection, q.strip(), wanted, belonging, after, limit
            )
        else:
            page, last = await searching.browse(
                connection, _id(after), limit, wanted=wanted, segment=belonging
            )
            members, following = page, str(last) if last else None
        items = await _shown(request, connection, members)
    return FoundPage(items=items, next=following)


@asynccontextmanager
async def _connection(
    request: Request, segment: str | None
) -> AsyncIterator[tuple[Connection, Reading | None]]:
    """With a segment within one snapshot, as segments are read."""
    async with request.app.state.process.pool.acquire() as connection:
        if segment is None:
            yield connection, None
            return
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            definition = await named(connection, segment)
            if definition is None:
                raise Problem(
                    404, "unknown-segment", "There is no segment of this code. GET /v1/segments."
                )
            rulebook = request.app.state.rulebook
            yield connection, await reading.read(connection, rulebook, definition)


async def _searched(
    connection: Connection,
    q: str,
    wanted: Filter,
    segment: Reading | None,
    after: str | None,
    limit: int,
) -> tuple[list[UUID], str | None]:
    ranges, ready = await searching.ranges_of(connection, q)
    if not ranges:
        return [], None
    if not ready:
        return await _as_before(connection, q, wanted, after, limit)
    cursor = _read(after, ranges)
    admit = searching.belonging(connection, segment) if segment else None
    page: Page = await searching.search(
        connection, ranges, cursor, limit, wanted=wanted, admit=admit
    )
    return page.members, typed.written(page.next) if page.next else None


async def _as_before(
    connection: Connection, q: str, wanted: Filter, after: str | None, limit: int
) -> tuple[list[UUID], str | None]:
    """While members that were there before are still being taken in (minutes after an upgrade):
    whole numbers and parts of names, in the order of joining, as slowly as it used to be."""
    page = await profile_store.search(
        connection,
        _id(after),
        wanted.status,
        limit,
        tag=wanted.tag,
        text=q,
        phone=phones.normal(q),
        name=profiles.searched(q),
    )
    return [each.id for each in page], str(page[-1].id) if len(page) == limit else None


async def _shown(request: Request, connection: Connection, members: list[UUID]) -> list[Found]:
    known = await summary.members(connection, request.app.state.rulebook, members)
    told = await store.shown(connection, members)
    return [_found(each, told[each.id]) for each in known if each.id in told]


def _found(member: schemas.Member, told: store.Shown) -> Found:
    plain: dict[str, Any] = {name: getattr(member, name) for name in schemas.Member.model_fields}
    return Found.model_construct(
        **plain,
        name=told.name,
        name_kana=told.name_kana,
        line_name=told.line_name,
        phone=told.phone,
        external_id=told.external_id,
        tags=told.tags or [],
        line=told.line,
    )


def _id(after: str | None) -> UUID:
    try:
        return UUID(after) if after else FIRST_ID
    except ValueError:
        raise _bad_cursor() from None


def _read(after: str | None, ranges: list[Range]) -> typed.Cursor | None:
    if after is None:
        return None
    cursor = typed.read(after, ranges)
    if cursor is None:
        raise _bad_cursor()
    return cursor


def _bad_cursor() -> Problem:
    detail = "`after` is the `next` of the page before, of the same search. Begin without it."
    return Problem(422, "bad-cursor", detail, errors=[("after", "is not a cursor of this list")])
