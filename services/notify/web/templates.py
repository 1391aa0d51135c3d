"""`/v1/messages/templates`: what the engine says, in the owner's own words where there are any."""

import json
from typing import Annotated, Any, get_args

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response

from services.notify import categories
from services.notify.store import templates as store
from services.notify.store.templates import LATEST, Version
from services.notify.templates import differences, wording
from services.notify.templates.checking import Found
from services.notify.templates.in_force import unusable
from services.notify.templates.kinds import KINDS, problems
from services.notify.web import templates_schemas as schemas
from services.notify.web.templates_schemas import Language
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem, malformed
from shared.web import schemas as common
from shared.web.acting import IdempotencyKey, acting, audited, once
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/messages", tags=["templates"])
LARGEST = 400_000
"""Bytes of a body; five carousels of LINE's largest take 250 KB."""

LANGUAGES: tuple[Language, ...] = get_args(Language)
Limit = Annotated[int, Query(ge=1, le=100)]
Number = Annotated[int, Query(ge=1, le=LATEST, description="`next` of the page before.")]


@router.get("/templates", response_model=schemas.MessageKindPage)
async def kinds(request: Request, key: Caller) -> schemas.MessageKindPage:
    """All kinds of message: what each is for, its variables, and what is said now."""
    async with request.app.state.process.pool.acquire() as connection:
        newest = {(each.kind, each.language): each for each in await store.in_force(connection)}
    return schemas.MessageKindPage(
        items=[
            schemas.MessageKind(
                kind=name,
                purpose=_both(kind.purpose),
                category=categories.of_kind(name),
                variables=[
                    schemas.TemplateVariable(
                        name=each,
                        form=slot.variable.form,
                        most=slot.variable.most,
                        meaning=_both(slot.meaning),
                        example=_both(slot.example),
                    )
                    for each, slot in kind.slots.items()
                ],
                state={language: state(newest.get((name, language))) for language in LANGUAGES},
            )
            for name, kind in KINDS.items()
        ]
    )


@router.get("/templates/{kind}/{language}", response_model=schemas.TemplateShown)
async def current(
    request: Request, response: Response, key: Caller, kind: str, language: Language
) -> schemas.TemplateShown:
    """What is said now, word for word; the ETag is the version (0: never saved)."""
    async with request.app.state.process.pool.acquire() as connection:
        newest = await in_force(connection, kind, language)
    response.headers.update(_etag(newest))
    return shown(kind, language, newest)


