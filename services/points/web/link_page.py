"""`/link`: the page that LINE's account link leads through. The customer says which card is theirs,
and goes back to LINE with a nonce; LINE then says by webhook which user that was (`linking`).

Nobody is signed in here, so guessing is what must not pay: wrong tries are counted by address, by
card, and, for codes, over everybody.
"""

import hashlib
import hmac
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.points.errors import NotLinkable
from services.points.members import link_codes
from services.points.rules import phones
from services.points.settings import WebSettings
from services.points.store import links as store
from services.points.store import members as member_store
from services.points.store import phones as phone_store
from services.points.store.members import Member
from services.points.web import card_pages
from services.points.web.forms import address_of
from shared import clock
from shared.bus.handling import Connection
from shared.keys import Keys
from shared.web.acting import acting

router = APIRouter(prefix="/link", include_in_schema=False)

MOST_BODY = 4096
MOST_TOKEN = 200
TRIES_OF_ADDRESS = 20
"""Within the hour; many customers of one mobile network may share an address."""
TRIES_OF_CARD = 5
TRIES_OF_CODES = 100
"""Over everybody: with a handful of codes out, less than one in a thousand hours is hit."""

WORDS = {
    "link_token": (
        "お店のLINEトークで「カード連携」と送り、届いたボタンからもう一度開いてください。",
        'Send "link card" in the shop\'s LINE chat and open the button that comes.',
    ),
    "wrong_card": (
        "カード番号と電話番号の組み合わせが見つかりません。お確かめください。電話番号を登録して"
        "いない場合は、レジでコードを受け取ってください。",
        "No card has this number and phone. Check both; if the shop has no phone of yours, ask "
        "the till for a code.",
    ),
    "wrong_code": (
        "このコードは使えません。数字と、発行から10分以内であることをお確かめください。",
        "This code is not valid. Check the digits; it is good for 10 minutes.",
    ),
    "too_many_tries": (
        "間違いが続いたため、しばらく手続きできません。1時間ほどたってからお試しください。",
        "Too many wrong tries. Please come back in an hour.",
    ),
    "card_has_line": (
        "このカードはすでにLINEと連携しています。お店までお問い合わせください。",
        "This card is linked to LINE already. Please ask the shop.",
    ),
    "already_yours": (
        "このカードはすでにまとめられています。",
        "This card is on your account already.",
    ),
    "line_has_card": (
        "それぞれに別のカードがまとめられています。お店で会員の統合をご依頼ください。",
        "Both hold other cards already. Please ask the shop to merge them.",
    ),
    "points_held": (
        "レジで手続き中のポイントがあります。お会計が終わってからお試しください。",
        "Points are being used at a till. Try again when that is done.",
    ),
    "not_member": (
        "退会されています。もう一度友だちに追加してください。",
        "You have left. Add the account as a friend anew.",
    ),
    "expired": (
        "このカードは使われなくなりました。お店までお問い合わせください。",
        "This card is no longer in use. Please ask the shop.",
    ),
    "suspended": (
        "現在この会員のご利用を停止しています。お店までお問い合わせください。",
        "This membership is suspended. Please ask the shop.",
    ),
}


class Given(NamedTuple):
    """What the customer filled in."""

    link_token: str
    card: str
    phone: str
    code: str


@router.get("")
async def page(request: Request, linkToken: str = "") -> HTMLResponse:
    """The form."""
    if not _is_token(linkToken):
        return await _page(request, "", "link_token", 400)
    return await _page(request, linkToken)


@router.post("")
async def submit(request: Request) -> Response:
    """Find the card and send the customer back to LINE."""
    given = await _given(request)
    if given is None or not _is_token(given.link_token):
        return await _page(request, "", "link_token", 400)
    settings: WebSettings = request.app.state.card.settings
    try:
        async with acting(request) as batch:
            address = f"page:{_keyed_hash(_keys(request).new, address_of(request))}"
            member = await proven(request, batch.connection, given, address)
            if member is not None:
                link_codes.require_linkable(member.status, member.line_user_id)
                nonce = await link_codes.new_nonce(batch.connection, member.id, clock.now())
    except NotLinkable as refused:
        status = 429 if refused.reason == "too_many_tries" else 422
        return await _page(request, given.link_token, refused.reason, status, given.card)
    if member is None:
        wrong = "wrong_code" if given.code else "wrong_card"
        return await _page(request, given.link_token, wrong, 422, given.card)
    query = urlencode({"linkToken": given.link_token, "nonce": nonce})
    address = f"{settings.access_base}/dialog/bot/accountLink?{query}"
    return RedirectResponse(address, 303, headers=_headers(settings))


async def proven(request: Request, connection: Connection, given: Given, who: str) -> Member | None:
    """Whose card it is; None, and noted against `who` asks, if nobody's. Raises NotLinkable after
    too many wrong tries."""
    now, keys = clock.now(), _keys(request)
    await link_codes.require_tries(connection, who, now, TRIES_OF_ADDRESS)
    if given.code:
        found = await _by_code(connection, keys, given.code, now)
    else:
        found = await _by_card(connection, keys.new, given, now)
    if found is None:
        await store.tried(connection, who, now)
        return None
    (member,) = await member_store.by(connection, "id", [found])
    return member


async def _by_code(
    connection: Connection, keys: Keys[bytes], text: str, now: datetime
) -> UUID | None:
    await link_codes.require_tries(connection, "page", now, TRIES_OF_CODES)
    code = link_codes.typed(text)
    found = await link_codes.find(connection, keys, code, now) if code else None
    if found is not None and code and await link_codes.use(connection, keys, code):
        return found
    await store.tried(connection, "page", now)
    return None


async def _by_card(connection: Connection, key: bytes, given: Given, now: datetime) -> UUID | None:
    card = "".join(filter(str.isdigit, given.card))
    who = f"card:{_keyed_hash(key, card)}"
    await link_codes.require_tries(connection, who, now, TRIES_OF_CARD)
    phone = phones.normal(given.phone)
    members = await member_store.by(connection, "card", [card])
    holder = await phone_store.holder(connection, phone)
    if members and members[0].id == holder:
        return members[0].id
    await store.tried(connection, who, now)
    return None


async def _given(request: Request) -> Given | None:
    """The form's fields; None for what is no such form."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            return None
    try:
        fields = dict(parse_qsl(body.decode(), max_num_fields=10, errors="strict"))
    except ValueError:
        return None
    names = ("linkToken", "card", "phone", "code")
    return Given(*(fields.get(name, "").strip().replace("\x00", "") for name in names))


async def _page(
    request: Request, link_token: str, problem: str = "", status: int = 200, card: str = ""
) -> HTMLResponse:
    words = card_pages.said(request, *WORDS[problem]) if problem else ""
    settings: WebSettings = request.app.state.card.settings
    return card_pages.page(
        request,
        "link.html",
        await card_pages.brand_of(request),
        status=status,
        headers=_headers(settings),
        link_token=link_token,
        problem=words,
        card=card,
    )


def _headers(settings: WebSettings) -> dict[str, str]:
    """The address holds LINE's token: it goes to nobody else. The form leads on to LINE."""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"form-action 'self' https: line: {settings.access_base}; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def _is_token(text: str) -> bool:
    return 0 < len(text) <= MOST_TOKEN and text.isascii() and text.isprintable()


def _keys(request: Request) -> Keys[bytes]:
    keys: Keys[bytes] = request.app.state.card.qr_keys
    return keys


def _keyed_hash(key: bytes, text: str) -> str:
    message = b"tamaru.link-page." + text.encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:32]
