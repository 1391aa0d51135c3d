"""`/v1/messages/deliveries` and `/recipients`: what was said to whom, and what became of it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.notify.store import delivery_log as store
from shared.problems import Problem, invalid
from shared.web.auth import Caller

router = APIRouter(prefix="/v1/messages", tags=["deliveries"])

Status = Literal[
    "waiting", "held", "delivered", "merged", "failed", "skipped", "unknown", "cancelled", "dropped"
]


class MessageDelivery(BaseModel):
    """One notice to one person. `merged`: told within the message of the delivery `merged_into`;
    `outcome` is then what became of that one, and so are `via`, `reason`, `tries` and the times.

    `reason` of what was skipped: `blocked`, `opted_out` or `switched_off`; otherwise words of
    LINE's or of the budget's. `template` with `template_version` null is as shipped.
    """

    id: UUID
    event: UUID
    member: UUID | None
    broadcast: UUID | None
    category: str
    template: str
    template_version: int | None
    language: str | None
    status: Status
    outcome: Status
    reason: str | None
    via: Literal["reply", "push", "multicast"] | None
    merged_into: UUID | None
    tries: int
    line_request_id: str | None
    created_at: datetime
    due_at: datetime | None
    finished_at: datetime | None


class MessageDeliveryPage(BaseModel):
    """A page of deliveries, newest first."""

    items: list[MessageDelivery]
    next: str | None = None


class Preference(BaseModel):
    """Somebody's last word on a category, given in chat or on the card."""

    category: Literal["receipt", "rank", "expiry", "campaign"]
    stopped: bool
    changed_at: datetime
    via: Literal["chat", "card"]


class MessageRecipient(BaseModel):
    """A LINE user of a member. `language` is theirs from `profile_at` on, when LINE told it, and
    until then the shop's. Who has blocked the account is not written to from `blocked_since` on;
    `returned_at` is when they last came back."""

    language: Literal["ja", "en"]
    profile_at: datetime | None
    blocked: bool
    blocked_since: datetime | None
    returned_at: datetime | None
    preferences: list[Preference]


class MessageRecipients(BaseModel):
    """The LINE users of one member: usually one."""

    items: list[MessageRecipient]
    next: None = None


@router.get("/deliveries", response_model=MessageDeliveryPage)
async def listed(
    request: Request,
    key: Caller,
    member: UUID | None = None,
    event: UUID | None = None,
    broadcast: UUID | None = None,
    status: Status | None = None,
    cursor: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> MessageDeliveryPage:
    """What was said, newest first: to a member, because of an event, in a broadcast, in a state.
    Kept for 180 days."""
    if event is not None and broadcast is not None and event != broadcast:
        raise invalid([("broadcast", "give event or broadcast, not both")])
    async with request.app.state.process.pool.acquire() as connection:
        after = await store.place(connection, cursor) if cursor else None
        if cursor and after is None:
            raise Problem(404, "no-such-place", "Take `next` of the page before as cursor.")
        rows = await store.page(
            connection,
            member=member,
            event=event or broadcast,
            status=status,
            after=after,
            limit=limit,
        )
    following = str(rows[-1]["id"]) if len(rows) == limit else None
    return MessageDeliveryPage(items=[_shown(row) for row in rows], next=following)


@router.get("/deliveries/{delivery_id}", response_model=MessageDelivery)
async def one(request: Request, key: Caller, delivery_id: UUID) -> MessageDelivery:
    """A delivery."""
    async with request.app.state.process.pool.acquire() as connection:
        row = await store.one(connection, delivery_id)
    if row is None:
        raise Problem(404, "unknown-delivery", "GET /v1/messages/deliveries lists what there is.")
    return _shown(row)


@router.get("/recipients/{member_id}", response_model=MessageRecipients)
async def recipients(request: Request, key: Caller, member_id: UUID) -> MessageRecipients:
    """Whether and how a member is reached in LINE, and what they do not want to hear."""
    async with request.app.state.process.pool.acquire() as connection:
        rows = await store.recipients(connection, member_id)
    if not rows:
        words = "This member has no LINE account, or there is no such member."
        raise Problem(404, "unknown-recipient", words)
    return MessageRecipients(items=[_recipient(row) for row in rows])


def _shown(row: Any) -> MessageDelivery:
    return MessageDelivery(
        event=row["event_id"],
        member=row["member_id"],
        broadcast=row["broadcast_id"],
        template=row["kind"],
        line_request_id=row["request_id"],
        **{name: row[name] for name in MessageDelivery.model_fields if name in row.keys()},  # noqa: SIM118
    )


def _recipient(row: Any) -> MessageRecipient:
    return MessageRecipient(
        language=row["language"],
        profile_at=row["profile_at"],
        blocked=row["blocked"],
        blocked_since=(row["blocked_at"] or row["changed_at"]) if row["blocked"] else None,
        returned_at=row["returned_at"],
        preferences=msgspec.json.decode(row["said"]),
    )
