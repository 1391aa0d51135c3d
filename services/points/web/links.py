"""Linking a card to a LINE account, as far as it happens outside the chat: a till's code, and the
page that LINE's account link leads through."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.points.errors import NotLinkable
from services.points.members import link_codes
from services.points.web import naming
from services.points.web.profiles import refusals
from services.points.web.requests import keyed
from shared.problems import Problem
from shared.web.acting import IdempotencyKey, audited
from shared.web.auth import Writer

router = APIRouter(prefix="/v1/members", tags=["members"])

_REFUSED = {
    "card_has_line": "この会員はすでにLINEと連携しています。 The member is linked to LINE already.",
    "suspended": "この会員は現在ご利用を停止しています。 The member is suspended.",
    "too_many_codes": "コードを発行できません。少し待ってください。 Too many codes are out. Wait.",
}


class LinkCode(BaseModel):
    """Six digits for the customer to type in the LINE chat (連携 123456), once, until then."""

    code: str
    expires_at: datetime


@router.post("/{member_id}/link-codes", status_code=201, response_model=LinkCode)
async def issue(request: Request, key: Writer, member_id: str, idem: IdempotencyKey) -> LinkCode:
    """A code, good once, that links this member's card to whoever types it in the LINE chat. An
    earlier code of the member is good no more."""
    id = naming.id_of(member_id)
    secret = request.app.state.settings.qr_keys.new
    async with keyed(request, key, idem, "link-code", {"member": str(id)}) as act, refusals():
        if act.known is None:
            act.member_id = id
            try:
                issued = await link_codes.issue(act.batch, secret, act.id, id)
            except NotLinkable as refused:
                words = _REFUSED[refused.reason]
                raise Problem(409, refused.reason.replace("_", "-"), words) from None
            act.result = f"{issued.draw} {issued.expires_at.isoformat()}"
            audited(request, f"member:{id}", before=None, after={"link_code": "issued"})
        return _again(secret, act.id, act.result or "")


def _again(secret: bytes, request_id: UUID, kept: str) -> LinkCode:
    """The code of a request, made anew: only its hash is stored."""
    draw, _, expires_at = kept.partition(" ")
    code = link_codes.code_of(secret, request_id, int(draw))
    return LinkCode(code=code, expires_at=datetime.fromisoformat(expires_at))
