"""`/v1/terminals`: API keys of tills, of the owner's systems, and of those that only read.

A key is shown once, when it is made or replaced; only its hash is kept.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.points import shopkeeping
from services.points.errors import KeyRevoked, UnknownStore
from services.points.store import terminals as store
from services.points.store.terminals import Listed
from services.points.web.requests import keyed
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem, invalid
from shared.web.acting import IdempotencyKey, acting
from shared.web.audit import audited
from shared.web.auth import OwnerOnly
from shared.web.schemas import Problem as AnsweredProblem

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": AnsweredProblem},
    409: {"model": AnsweredProblem},
}
router = APIRouter(prefix="/v1/terminals", tags=["terminals"], responses=_PROBLEMS)

NONE = UUID(int=0)
OLD_VALID_HOURS = 24
LONGEST_HOURS = 24 * 7
Id = Annotated[UUID, Path(description="The id of a key.")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
]
StoreCode = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


class NewTerminal(BaseModel):
    """A key: `pos` for a till, `owner` for your own systems (may do everything), `read` for what
    only reads. `store`: the only one that it may act for; null: any."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    kind: Literal["pos", "owner", "read"] = "pos"
    store: StoreCode | None = None


class TerminalChange(BaseModel):
    """What is to be different; what is left out stays. `store` null: any store."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    store: StoreCode | None = None


class Rotation(BaseModel):
    """How long the key that is replaced stays good, in hours; 0: not a moment."""

    model_config = ConfigDict(extra="forbid")

    old_valid_hours: Annotated[int, Field(strict=True, ge=0, le=LONGEST_HOURS)] = OLD_VALID_HOURS


class ApiKey(BaseModel):
    """An API key, without the key. `last_used_at`: of calls to the points API and purchases, to the
    minute; `old_until`: the key that it replaced is good until then."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    kind: Literal["pos", "owner", "read"]
    store: str | None
    active: bool
    created_at: datetime
    last_used_at: datetime | None
    rotated_at: datetime | None
    revoked_at: datetime | None
    old_until: datetime | None


class MadeKey(ApiKey):
    """With the key itself, this once: null when the call is repeated. Lost: replace it."""

    key: str | None


class RevokedKey(ApiKey):
    """`stops`: what no longer works, in Japanese and English."""

    stops: str


class KeyPage(BaseModel):
    """A page of keys, in no order of meaning."""

    items: list[ApiKey]
    next: str | None = None


