"""A LINE webhook event as far as notify reads it: leniently, for LINE adds and leaves out fields.

Pure. Whatever does not look as expected is simply not there; reading never fails.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from services.notify import chat
from services.notify.preferences import menu
from services.notify.preferences.menu import NOTICES, Wish
from shared.events import LineEventReceived

REPLY_LIFE = timedelta(seconds=50)
"""LINE says a reply token lives about a minute from receipt; the rest is for the way back."""

_decode = msgspec.json.Decoder().decode
_LATEST = 4_102_444_800_000  # the year 2100, in milliseconds
_MOST_ID = 200


class Incoming(NamedTuple):
    """What was read. `at` is LINE's time of the event, or of its receipt where there is none."""

    kind: str
    at: datetime
    user_id: str | None = None
    private: bool = False
    active: bool = True
    reply_token: str | None = None
    message_id: str | None = None
    topic: str | None = None
    wish: Wish | None = None

    @property
    def reply_until(self) -> datetime | None:
        """Until when the reply token is worth trying."""
        return self.at + REPLY_LIFE if self.reply_token else None

    @property
    def asks(self) -> bool:
        """Whether somebody asked, between the two of us, what points knows."""
        return self._asked and self.topic != NOTICES

    @property
    def sets_notices(self) -> bool:
        """Whether somebody asked, between the two of us, which notices they get."""
        return self._asked and self.topic == NOTICES

    @property
    def _asked(self) -> bool:
        return bool(self.topic and self.user_id and self.private and self.active)


def read(data: LineEventReceived) -> Incoming:
    """Read an event of any shape."""
    try:
        event = _dict(_decode(data.event))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        event = {}
    source = _dict(event.get("source"))
    message = _dict(event.get("message") if data.kind == "message" else event.get("unsend"))
    return Incoming(
        kind=data.kind,
        at=_moment(event.get("timestamp")) or data.received_at,
        user_id=_id(data.user_id),
        private=source.get("type") == "user",
        active=event.get("mode", "active") == "active",
        reply_token=_id(event.get("replyToken")),
        message_id=_id(message.get("id") or message.get("messageId")),
        topic=_topic(data.kind, event),
        wish=menu.wish_in(_postback(event)) if data.kind == "postback" else None,
    )


def _topic(kind: str, event: dict[str, Any]) -> str | None:
    if kind == "message":
        message = _dict(event.get("message"))
        text = message.get("text") if message.get("type") == "text" else None
        return chat.topic_of_text(text) if isinstance(text, str) else None
    if kind == "postback":
        return chat.topic_of_postback(_postback(event))
    return None


def _postback(event: dict[str, Any]) -> str:
    data = _dict(event.get("postback")).get("data")
    return data if isinstance(data, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _id(value: Any) -> str | None:
    """An id that the database can hold; an odd one counts as none."""
    if isinstance(value, str) and 0 < len(value) <= _MOST_ID and value.isprintable():
        return value
    return None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LATEST:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)
