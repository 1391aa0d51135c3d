"""What is told of an event: its type, its moment, its data without what names a person. Pure.

The bytes of a message are the same whenever and however often it is sent, and its id is the
event's: receivers know a repeat by it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.events import PUBLIC, Event

WITHHELD = frozenset(
    (
        *("line_user_id", "reply_token", "reply_until", "qr"),
        *("display_name", "name_kana", "phone", "email", "external_id"),
        *("birthday", "birthdate", "gender", "area", "attributes"),
    )
)
"""Fields of any contract that are never told: they name a person, or let somebody act as one. The
LINE user id alone can be asked for (`include_line_user_id`)."""

TEST = "webhook.test"
EVERY = "*"


class Message(msgspec.Struct, frozen=True):
    """A message as stored. `data` is JSON; `line_user_id` is put in for those who ask."""

    id: UUID
    type: str
    at: datetime
    member_id: UUID | None
    line_user_id: str | None
    data: str


class _Told(msgspec.Struct):
    type: str
    timestamp: datetime
    id: UUID
    data: msgspec.Raw


_encode = msgspec.json.Encoder().encode


def of_event(event: Event[Any]) -> Message:
    """The message of a public event."""
    fields: dict[str, Any] = msgspec.to_builtins(event.data)
    told = _without_persons(fields)
    user = fields.get("line_user_id")
    member = _member(event.subject, fields.get("member_id"))
    return Message(event.id, event.type, event.time, member, user, _encode(told).decode())


def of_test(id: UUID, endpoint_id: UUID, at: datetime) -> Message:
    """A message that says nothing but that messages arrive."""
    data = {"webhook": endpoint_id, "text": {"ja": "送信テストです。", "en": "This is a test."}}
    return Message(id, TEST, at, None, None, _encode(data).decode())


def body(message: Message, *, include_line_user_id: bool) -> bytes:
    """The bytes of a request: `{type, timestamp, id, data}`."""
    data = message.data
    if include_line_user_id and message.line_user_id is not None:
        fields: dict[str, msgspec.Raw] = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        fields["line_user_id"] = msgspec.Raw(_encode(message.line_user_id))
        data = _encode(fields).decode()
    moment = message.at.astimezone(UTC)
    return _encode(_Told(message.type, moment, message.id, msgspec.Raw(data.encode())))


def unknown(patterns: Iterable[str]) -> list[str]:
    """The patterns that no public event matches."""
    return [pattern for pattern in patterns if not matching([pattern])]


def matching(patterns: Sequence[str]) -> list[str]:
    """The public event types that a list of patterns asks for."""
    return [name for name in sorted(PUBLIC) if wants(patterns, name)]


def wants(patterns: Sequence[str], event_type: str) -> bool:
    """Whether a list of patterns asks for a type.

    A pattern is `*`, a family (`points.*`), a name in any version (`points.earned`) or a whole type
    (`points.earned.v1`).
    """
    return any(
        pattern in (EVERY, event_type, event_type.rpartition(".")[0])
        or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))
        for pattern in patterns
    )


def _without_persons(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_persons(v) for k, v in value.items() if k not in WITHHELD}
    return [_without_persons(each) for each in value] if isinstance(value, list) else value


def _member(*candidates: object) -> UUID | None:
    for each in candidates:
        try:
            return UUID(str(each))
        except ValueError:
            continue
    return None
