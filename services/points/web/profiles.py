"""What the shop knows of a member and what is changed by hand: attributes and names, tags, status,
card. Rules stand in `membership` and `profiles`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response
from msgspec import UNSET
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
)

from services.points.errors import ChangedMeanwhile, MemberGone
from services.points.members import membership
from services.points.rules import profiles
from services.points.rules.profiles import Patch, Profile, ProfileRefused
from services.points.store import profiles as store
from services.points.store.views import NEWEST
from services.points.web import naming, schemas, summary
from services.points.web.requests import keyed
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.problems import Problem, invalid
from shared.web import schemas as common
from shared.web.acting import IdempotencyKey, acting, audited, audited_fields
from shared.web.auth import Owner, Writer

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": common.Problem, "description": "No such member"},
    412: {"model": common.Problem, "description": "Somebody changed the member meanwhile"},
}
router = APIRouter(prefix="/v1/members", tags=["members"], responses=_PROBLEMS)

OLDEST = date(1900, 1, 1)
MOST_NUMBER = 2**53
TILL_MAY_SET = {"phone", "external_id", "reason"}


def _text(most: int) -> Any:
    return StringConstraints(min_length=1, max_length=most, pattern=r"^[^\x00]*$")


Reason = Annotated[str, _text(500)]
FieldName = Annotated[str, _text(50)]
Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Number = Annotated[StrictInt, Field(ge=-MOST_NUMBER, le=MOST_NUMBER)]
Finite = Annotated[StrictFloat, Field(allow_inf_nan=False)]
Scalar = StrictBool | Number | Finite | Annotated[str, _text(1000)]
Tag = Annotated[str, Path(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f/]+$")]
IfMatch = Annotated[str | None, Header(description="The ETag that you know; else 412.")]


class ConsentGiven(BaseModel):
    """Whether the member agreed, since when (default: now) and where they said so."""

    model_config = ConfigDict(extra="forbid")

    given: StrictBool
    at: AwareDatetime | None = None
    source: Annotated[str, _text(200)]


class MemberPatch(BaseModel):
    """What to change; what is left out stays, null clears. `fields` and `consent` are merged: null
    removes one field. Birthday, gender, area and fields need consent.profile; withdrawing it
    deletes them."""

    model_config = ConfigDict(extra="forbid")

    external_id: schemas.Text | None = None
    phone: schemas.Phone | None = None
    birthday: date | None = None
    gender: Annotated[str, _text(40)] | None = None
    area: Annotated[str, _text(100)] | None = None
    fields: dict[FieldName, Scalar | None] | None = None
    consent: dict[Purpose, ConsentGiven] = {}
    reason: Reason | None = None


class Consented(BaseModel):
    """What a member said to a purpose."""

    given: bool
    at: datetime
    source: str


class Change(BaseModel):
    """Who changed what, when and why; only what differs."""

    id: UUID
    at: datetime
    actor: str
    reason: str | None
    before: dict[str, Any]
    after: dict[str, Any]


class ChangePage(BaseModel):
    """A page of changes, newest first."""

    items: list[Change]
    next: str | None


class MemberProfile(BaseModel):
    """Everything that is known of a member, with the newest changes."""

    member: schemas.Member
    external_id: str | None
    phone: str | None
    birthday: date | None
    gender: str | None
    area: str | None
    fields: dict[str, Any]
    consent: dict[str, Consented]
    tags: list[str]
    changes: ChangePage


class NewStatus(BaseModel):
    """active, or suspended: such a member earns but cannot spend. And why."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "suspended"]
    reason: Reason


