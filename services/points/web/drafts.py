"""`/v1/program/draft`: the rules that are being written, kept so that no device loses them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.points.store import drafts as store
from services.points.store.drafts import Draft
from services.points.web.program import answers
from services.points.web.trials import as_json
from shared import clock
from shared.problems import Problem
from shared.web import schemas as common
from shared.web.auth import Owner

router = APIRouter(prefix="/v1/program/draft", tags=["program"])
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
_NONE: Any = {404: {"model": common.Problem, "description": "There is no draft"}}
_CHANGED: Any = {409: {"model": common.Problem, "description": "It was saved elsewhere meanwhile"}}


class DraftChange(BaseModel):
    """A draft to keep; it need not be valid yet. `base` is the version that the writing began from
    (0: none). `revision` is the one that you saw (0: none); left out, it replaces any."""

    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any]
    base: Number
    revision: Number | None = None


class SavedDraft(BaseModel):
    """The draft as it was last saved."""

    document: dict[str, Any]
    base: int
    revision: int
    saved_by: str
    saved_at: datetime


@router.get("", response_model=SavedDraft, responses=_NONE)
async def read(request: Request, key: Owner) -> SavedDraft:
    """The draft that all who may edit share."""
    async with request.app.state.process.pool.acquire() as connection:
        draft = await store.read(connection)
    if draft is None:
        raise Problem(404, "no-draft", "Nothing is being written. PUT a draft.")
    return _shown(draft)


@router.put("", response_model=SavedDraft, responses={**answers(400, 413), **_CHANGED})
async def save(request: Request, key: Owner, body: DraftChange) -> SavedDraft:
    """Keep a draft. It changes nothing but itself, so it leaves no trail."""
    document = as_json(body.document).decode()
    async with request.app.state.process.pool.acquire() as connection, connection.transaction():
        await store.lock(connection)
        known = await store.read(connection)
        revision = known.revision if known else 0
        if body.revision is not None and body.revision != revision:
            detail = f"The draft has revision {revision} now. Look at it and send it again."
            raise Problem(409, "draft-changed", detail)
        return _shown(await store.save(connection, document, body.base, key.actor, clock.now()))


@router.delete("", status_code=204, response_class=Response)
async def discard(request: Request, key: Owner) -> Response:
    """Throw the draft away; none is no matter."""
    async with request.app.state.process.pool.acquire() as connection:
        await store.remove(connection)
    return Response(status_code=204)


def _shown(draft: Draft) -> SavedDraft:
    return SavedDraft(
        document=msgspec.json.decode(draft.document),
        base=draft.base,
        revision=draft.revision,
        saved_by=draft.saved_by,
        saved_at=draft.saved_at,
    )
