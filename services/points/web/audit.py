"""`/v1/audit`: who changed what, with what was before and after; for two years."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.points.staff.act_words import words_of
from services.points.staff.differences import differences
from services.points.store import audit as store
from services.points.store.audit import Act, Wanted
from shared.problems import invalid
from shared.web.auth import Owner

router = APIRouter(prefix="/v1/audit", tags=["audit"])

Text = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Limit = Annotated[int, Query(ge=1, le=200)]


class ActWords(BaseModel):
    """What the act is called."""

    ja: str
    en: str


class FieldChange(BaseModel):
    """A field before and after; null where there was nothing, `…` where it is not kept."""

    field: str
    before: str | None
    after: str | None


class AuditEntry(BaseModel):
    """One change, by a person (`staff`), by an owner key (`key`, `role` is then `key`), or by a
    command of the operator (neither; `role` is then `command`); the names are null for who is not
    here any more. `act` is method and route, or the command; `before` and `after` are as they were
    told, `changes` what differs between them."""

    id: str
    at: datetime
    staff: str | None
    staff_name: str | None
    key: str | None
    key_name: str | None
    role: str
    service: str
    act: str
    words: ActWords
    target: str | None
    store: str | None
    before: Any = None
    after: Any = None
    changes: list[FieldChange]


class AuditPage(BaseModel):
    """Newest first."""

    items: list[AuditEntry]
    next: str | None


@router.get("", response_model=AuditPage)
async def acts(
    request: Request,
    key: Owner,
    staff: UUID | None = None,
    by_key: Annotated[UUID | None, Query(alias="key")] = None,
    act: Text = None,
    target: Text = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> AuditPage:
    """What people who were signed in, and owner keys, changed: `staff` is a person's id, `key` a
    key's. `act` is a part of method and route (`PUT`,
    `/v1/program`), `target` such as `member:<id>` or `member`; `until` itself is not in it."""
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment.tzinfo is None:
            raise invalid([(name, "Give a time with an offset, such as 2026-04-01T00:00:00Z.")])
    wanted = Wanted(staff, act, target, since, until, by_key)
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.newest(connection, wanted, cursor, limit)
    items = [shown(each) for each in found]
    return AuditPage(items=items, next=items[-1].id if len(found) == limit else None)


def shown(act: Act) -> AuditEntry:
    """An act as the API and the page show it."""
    words = words_of(act.act)
    return AuditEntry(
        id=str(act.id),
        at=act.at,
        staff=str(act.staff_id) if act.staff_id else None,
        staff_name=act.name if act.staff_id else None,
        key=str(act.key_id) if act.key_id else None,
        key_name=act.name if act.key_id else None,
        role=act.role,
        service=act.service,
        act=act.act,
        words=ActWords(ja=words.ja, en=words.en),
        target=act.target,
        store=act.store,
        before=act.before,
        after=act.after,
        changes=[FieldChange(**each._asdict()) for each in differences(act.before, act.after)],
    )
