"""`/card/profile`: what customers tell about themselves, with their consent, and take back.

The consent is kept with its wording's version and its date. The birthday can be told once, for it
brings gifts: who took it back cannot tell another one. Staff can (`/v1/members/{id}`).
"""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from msgspec import UNSET
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.points.members import membership
from services.points.rules.profiles import PROFILE, Consent, Patch, Profile
from services.points.store import cards as store
from services.points.store import profiles as profile_store
from services.points.web import card_pages, card_shown
from services.points.web.card import member_of
from services.points.web.card_farewell import CUSTOMER
from services.points.web.naming import nobody
from services.points.web.profiles import OLDEST, refusals
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.acting import acting

router = APIRouter(prefix="/card/profile", include_in_schema=False)

VERSION = 1
"""Of the consent's wording in `card_profile.html`: a new wording is a new version."""
_SOURCE = "card/"


def _text(most: int) -> Any:
    return StringConstraints(max_length=most, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")


class Told(BaseModel):
    """The form as it was filled in; empty fields are not told. Left out, the birthday stays."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, _text(60)] = ""
    birthday: date | None = None
    gender: Annotated[str, _text(40)] = ""
    area: Annotated[str, _text(100)] = ""
    consent: bool = False


@router.get("")
async def form(request: Request) -> HTMLResponse:
    """The form with what is known."""
    id = await member_of(request)
    async with request.app.state.process.pool.acquire() as connection:
        return await _form(request, connection, id)


@router.post("")
async def tell(request: Request, body: Told) -> HTMLResponse:
    """Keep what the customer tells; without their consent, what was kept is deleted."""
    id = await member_of(request)
    async with acting(request) as batch, refusals():
        _, before = await membership.locked(batch, id)
        fixed = await _birthday_fixed(batch.connection, id, before)
        patch = _patch(request, body, before, fixed)
        await membership.update(batch, request.app.state.awards, id, patch, actor=CUSTOMER)
        return await _form(request, batch.connection, id)


def _patch(request: Request, body: Told, before: Profile, fixed: bool) -> Patch:
    """What changes. Raises Problem 422 for a birthday that cannot be."""
    consent = _consent(body, before)
    if not body.consent:
        return Patch(consent=consent)
    birthday: Any = UNSET
    if "birthday" in body.model_fields_set and body.birthday != before.birthday:
        if fixed:
            ja = "誕生日は一度だけ登録できます。変更はお店にお申し付けください。"
            en = "The birthday can be set once. To change it, please ask the shop."
            raise Problem(422, "birthday-set", card_pages.said(request, ja, en))
        if body.birthday is not None and not OLDEST <= body.birthday <= clock.now().date():
            text = card_pages.said(request, "誕生日をお確かめください。", "Check the birthday.")
            raise Problem(422, "no-birthday", text)
        birthday = body.birthday
    return Patch(
        birthday=birthday,
        gender=body.gender or None,
        area=body.area or None,
        fields={"name": body.name or None},
        consent=consent,
    )


def _consent(body: Told, before: Profile) -> Any:
    """The consent as it is from now on; unchanged where the customer says what they said."""
    known = before.consent.get(PROFILE)
    source = f"{_SOURCE}{VERSION}"
    if known is None:
        same = not body.consent
    else:
        older = known.source.startswith(_SOURCE) and known.source != source
        same = known.given == body.consent and not (known.given and older)
    if same:
        return UNSET
    return {PROFILE: Consent(body.consent, clock.now(), source)}


async def _birthday_fixed(connection: Connection, id: UUID, known: Profile) -> bool:
    return known.birthday is not None or await store.has_set(connection, id, CUSTOMER, "birthday")


async def _form(request: Request, connection: Connection, id: UUID) -> HTMLResponse:
    known = await profile_store.find(connection, id)
    if known is None:
        raise nobody()
    consent = known.consent.get(PROFILE)
    given = consent is not None and consent.given
    zone = card_shown.zone_of(request)
    return card_pages.fragment(
        request,
        "card_profile.html",
        profile=known,
        fixed=await _birthday_fixed(connection, id, known),
        consent=given,
        agreed_on=consent.at.astimezone(zone).date() if consent else None,
        agreed_to=_version(consent.source) if consent else "",
        version=VERSION,
        today=clock.now().astimezone(zone).date(),
    )


def _version(source: str) -> str:
    """The version that was agreed to here; what was agreed elsewhere is named as it was."""
    return source.removeprefix(_SOURCE)
