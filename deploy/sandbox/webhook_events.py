"""Webhook events in the exact shape of LINE's `webhook.yml`, and their signature.

Pure: ids, tokens and times are arguments.
"""

import base64
import hmac
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

Event = dict[str, Any]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_encode = msgspec.json.Encoder().encode


def new_ulid(at_ms: int, random_bits: Callable[[int], int] = secrets.randbits) -> str:
    """A ULID: 48 bits of milliseconds, 80 random ones, in Crockford's base 32."""
    value = (at_ms << 80) | random_bits(80)
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def event(kind: str, user_id: str, at_ms: int, **fields: Any) -> Event:
    """An event of one user in a one-to-one chat; `fields` are those of its type."""
    return {
        "type": kind,
        **fields,
        "webhookEventId": new_ulid(at_ms),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": at_ms,
        "source": {"type": "user", "userId": user_id},
        "mode": "active",
    }


def follow(user_id: str, at_ms: int, reply_token: str, *, unblocked: bool) -> Event:
    return event(
        "follow", user_id, at_ms, follow={"isUnblocked": unblocked}, replyToken=reply_token
    )


def unfollow(user_id: str, at_ms: int) -> Event:
    return event("unfollow", user_id, at_ms)


def text_message(user_id: str, at_ms: int, reply_token: str, message_id: str, text: str) -> Event:
    message = {
        "type": "text",
        "id": message_id,
        "quoteToken": secrets.token_urlsafe(48),
        "markAsReadToken": secrets.token_urlsafe(48),
        "text": text,
    }
    return event("message", user_id, at_ms, message=message, replyToken=reply_token)


def postback(
    user_id: str, at_ms: int, reply_token: str, data: str, params: dict[str, str] | None = None
) -> Event:
    """`params` is what a date picker or a switch of rich menus adds."""
    content: dict[str, Any] = {"data": data} | ({"params": params} if params else {})
    return event("postback", user_id, at_ms, postback=content, replyToken=reply_token)


def account_link(user_id: str, at_ms: int, reply_token: str, nonce: str) -> Event:
    link = {"result": "ok", "nonce": nonce}
    return event("accountLink", user_id, at_ms, link=link, replyToken=reply_token)


def redelivered(events: list[Event]) -> list[Event]:
    """The same events as LINE sends them again."""
    return [{**event, "deliveryContext": {"isRedelivery": True}} for event in events]


def webhook_body(destination: str, events: list[Event]) -> bytes:
    body: bytes = _encode({"destination": destination, "events": events})
    return body


def signature(channel_secret: str, body: bytes) -> str:
    """What `x-line-signature` carries: base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.digest(channel_secret.encode(), body, "sha256")).decode()
