"""`POST /card/old-card`: the card that a customer has had before LINE comes together with this one.

The customer is known by LINE's word; whose the old card is, by the phone that the shop has or by a
code from the till, within the same limits of tries as on the page of LINE's account link.
"""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.points.errors import NotLinkable
from services.points.members.linking import Wish
from services.points.web import card_pages, link_page
from services.points.web.card import holder_of
from services.points.web.link_page import Given
from shared import clock
from shared.line_login import token_of
from shared.problems import Problem
from shared.web.acting import acting

router = APIRouter(prefix="/card/old-card", include_in_schema=False)

Typed = Annotated[
    str, StringConstraints(max_length=40, strip_whitespace=True, pattern=r"^[^\x00]*$")
]


class Proof(BaseModel):
    """The card's number and the phone that the shop has, or the code from the till."""

    model_config = ConfigDict(extra="forbid")

    card: Typed = ""
    phone: Typed = ""
    code: Typed = ""


@router.post("", status_code=204, response_class=Response)
async def bring(request: Request, body: Proof) -> None:
    """Bring the two together. 422 with what to check, 429 after too many wrong tries."""
    user = await request.app.state.card.user(token_of(request))
    given = Given("", body.card, body.phone, body.code)
    try:
        async with acting(request) as batch:
            await holder_of(batch.connection, user)
            member = await link_page.proven(request, batch.connection, given, f"line:{user}")
            if member is not None:
                wish = Wish(user, clock.now())
                await request.app.state.linking.link(batch, wish, member.id)
    except NotLinkable as refused:
        status = 429 if refused.reason == "too_many_tries" else 422
        raise _problem(request, status, refused.reason) from None
    if member is None:  # and the wrong try was noted
        raise _problem(request, 422, "wrong_code" if body.code else "wrong_card")


def _problem(request: Request, status: int, reason: str) -> Problem:
    ja, en = link_page.WORDS[reason]
    return Problem(status, reason.replace("_", "-"), card_pages.said(request, ja, en))
