"""`/v1/messages/templates/{kind}/preview` and `/test`: looking at a message before members do."""

import asyncio
import json
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request

from services.notify.categories import CATEGORIES
from services.notify.program_zone import DEFAULT_ZONE, zone_named
from services.notify.sending.deliveries import Delivery
from services.notify.store import deliveries as store_deliveries
from services.notify.store import previews as store
from services.notify.store import program, recipients
from services.notify.templates.in_force import InForce, unusable
from services.notify.templates.kinds import KINDS
from services.notify.templates.samples import examples, of_person, sendable
from services.notify.templates.template import Template
from services.notify.web import templates_schemas as schemas
from services.notify.web.templates import checked, in_force, sized, words_of
from shared import clock, ids
from shared.events import SegmentPerson, SegmentRequested, new_event
from shared.problems import Problem, unavailable
from shared.web.acting import IdempotencyKey, acting, asking, audited, once
from shared.web.auth import Owner

router = APIRouter(prefix="/v1/messages/templates", tags=["templates"])
SOURCE = "/notify"
ANSWER_SECONDS = 4.0
POLL_SECONDS = 0.05


class Late(Exception):
    """Points did not answer in time."""


class Draft(NamedTuple):
    """What is to be looked at; `version` None is the shipped default, or not saved."""

    template: Template
    version: int | None


@router.post("/{kind}/preview", response_model=schemas.TemplatePreview)
async def preview(
    request: Request, key: Owner, kind: str, body: schemas.TemplatePreviewAsked
) -> schemas.TemplatePreview:
    """The messages filled in, with examples or with what is known of a real member. Nothing is
    sent."""
    await sized(request)
    draft = await _draft(request, kind, body.language, body.messages)
    values = examples(kind, body.language)
    if body.member is not None:
        try:
            values = await _of_member(request, kind, body.language, body.member)
        except Late:
            raise unavailable(
                f"The member's data did not come within {ANSWER_SECONDS:.0f} s: the process "
                "'points segments' may be down or busy. Try again, or leave out member to see "
                "examples.",
            ) from None
    return schemas.TemplatePreview(
        messages=json.loads(draft.template.fill(values)),
        values={name: values[name] for name in KINDS[kind].slots},
        of="examples" if body.member is None else "member",
        version=draft.version,
    )


@router.post("/{kind}/test", status_code=202, response_model=schemas.TemplateTestSent)
async def test(
    request: Request, key: Owner, kind: str, body: schemas.TemplateTestAsked, idem: IdempotencyKey
) -> schemas.TemplateTestSent:
    """Send the message to one member's LINE, as it would arrive; it counts as an answer in chat,
    and against LINE's monthly quota like any push."""
    await sized(request)
    draft = await _draft(request, kind, body.language, body.messages)
    user = await _reachable(request, body.member)
    values, of = await _best(request, kind, body.language, body.member)
    messages = draft.template.fill(sendable(values))
    async with acting(request) as batch:
        asked = {"kind": kind, **body.model_dump(mode="json")}
        id, new = await once(batch, key, idem, "template.test", asked)
        delivery = Delivery(
            line_user_id=user,
            event_id=id,
            id=ids.derived_id("delivery", str(id), user),
            kind=kind,
            messages=messages,
            lease_until=clock.now(),
            category="chat",
            priority=CATEGORIES["chat"].priority,
            template_version=draft.version,
            language=body.language,
        )
        if new:
            told = {"test_to": f"member:{body.member}"}
            audited(request, f"template:{kind}:{body.language}", before=None, after=told)
            now = clock.now()
            await store_deliveries.insert(
                batch.connection, [delivery], [None], now=now, due_at=now, taken=False
            )
    return schemas.TemplateTestSent(delivery=delivery.id, of=of)


async def _draft(request: Request, kind: str, language: str, messages: Any) -> Draft:
    """The words to look at: those given, or those in force. Raises Problem 404 and 422."""
    words: InForce = request.app.state.words
    async with request.app.state.process.pool.acquire() as connection:
        await words.look(connection)
        newest = await in_force(connection, kind, language)
    version = None
    if messages is not None:
        checked(kind, messages)
    else:
        if newest is not None and unusable(newest):
            newest = None
        messages = words_of(kind, language, newest)
        version = newest.version if newest and newest.messages is not None else None
    template = Template(kind, messages, KINDS[kind].variables, version=version, fixed=words.fixed)
    return Draft(template, version)


async def _best(
    request: Request, kind: str, language: str, member: UUID
) -> tuple[dict[str, str], Any]:
    try:
        return await _of_member(request, kind, language, member), "member"
    except Late:
        return examples(kind, language), "examples"


async def _of_member(request: Request, kind: str, language: str, member: UUID) -> dict[str, str]:
    """Values with a member's data. Raises Late, and Problem 404 for nobody."""
    person = await _asked(request, member)
    async with request.app.state.process.pool.acquire() as connection:
        zone = zone_named(await program.time_zone(connection) or DEFAULT_ZONE)
    return dict(of_person(kind, language, person, zone))


async def _asked(request: Request, member: UUID) -> SegmentPerson:
    """Ask points for a member, and wait a little for the answer."""
    request_id = ids.new_id()
    async with asking(request) as batch:
        await store.ask(batch.connection, request_id, member, clock.now())
        definition = msgspec.Raw(msgspec.json.encode({"member": str(member)}))
        batch.emit(new_event(SOURCE, SegmentRequested(request_id, definition)))
    pool = request.app.state.process.pool
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ANSWER_SECONDS
    while (answer := await store.take(pool, request_id)) is None:
        if loop.time() > deadline:
            raise Late
        await asyncio.sleep(POLL_SECONDS)
    if answer.person is None:
        raise Problem(404, "no-such-member", answer.refused or "There is no member with this id.")
    return msgspec.json.decode(answer.person, type=SegmentPerson)


async def _reachable(request: Request, member: UUID) -> str:
    """The member's LINE user. Raises Problem 409 where nothing can be sent."""
    async with request.app.state.process.pool.acquire() as connection:
        users = await recipients.of_member(connection, member)
    if not users:
        raise Problem(
            409, "no-line", "Nobody's LINE belongs to this member id; add the account as a friend."
        )
    reachable = [user for user, blocked in users if not blocked]
    if not reachable:
        raise Problem(409, "blocked", "This member has blocked the account; LINE delivers nothing.")
    return reachable[0]
