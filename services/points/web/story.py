"""`GET /v1/members/{id}/story`: all that happened to a member, in words of both languages."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, StringConstraints

from services.points.members import story as stories
from services.points.members.story import Page
from services.points.web import naming
from shared.problems import Problem
from shared.web import schemas as common
from shared.web.auth import Owner

router = APIRouter(prefix="/v1/members", tags=["members"])

Cursor = Annotated[
    str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[0-9A-Za-z_=-]*$")
]
_NOBODY: Any = {404: {"model": common.Problem, "description": "No such member"}}


class InBoth(BaseModel):
    """The same in both languages."""

    ja: str
    en: str


class ReceiptLine(BaseModel):
    """A line of the receipt; `amount` is the whole line's."""

    name: str | None
    sku: str | None
    category: str | None
    quantity: int
    amount: int


class Bought(BaseModel):
    """The purchase behind it: its lines as the till told them, and what came back (minor units)."""

    id: UUID
    total: int
    refunded: int
    currency: str
    lines: list[ReceiptLine]
    receipt: str | None
    refunds: list[dict[str, Any]]


class Part(BaseModel):
    """A part that changed."""

    what: InBoth
    before: str | None
    after: str | None


class Told(BaseModel):
    """Something that happened. `at` is when it was written down (the story's order), `occurred_at`
    when it took place; `why` lines of words; `points` what they gained or lost, `balance` what that
    came to; `actor` who did it, `by` their name; `member_id` differs where it happened to somebody
    who was merged into this member. `merge_id` is there for a merge, `undone` says that it was."""

    id: str
    kind: str
    at: datetime
    occurred_at: datetime | None
    title: InBoth
    why: InBoth
    points: int | None
    balance: int | None
    store: str | None
    actor: str | None
    by: str | None
    reason: str | None
    purchase: Bought | None
    parts: list[Part]
    merge_id: UUID | None
    undone: bool
    member_id: UUID


class StoryPage(BaseModel):
    """A page of a story, newest first."""

    items: list[Told]
    next: str | None


@router.get("/{member_id}/story", response_model=StoryPage, responses=_NOBODY)
async def story(
    request: Request,
    key: Owner,
    member_id: str,
    cursor: Cursor | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> StoryPage:
    """All that happened to a member and to whoever was merged into them: points with their reasons,
    purchases with lines and refunds, redemptions, ranks, changes of profile, tags, status and card,
    links, merges, copies. `cursor` is the `next` of the page before."""
    page = await told(request, naming.id_of(member_id), cursor, limit)
    items = [Told(**_plain(item)) for item in page.items]
    return StoryPage(items=items, next=page.next)


async def told(request: Request, member: UUID, cursor: str | None, limit: int) -> Page:
    """A page of a member's story, for the API and the console. Raises Problem."""
    behind = stories.read(cursor) if cursor else None
    if cursor and behind is None:
        raise Problem(
            422,
            "bad-cursor",
            "`cursor` is the `next` of the page before. Begin without it.",
            errors=[("cursor", "is not a cursor of this story")],
        )
    rulebook = request.app.state.rulebook
    async with request.app.state.process.pool.acquire() as connection:
        await rulebook.refresh(connection)
        program = None if rulebook.empty else rulebook.current().program
        levels = program.ranks.levels if program else ()
        page = await stories.tell(
            connection,
            member,
            {level.code: level.name for level in levels},
            program.currency if program else "JPY",
            behind=behind,
            limit=limit,
        )
    if page is None:
        raise naming.nobody()
    return page


def _plain(item: stories.Item) -> dict[str, Any]:
    """With words as objects, not as pairs."""
    fields: dict[str, Any] = msgspec.structs.asdict(item)
    fields["title"], fields["why"] = item.title._asdict(), item.why._asdict()
    fields["parts"] = [
        {"what": each.what._asdict(), "before": each.before, "after": each.after}
        for each in item.parts
    ]
    fields["purchase"] = msgspec.structs.asdict(item.purchase) if item.purchase else None
    return fields