@router.put("/templates/{kind}/{language}", response_model=schemas.TemplateShown)
async def save(
    request: Request,
    response: Response,
    key: Owner,
    kind: str,
    language: Language,
    body: schemas.NewTemplate,
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> schemas.TemplateShown:
    """Say this from now on, in every process within seconds; a new version, unless nothing
    changed. `If-Match` names the version that was read. What LINE would not take is refused, all of
    it at once."""
    await sized(request)
    checked(kind, body.messages)
    async with acting(request) as batch:
        await store.lock(batch.connection)
        newest = await in_force(batch.connection, kind, language)
        _unmoved(newest, if_match)
        text = _json(body.messages)
        told = words_of(kind, language, newest)
        audited(request, f"template:{kind}:{language}", before=told, after=body.messages)
        if newest is None or newest.messages != text:
            newest = await store.save(
                batch.connection,
                kind,
                language,
                text,
                note=body.note,
                by=key.actor,
                now=clock.now(),
            )
    response.headers.update(_etag(newest))
    return shown(kind, language, newest)


@router.post("/templates/{kind}/check", response_model=schemas.CheckedTemplate)
async def check(
    request: Request, key: Caller, kind: str, body: schemas.TemplateDraft
) -> schemas.CheckedTemplate:
    """What would keep this from being saved, and what it would change. Changes nothing."""
    await sized(request)
    found = problems(_known(kind), body.messages)
    changed: list[schemas.TemplateDifference] = []
    if not found and body.language is not None:
        async with request.app.state.process.pool.acquire() as connection:
            newest = await in_force(connection, kind, body.language)
        changed = _changed(words_of(kind, body.language, newest), body.messages)
    return schemas.CheckedTemplate(valid=not found, problems=_told(found), differences=changed)


@router.get("/templates/{kind}/{language}/versions", response_model=schemas.TemplateVersionPage)
async def versions(
    request: Request,
    key: Caller,
    kind: str,
    language: Language,
    cursor: Number = LATEST,
    limit: Limit = 50,
) -> schemas.TemplateVersionPage:
    """Every version, newest first."""
    async with request.app.state.process.pool.acquire() as connection:
        rows = await store.page(connection, _known(kind), language, before=cursor, limit=limit)
    following = rows[-1].version if len(rows) == limit else None
    return schemas.TemplateVersionPage(items=[_listed(each) for each in rows], next=following)


@router.get(
    "/templates/{kind}/{language}/versions/{version}", response_model=schemas.TemplateVersionInFull
)
async def version(
    request: Request, key: Caller, kind: str, language: Language, version: int
) -> schemas.TemplateVersionInFull:
    """A version word for word, and what it changed."""
    async with request.app.state.process.pool.acquire() as connection:
        this = await _version(connection, kind, language, version)
        before = await store.page(connection, kind, language, before=version)
    old = words_of(kind, language, before[0] if before else None)
    new = words_of(kind, language, this)
    return schemas.TemplateVersionInFull(
        **_listed(this).model_dump(), messages=new, differences=_changed(old, new)
    )


@router.post("/templates/{kind}/{language}/revert", response_model=schemas.TemplateShown)
async def revert(
    request: Request,
    response: Response,
    key: Owner,
    kind: str,
    language: Language,
    body: schemas.TemplateRevert,
    idem: IdempotencyKey,
) -> schemas.TemplateShown:
    """Go back to the shipped default, or to an earlier version's words; a new version, so that
    what was said when stays known."""
    async with acting(request) as batch:
        await store.lock(batch.connection)
        asked = {"kind": _known(kind), "language": language, **body.model_dump()}
        _, new = await once(batch, key, idem, "template.revert", asked)
        newest = await in_force(batch.connection, kind, language)
        told = words_of(kind, language, newest)
        words = None
        if body.version is not None:
            words = (await _version(batch.connection, kind, language, body.version)).messages
            if words is not None:
                checked(kind, msgspec.json.decode(words))
        if new and words != (newest.messages if newest else None):
            newest = await store.save(
                batch.connection,
                kind,
                language,
                words,
                note=body.note,
                by=key.actor,
                now=clock.now(),
            )
        again = words_of(kind, language, newest)
        audited(request, f"template:{kind}:{language}", before=told, after=again)
    response.headers.update(_etag(newest))
    return shown(kind, language, newest)


async def in_force(connection: Connection, kind: str, language: str) -> Version | None:
    """The newest version; None where there never was one. Raises Problem 404."""
    rows = await store.page(connection, _known(kind), language)
    return rows[0] if rows else None


def words_of(kind: str, language: str, version: Version | None) -> Any:
    """What a version says: its own words, or the shipped ones."""
    if version is None or version.messages is None:
        return wording.document(language)["messages"][kind]
    try:
        return msgspec.json.decode(version.messages)
    except msgspec.MsgspecError:  # `problems` says so; it is never said
        return wording.document(language)["messages"][kind]


def checked(kind: str, messages: Any) -> None:
    """Raises Problem 404 for an unknown kind, 422 with all that is wrong."""
    if found := problems(_known(kind), messages):
        raise Problem(
            422, "invalid-template", "Nothing was saved. Correct what errors lists.", errors=found
        )


async def sized(request: Request) -> None:
    """Raises Problem 413 for a body that no message needs."""
    if len(await request.body()) > LARGEST:
        raise Problem(413, "too-large", f"A template has at most {LARGEST:,} bytes.")


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise Problem(404, "no-such-kind", "GET /v1/messages/templates lists the kinds there are.")
    return kind


async def _version(connection: Connection, kind: str, language: str, number: int) -> Version:
    if 1 <= number < LATEST:
        rows = await store.page(connection, _known(kind), language, before=number + 1)
        if rows and rows[0].version == number:
            return rows[0]
    raise Problem(404, "unknown-version", "GET …/versions lists the versions there are.")


def _unmoved(newest: Version | None, if_match: str | None) -> None:
    if if_match is None or if_match == "*":
        return
    text = if_match.strip('W/"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise malformed("If-Match takes the ETag of the template.")
    if int(text) != (newest.version if newest else 0):
        raise Problem(412, "out-of-date", "Another version was saved meanwhile. Read it first.")


def _json(messages: Any) -> str:
    return json.dumps(messages, ensure_ascii=False, separators=(",", ":"))


def _etag(newest: Version | None) -> dict[str, str]:
    return {"ETag": f'"{newest.version if newest else 0}"'}


def _both(words: Any) -> schemas.TemplateWords:
    return schemas.TemplateWords(ja=words.ja, en=words.en)


def _told(found: Found) -> list[common.ProblemField]:
    return [common.ProblemField(path=path, message=message) for path, message in found]


def _changed(before: Any, after: Any) -> list[schemas.TemplateDifference]:
    found = differences.between(before, after)
    return [schemas.TemplateDifference(**each._asdict()) for each in found]


def state(newest: Version | None) -> schemas.TemplateState:
    """What is said now, and what keeps the newest version from being said."""
    if newest is None:
        return schemas.TemplateState(version=None, saved=None, changed_at=None, problems=[])
    wrong = unusable(newest)
    own = newest.messages is not None and not wrong
    return schemas.TemplateState(
        version=newest.version if own else None,
        saved=newest.version,
        changed_at=newest.created_at,
        problems=_told(wrong),
    )


def shown(kind: str, language: Language, newest: Version | None) -> schemas.TemplateShown:
    """A kind's words in a language, in full."""
    now = state(newest)
    return schemas.TemplateShown(
        kind=kind,
        language=language,
        version=now.version,
        messages=words_of(kind, language, newest),
        default=wording.document(language)["messages"][kind],
        note=newest.note if newest else None,
        changed_at=now.changed_at,
        changed_by=newest.created_by if newest else None,
        problems=now.problems,
    )


def _listed(version: Version) -> schemas.TemplateVersion:
    return schemas.TemplateVersion(
        version=version.version,
        default=version.messages is None,
        note=version.note,
        changed_at=version.created_at,
        changed_by=version.created_by,
    )
