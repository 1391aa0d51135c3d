"""The button that leads to LINE's account link: its address needs a token that LINE gives for one
user and ten minutes, so it is filled in when the message is about to go.

A `link_offer` is stored with both ways: the messages with the button, and a last one that is sent
instead when LINE gives no token (or it is not known where the shop's pages are): how to link with a
code from the till.
"""

import json
from typing import Protocol
from urllib.parse import quote

from services.notify.sending.deliveries import Delivery

LINK_OFFER = "link_offer"
PLACEHOLDER = "https://link-token.invalid/"


class TokenSource(Protocol):
    """Who gives link tokens: `line_client.LineClient`."""

    async def link_token(self, line_user_id: str) -> str | None: ...


class LinkOffers:
    """Fills offers in. `public_url`: where the shop's pages are, "" if nowhere."""

    def __init__(self, line: TokenSource, public_url: str) -> None:
        self._line = line
        self._public_url = public_url.rstrip("/")

    async def complete(self, delivery: Delivery) -> None:
        """Make the delivery's messages what can be sent; others are left alone."""
        if delivery.kind != LINK_OFFER or PLACEHOLDER not in delivery.messages:
            return
        token = await self._line.link_token(delivery.line_user_id) if self._public_url else None
        delivery.messages = chosen(delivery.messages, self._public_url, token)


def chosen(messages: str, public_url: str, token: str | None) -> str:
    """The messages that fit, as a JSON array: the last one, or those before it."""
    *offer, words = json.loads(messages)
    if token is None:
        return json.dumps([words], ensure_ascii=False)
    address = f"{public_url}/link?linkToken={quote(token, safe='')}"
    return json.dumps(offer, ensure_ascii=False).replace(PLACEHOLDER, address)
