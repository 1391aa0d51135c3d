"""`/v1/messages/settings`: the owner's settings of messages, put whole, by revision."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel

from services.notify.preferences.settings import SHIPPED, MessageSettings
from services.notify.store import message_settings as store
from services.notify.store.message_settings import Revision
from shared import clock
from shared.problems import Problem, malformed
from shared.web import schemas
from shared.web.acting import acting, audited
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/messages", tags=["message settings"])
NOTHING_PUT = Revision(0, SHIPPED.model_dump_json(by_alias=True), clock.now())
_STALE: dict[int | str, dict[str, Any]] = {
    412: {"model": schemas.Problem, "description": "Another revision counts by now."}
}


class SettingsRevision(BaseModel):
    """The settings that count. Revision 0 is what is shipped."""

    revision: int
    changed_at: datetime | None
    settings: MessageSettings


@router.get("/settings", response_model=SettingsRevision)
async def current(request: Request, response: Response, key: Caller) -> SettingsRevision:
    """What is sent at all, when it is quiet, how long notices gather. The ETag is the revision."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.latest(connection) or NOTHING_PUT
    return _shown(response, found)


@router.put("/settings", response_model=SettingsRevision, responses=_STALE)
async def put(
    request: Request,
    response: Response,
    key: Owner,
    body: MessageSettings,
    if_match: Annotated[str | None, Header(description="The ETag of what was read.")] = None,
) -> SettingsRevision:
    """Put the whole document: what is left out is as shipped. It counts in every process within
    five seconds, for what is said from then on. Putting what counts already changes nothing."""
    expected = _expected(if_match)
    async with acting(request) as batch:
        before = await store.latest_locked(batch.connection) or NOTHING_PUT
        if expected is not None and expected != before.revision:
            words = f"Revision {before.revision} counts by now. Read it and decide again."
            raise Problem(412, "out-of-date", words)
        found = Revision(before.revision + 1, body.model_dump_json(by_alias=True), clock.now())
        if before.revision and MessageSettings.model_validate_json(before.document) == body:
            found = before
        else:
            await store.put(batch.connection, found, key.actor)
        told = json.loads(before.document), json.loads(found.document)
        audited(request, "message_settings", before=told[0], after=told[1])
    return _shown(response, found)


def _shown(response: Response, found: Revision) -> SettingsRevision:
    response.headers["ETag"] = f'"{found.revision}"'
    return SettingsRevision(
        revision=found.revision,
        changed_at=found.changed_at if found.revision else None,
        settings=MessageSettings.model_validate_json(found.document),
    )


def _expected(if_match: str | None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    text = if_match.strip('W/"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise malformed("If-Match takes the ETag of GET /v1/messages/settings.")
    return int(text)
