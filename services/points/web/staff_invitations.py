"""`/v1/staff/invitations`: links that let somebody in, to show or to pass on. For owners."""

from typing import Literal
from uuid import UUID

import segno
from fastapi import APIRouter, Request, Response

from services.points.errors import UnknownStore
from services.points.settings import WebSettings
from services.points.staff import invitations
from services.points.store import staff_invitations as store
from services.points.store.staff_invitations import Invitation
from services.points.web import staff_schemas as schemas
from services.points.web.entering import keys_of, secret_of
from services.points.web.requests import keyed
from services.points.web.staff import there, unknown_store
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.acting import IdempotencyKey, acting, audited
from shared.web.auth import OwnerOnly

router = APIRouter(prefix="/v1/staff", tags=["staff"])


@router.get("/invitations", response_model=schemas.StaffInvitations)
async def open_ones(request: Request, key: OwnerOnly) -> schemas.StaffInvitations:
    """Links that are still good."""
    now = clock.now()
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.good(connection, now - invitations.LIFE, now)
    return schemas.StaffInvitations(items=[shown(request, each) for each in found])


@router.post("/invitations", status_code=201, response_model=schemas.StaffInvitation)
async def invite(
    request: Request, key: OwnerOnly, body: schemas.NewInvitation, idem: IdempotencyKey
) -> schemas.StaffInvitation:
    """Invite somebody: they open the link, within three days, and choose a password or LINE."""
    async with keyed(request, key, idem, "staff-invitation", body) as act:
        if act.known is None:
            try:
                await invitations.invite(
                    act.batch,
                    secret_of(request),
                    id=act.id,
                    name=body.name.strip(),
                    role=body.role,
                    stores=body.stores,
                    invited_by=key.id if key.role else None,
                )
            except UnknownStore as problem:
                raise unknown_store(problem) from None
            act.result = str(act.id)
            after = {"role": body.role, "stores": body.stores}
            audited(request, f"invitation:{act.id}", before=None, after=after)
        return shown(request, await _there(act.batch.connection, str(act.id)))


@router.delete("/invitations/{invitation_id}", status_code=204)
async def withdraw(request: Request, key: OwnerOnly, invitation_id: str) -> Response:
    """Make a link useless. One that was used or has expired is so already."""
    async with acting(request) as batch:
        found = await _there(batch.connection, invitation_id)
        await store.withdraw(batch.connection, found.id, clock.now())
        before = {"role": found.role, "stores": found.stores}
        audited(request, f"invitation:{found.id}", before=before, after=None)
    return Response(status_code=204)


@router.post("/{staff_id}/password-link", status_code=201, response_model=schemas.StaffInvitation)
async def password_link(
    request: Request, key: OwnerOnly, staff_id: str, idem: IdempotencyKey
) -> schemas.StaffInvitation:
    """A link by which somebody who forgot their password chooses another, within three days."""
    async with keyed(request, key, idem, "staff-password-link", {"staff": staff_id}) as act:
        if act.known is None:
            person = await there(act.batch.connection, staff_id)
            if not person.active:
                words = "退職した方です。先に復職させてください。 They work here no more."
                raise Problem(409, "not-active", words)
            await invitations.new_password_link(
                act.batch,
                secret_of(request),
                person,
                id=act.id,
                invited_by=key.id if key.role else None,
            )
            act.result = str(act.id)
            audited(request, f"staff:{person.id}", before=None, after={"link": "issued"})
        return shown(request, await _there(act.batch.connection, str(act.id)))


def shown(request: Request, invitation: Invitation) -> schemas.StaffInvitation:
    """A link as the API shows it; what it ends with only while it is good."""
    state = _state(invitation)
    link = _link(request, invitation) if state == "open" else None
    return schemas.StaffInvitation(
        id=str(invitation.id),
        name=invitation.name,
        role=invitation.role,
        stores=invitation.stores,
        staff=str(invitation.staff_id) if invitation.staff_id else None,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        state=state,
        link=link,
        qr=segno.make_qr(link, error="m").svg_inline(scale=4, border=2, omitsize=True)
        if link
        else None,
    )


def _state(invitation: Invitation) -> Literal["open", "accepted", "withdrawn", "expired"]:
    if invitation.accepted_at is not None:
        return "accepted"
    if invitation.withdrawn_at is not None:
        return "withdrawn"
    return "open" if invitation.expires_at > clock.now() else "expired"


def _link(request: Request, invitation: Invitation) -> str | None:
    code = invitations.code_again(keys_of(request), invitation)
    if code is None:
        return None
    settings: WebSettings = request.app.state.settings
    base = settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return f"{base}/invitation/{code}"


async def _there(connection: Connection, text: str) -> Invitation:
    try:
        found = await store.by_id(connection, UUID(text))
    except ValueError:
        found = None
    if found is None:
        words = "この招待は見つかりません。 There is no such invitation."
        raise Problem(404, "unknown-invitation", words)
    return found
