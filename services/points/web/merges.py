"""Merging two members into one and telling them apart again; owner keys only."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.points.errors import NotMergeable
from services.points.members import merging
from services.points.store import merges as store
from services.points.store.merges import Merge
from services.points.web import naming, schemas, summary
from services.points.web.naming import MemberName
from services.points.web.requests import keyed
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.acting import IdempotencyKey, audited
from shared.web.auth import Owner

router = APIRouter(tags=["members"])

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class NewMerge(BaseModel):
    """Whom to take over, and why."""

    model_config = ConfigDict(extra="forbid")

    absorb: MemberName
    reason: Reason


class MergeAnswer(BaseModel):
    """A merge: `kept` has everything of `absorbed` until it is undone."""

    id: UUID
    kept: UUID
    absorbed: UUID
    names: dict[str, str]
    reason: str
    merged_at: datetime
    undone_at: datetime | None


class Merged(BaseModel):
    """A merge that was made or undone, and the members as they now are."""

    merge: MergeAnswer
    members: list[schemas.Member]


class MergeList(BaseModel):
    """All merges that a member was part of, oldest first."""

    items: list[MergeAnswer]
    next: None = None


@router.post("/v1/members/{member_id}/merge", status_code=201, response_model=Merged)
async def merge(
    request: Request, key: Owner, member_id: str, body: NewMerge, idem: IdempotencyKey
) -> Merged:
    """Let this member take over points, purchases and names of another; done when answered."""
    named = {"member": member_id, **body.model_dump()}
    async with keyed(request, key, idem, "merge", named) as act:
        connection = act.batch.connection
        if act.known is None:
            kept = naming.id_of(member_id)
            before = await _balance(request, connection, kept)
            act.member_id, act.result = kept, str(act.id)
            absorbed = await naming.member(request, connection, key, body.absorb)
            try:
                await merging.merge(
                    act.batch,
                    request.app.state.rulebook,
                    id=act.id,
                    kept=kept,
                    absorbed=absorbed,
                    reason=body.reason,
                    actor=key.actor,
                )
            except NotMergeable as problem:
                raise _refused(problem) from None
            after = await _balance(request, connection, kept)
            audited(
                request,
                f"member:{kept}",
                before={"absorbed": None, "balance": before},
                after={"absorbed": str(absorbed), "balance": after},
            )
        return await _answer(request, connection, act.id)


@router.post("/v1/merges/{merge_id}/undo", response_model=Merged)
async def undo(request: Request, key: Owner, merge_id: str, idem: IdempotencyKey) -> Merged:
    """Tell the two apart again; what was spent since stays spent."""
    async with keyed(request, key, idem, "merge-undo", {"merge": merge_id}) as act:
        id = naming.id_of(merge_id)
        if act.known is None:
            made = await store.find(act.batch.connection, id)
            if made is None:
                raise _unknown()
            act.member_id, act.result = made.absorbed, str(id)
            before = await _balance(request, act.batch.connection, made.kept)
            try:
                await merging.undo(act.batch, request.app.state.rulebook, made, actor=key.actor)
            except NotMergeable as problem:
                raise _refused(problem) from None
            after = await _balance(request, act.batch.connection, made.kept)
            audited(
                request,
                f"member:{made.kept}",
                before={"absorbed": str(made.absorbed), "balance": before},
                after={"absorbed": None, "balance": after},
            )
        return await _answer(request, act.batch.connection, id)


@router.get("/v1/members/{member_id}/merges", response_model=MergeList)
async def listed(request: Request, key: Owner, member_id: str) -> MergeList:
    """The member's lineage."""
    async with request.app.state.process.pool.acquire() as connection:
        await _balance(request, connection, naming.id_of(member_id))
        found = await store.of(connection, naming.id_of(member_id))
        told = await store.told(connection, found)
    return MergeList(items=[_plain(each) for each in told])


async def _balance(request: Request, connection: Connection, id: UUID) -> int:
    """The balance of a member, who must be there. Raises Problem 404."""
    found = await summary.members(connection, request.app.state.rulebook, [id])
    if not found:
        raise naming.nobody()
    return found[0].points.balance


async def _answer(request: Request, connection: Connection, id: UUID) -> Merged:
    made = await store.find(connection, id)
    if made is None:
        raise _unknown()
    (told,) = await store.told(connection, [made])
    both = [made.kept, made.absorbed]
    members = await summary.members(connection, request.app.state.rulebook, both)
    return Merged(merge=_plain(told), members=members)


def _plain(made: Merge) -> MergeAnswer:
    return MergeAnswer(
        id=made.id,
        kept=made.kept,
        absorbed=made.absorbed,
        names=made.names,
        reason=made.reason,
        merged_at=made.merged_at,
        undone_at=made.undone_at,
    )


def _refused(problem: NotMergeable) -> Problem:
    return Problem(409, problem.kind, f"{problem.ja} {problem.en}")


def _unknown() -> Problem:
    return Problem(404, "unknown-merge", "No merge has this id. List the member's merges.")
