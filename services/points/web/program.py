"""`/v1/program`: the rules document and its versions."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Request, Response

from services.points import publishing
from services.points.store import programs as store
from services.points.terms import ProgramInvalid
from services.points.web import schemas
from services.points.web.auth import Caller, Owner
from shared import outbox
from shared.bus.handling import Batch
from shared.problems import Problem, malformed

router = APIRouter(prefix="/v1/program", tags=["program"])
LARGEST = 1_000_000
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}


@router.get("")
async def current(request: Request, key: Caller) -> Response:
    """The document in force, exactly as it was put; the ETag is its version."""
    async with request.app.state.process.pool.acquire() as connection:
        newest = await store.newest(connection)
        if not newest:
            raise Problem(404, "no-program", "Nothing has been published yet. PUT a document.")
        version = (await store.after(connection, newest - 1))[0]
    return Response(
        version.document, headers={"ETag": f'"{newest}"'}, media_type="application/json"
    )


@router.put("", response_model=schemas.Published, openapi_extra=_BODY)
async def publish(
    request: Request,
    response: Response,
    key: Owner,
    if_match: Annotated[str | None, Header()] = None,
) -> schemas.Published:
    """Publish the next version; in force in every process when this answers."""
    raw = await request.body()
    if len(raw) > LARGEST:
        raise Problem(413, "too-large", f"A program has at most {LARGEST} bytes.")
    process = request.app.state.process
    try:
        msgspec.json.decode(raw)
    except msgspec.MsgspecError as problem:
        raise malformed(f"Send the program as JSON: {problem}.") from None
    try:
        async with process.pool.acquire() as connection, connection.transaction():
            batch = Batch(connection)
            version = await publishing.publish(batch, raw, f"key:{key.id}", _expected(if_match))
            rows = await outbox.write(connection, batch.emitted)
    except ProgramInvalid as invalid:
        errors = [(problem.path, problem.message) for problem in invalid.problems]
        raise Problem(
            422,
            "invalid-program",
            "Nothing was published. Correct what errors lists.",
            errors=errors,
        ) from None
    except publishing.OutOfDate as late:
        raise Problem(412, "out-of-date", f"{late}. Read it and decide again.") from None
    await process.relay.hand_over(rows)
    response.headers["ETag"] = f'"{version.version}"'
    return _published(version)


@router.get("/versions", response_model=schemas.VersionPage)
async def versions(request: Request, key: Caller) -> schemas.VersionPage:
    """All versions, newest first."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.after(connection, 0)
    return schemas.VersionPage(items=[_published(version) for version in reversed(found)])


def _published(version: store.Version) -> schemas.Published:
    return schemas.Published(
        version=version.version,
        effective_from=version.effective_from,
        published_at=version.published_at,
        published_by=version.published_by,
    )


def _expected(if_match: str | None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    text = if_match.strip('W/"')
    if not text.isdigit():
        raise malformed("If-Match takes the ETag of GET /v1/program.")
    return int(text)