@router.get("", response_model=KeyPage)
async def listed(
    request: Request,
    key: OwnerOnly,
    of_store: Annotated[
        str | None, Query(alias="store", max_length=100, pattern=r"^[^\x00]*$")
    ] = None,
    revoked: Annotated[bool, Query(description="Those that were revoked too.")] = False,
    cursor: UUID = NONE,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> KeyPage:
    """All keys, or those bound to a store."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.page(connection, clock.now(), cursor, of_store, revoked, limit)
    following = str(found[-1].id) if len(found) == limit else None
    return KeyPage(items=[ApiKey.model_validate(each) for each in found], next=following)


@router.post("", status_code=201, response_model=MadeKey)
async def make(
    request: Request, key: OwnerOnly, body: NewTerminal, idem: IdempotencyKey
) -> MadeKey:
    """Make a key. It is in this answer and never again; tills may use it within seconds."""
    secret = None
    async with keyed(request, key, idem, "terminal", body) as act:
        if act.known is None:
            secret = shopkeeping.new_key(body.kind)
            try:
                made = await shopkeeping.put_key(
                    act.batch, secret, body.kind, body.name, body.store
                )
            except UnknownStore:
                raise _no_store() from None
            act.result = str(made.id)
            audited(request, f"terminal:{made.id}", before=None, after=body.model_dump())
        there = await _found(act.batch.connection, UUID(act.result))
    return MadeKey(key=secret, **there._asdict())


@router.patch("/{terminal_id}", response_model=ApiKey)
async def change(request: Request, key: OwnerOnly, terminal_id: Id, body: TerminalChange) -> ApiKey:
    """Rename a key, or bind it to another store. The key itself stays."""
    async with acting(request) as batch:
        before = await _found(batch.connection, terminal_id)
        bound = body.store if "store" in body.model_fields_set else before.store
        name = body.name or before.name
        if (name, bound) != (before.name, before.store):
            try:
                await shopkeeping.change_key(batch, terminal_id, name, bound)
            except UnknownStore:
                raise _no_store() from None
        after = await _found(batch.connection, terminal_id)
        audited(
            request,
            f"terminal:{terminal_id}",
            before={"name": before.name, "store": before.store},
            after={"name": after.name, "store": after.store},
        )
    return ApiKey.model_validate(after)


@router.post("/{terminal_id}/rotate", response_model=MadeKey)
async def rotate(
    request: Request, key: OwnerOnly, terminal_id: Id, body: Rotation, idem: IdempotencyKey
) -> MadeKey:
    """Replace a key: the new one is in this answer and never again. The old one stays good for as
    long as you say. What either of them names by an Idempotency-Key is named once."""
    secret = None
    named = {"terminal": str(terminal_id), **body.model_dump()}
    async with keyed(request, key, idem, "rotation", named) as act:
        before = await _found(act.batch.connection, terminal_id)
        if act.known is None:
            secret = shopkeeping.new_key(before.kind)
            hours = timedelta(hours=body.old_valid_hours)
            until = clock.now() + hours if hours else None
            try:
                await shopkeeping.rotate_key(act.batch, terminal_id, secret, until)
            except KeyRevoked as problem:
                raise Problem(
                    409, "key-revoked", f"失効した鍵は戻せません。 {problem}.".capitalize()
                ) from None
            act.result = str(terminal_id)
            after = await _found(act.batch.connection, terminal_id)
            told = _rotated(before), _rotated(after)
            audited(request, f"terminal:{terminal_id}", before=told[0], after=told[1])
        there = await _found(act.batch.connection, terminal_id)
    return MadeKey(key=secret, **there._asdict())


@router.post("/{terminal_id}/revoke", response_model=RevokedKey)
async def revoke(
    request: Request, key: OwnerOnly, terminal_id: Id, idem: IdempotencyKey
) -> RevokedKey:
    """Refuse a key from now on, the one that it replaced too. It cannot be taken back. The last
    owner key may go: people sign in without one."""
    async with keyed(request, key, idem, "revocation", {"terminal": str(terminal_id)}) as act:
        before = await _found(act.batch.connection, terminal_id)
        if act.known is None:
            await shopkeeping.revoke_one(act.batch, terminal_id)
            act.result = str(terminal_id)
            told = {"active": before.active}, {"active": False}
            audited(request, f"terminal:{terminal_id}", before=told[0], after=told[1])
        there = await _found(act.batch.connection, terminal_id)
        last = not await store.others_of(act.batch.connection, there.kind, terminal_id)
    return RevokedKey(stops=" ".join(stops(there.kind, last)), **there._asdict())


def stops(kind: str, last: bool) -> tuple[str, str]:
    """What a revoked key ends, in Japanese and English; `last`: the only one of its kind."""
    if kind == "pos":
        return (
            "失効すると、この鍵のレジからは、購入・利用・返品を送れません。",
            "Without it, tills that have this key can send no purchases, uses and refunds.",
        )
    if kind == "read":
        return (
            "失効すると、この鍵の外部システムは、データを読めません。",
            "Without it, systems that have this key can read nothing.",
        )
    if last:
        return (
            "最後のオーナー鍵です。失効すると、自社システムとスクリプトからはAPIを使えません。"
            "ログインしての操作は続けられます。",
            "This is the last owner key. Without it your own systems and scripts can do nothing by "
            "the API; people who sign in can go on.",
        )
    return (
        "失効すると、この鍵の自社システムは、APIを使えません。",
        "Without it, systems that have this key cannot use the API.",
    )


def _rotated(key: Listed) -> dict[str, Any]:
    return {"rotated_at": key.rotated_at, "old_until": key.old_until}


async def _found(connection: Connection, id: UUID) -> Listed:
    found = await store.find(connection, id, clock.now())
    if found is None:
        raise Problem(404, "unknown-key", "この鍵はありません。 There is no such key.")
    return found


def _no_store() -> Problem:
    return invalid([("store", "there is no active store with this code")])