class Replacement(BaseModel):
    """Why the card is replaced, such as lost or broken."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


@router.patch("/{member_id}", response_model=schemas.Member)
async def change(
    request: Request,
    response: Response,
    key: Writer,
    member_id: str,
    body: MemberPatch,
    if_match: IfMatch = None,
) -> schemas.Member:
    """Change attributes and names. A till may only give a phone or external_id to a member who has
    none. Purchases that waited for a new name are earned at once."""
    if key.kind != "owner" and body.model_fields_set - TILL_MAY_SET:
        raise Problem(403, "owner-only", "A till may set phone and external_id only.")
    id = naming.id_of(member_id)
    async with acting(request) as batch, refusals():
        after = await membership.update(
            batch,
            request.app.state.awards,
            id,
            _patch(body),
            actor=actor_of(key),
            reason=body.reason,
            match=if_match.strip().removeprefix("W/").strip('"') if if_match else None,
            only_new_names=key.kind != "owner",
        )
        audited_fields(request, f"member:{id}", body.model_fields_set - {"reason"})
        if key.kind == "owner":
            response.headers["ETag"] = _etag(after)
        return await _member(request, batch.connection, id)


@router.get("/{member_id}/profile", response_model=MemberProfile)
async def profile(
    request: Request, response: Response, key: Owner, member_id: str
) -> MemberProfile:
    """Everything that is known of a member. The ETag serves as If-Match of a change."""
    id = naming.id_of(member_id)
    async with request.app.state.process.pool.acquire() as connection:
        member = await _member(request, connection, id)
        known = await store.find(connection, id) or Profile()
        page = await _changes(connection, id, NEWEST, 50)
    response.headers["ETag"] = _etag(known)
    return MemberProfile(member=member, changes=page, **msgspec.to_builtins(known))


@router.get("/{member_id}/changes", response_model=ChangePage)
async def changes(
    request: Request,
    key: Owner,
    member_id: str,
    before: Annotated[UUID | None, Query(alias="cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ChangePage:
    """Who changed what of a member, newest first; `cursor` is the `next` of the page before."""
    async with request.app.state.process.pool.acquire() as connection:
        await _member(request, connection, naming.id_of(member_id))
        return await _changes(connection, naming.id_of(member_id), before or NEWEST, limit)


@router.put("/{member_id}/tags/{tag}", status_code=204, response_class=Response)
async def tag(request: Request, key: Owner, member_id: str, tag: Tag) -> None:
    """Put a tag on a member; nothing happens if it is there."""
    await _tag(request, key, member_id, tag, on=True)


@router.delete("/{member_id}/tags/{tag}", status_code=204, response_class=Response)
async def untag(request: Request, key: Owner, member_id: str, tag: Tag) -> None:
    """Take a tag off a member; nothing happens if it is not there."""
    await _tag(request, key, member_id, tag, on=False)


@router.put("/{member_id}/status", response_model=schemas.Member)
async def status(request: Request, key: Owner, member_id: str, body: NewStatus) -> schemas.Member:
    """Suspend a member or make them active again. Who is suspended loses nothing and goes on
    earning, but cannot spend."""
    id = naming.id_of(member_id)
    async with acting(request) as batch, refusals():
        before = (await _member(request, batch.connection, id)).status
        await membership.set_status(batch, id, body.status, reason=body.reason, actor=actor_of(key))
        after = {"status": body.status}
        audited(request, f"member:{id}", before={"status": before}, after=after)
        return await _member(request, batch.connection, id)


@router.post("/{member_id}/card", status_code=201, response_model=schemas.Member)
async def replace_card(
    request: Request, key: Writer, member_id: str, body: Replacement, idem: IdempotencyKey
) -> schemas.Member:
    """A new card at once. The old one is refused from now on; what was bought with it before still
    earns, however late it is reported."""
    id = naming.id_of(member_id)
    named = {"member": str(id), **body.model_dump()}
    async with keyed(request, key, idem, "card", named) as act, refusals():
        if act.known is None:
            act.member_id = id
            enrolment = request.app.state.enrolment
            act.result = await membership.replace_card(
                act.batch, enrolment, id, reason=body.reason, actor=actor_of(key)
            )
            audited_fields(request, f"member:{id}", ["card"])
        return await _member(request, act.batch.connection, id)


@asynccontextmanager
async def refusals() -> AsyncIterator[None]:
    """What is refused of a member, as problems that say what to do."""
    try:
        yield
    except MemberGone as gone:
        if gone.status == "unknown":
            raise naming.nobody() from None
        where: dict[str, Any] = {"merged_into": str(gone.merged_into)} if gone.merged_into else {}
        words = (
            "退会・統合済みの会員は変更できません。 The member has left or was merged into another "
            "one (merged_into): change that one."
        )
        raise Problem(409, "member-gone", words, **where) from None
    except ChangedMeanwhile as late:
        raise Problem(412, "out-of-date", f"{late}. Read it and decide again.") from None
    except ProfileRefused as refused:
        raise Problem(
            422, refused.kind, str(refused), errors=[(refused.path, str(refused))]
        ) from None


def actor_of(key: Key) -> str:
    """Who acts, as changes and entries name them."""
    return key.actor


async def _tag(request: Request, key: Key, member_id: str, tag: str, *, on: bool) -> None:
    id = naming.id_of(member_id)
    async with acting(request) as batch, refusals():
        known = await store.find(batch.connection, id)
        await membership.tag(batch, id, tag, on=on, actor=actor_of(key))
        before = {"tagged": known is not None and tag in known.tags}
        audited(request, f"member:{id}", before=before, after={"tagged": on})


async def _member(request: Request, connection: Connection, id: UUID) -> schemas.Member:
    found = await summary.members(connection, request.app.state.rulebook, [id])
    if not found:
        raise naming.nobody()
    return found[0]


async def _changes(connection: Connection, id: UUID, before: UUID, limit: int) -> ChangePage:
    rows = await store.changes(connection, id, before, limit)
    items = [Change(**msgspec.to_builtins(row)) for row in rows]
    return ChangePage(items=items, next=str(rows[-1].id) if len(rows) == limit else None)


def _patch(body: MemberPatch) -> Patch:
    today = clock.now().date()
    if body.birthday is not None and not OLDEST <= body.birthday <= today:
        raise invalid([("birthday", "give a day from 1900 to today")])
    given = {
        name: getattr(body, name) if name in body.model_fields_set else UNSET
        for name in ("external_id", "phone", "birthday", "gender", "area", "fields")
    }
    now = clock.now()
    consent = {
        purpose: profiles.Consent(each.given, each.at or now, each.source)
        for purpose, each in body.consent.items()
    }
    return Patch(**given, consent=consent or UNSET)


def _etag(known: Profile) -> str:
    return f'"{profiles.revision(known)}"'
