"""A webhook of LINE taken apart: one event for each element of `events`, raw, whatever it is.

Owns the split and the ids; must not judge what an element means. Fields may be missing, new or of
another type than documented: nothing here may fail because of an element.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.webhook import hostile_json
from services.webhook.errors import NotAWebhook
from shared import ids
from shared.events import Event, LineEventReceived, new_event

SOURCE = "/webhook"
LONGEST_NAME = 200


class Webhook(msgspec.Struct):
    """The body, its elements untouched."""

    events: msgspec.Raw
    destination: msgspec.Raw = msgspec.Raw(b"null")


class _Source(msgspec.Struct, rename="camel"):
    user_id: str | None = None


class _DeliveryContext(msgspec.Struct, rename="camel"):
    is_redelivery: bool = False


class _Head(msgspec.Struct, rename="camel"):
    """What is read of an element here."""

    type: str = ""
    webhook_event_id: str | None = None
    source: _Source | None = None
    delivery_context: _DeliveryContext | None = None


_webhook = msgspec.json.Decoder(Webhook)
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_head = msgspec.json.Decoder(_Head)


def split(body: bytes, received_at: datetime) -> list[Event[LineEventReceived]]:
    """The events of a signed body, in its order. Raises NotAWebhook."""
    destination, elements = _take_apart(body)
    return [_event(element, destination, received_at) for element in elements]


def _take_apart(body: bytes) -> tuple[str | None, list[msgspec.Raw]]:
    try:
        body.decode()
    except UnicodeDecodeError as problem:
        raise NotAWebhook(
            f"The body is not UTF-8: {problem.reason} at byte {problem.start}."
        ) from None
    try:
        return _decode(body)
    except (msgspec.MsgspecError, RecursionError):
        try:
            return _decode(hostile_json.repair(hostile_json.flatten(body)))
        except (ValueError, RecursionError) as problem:
            raise NotAWebhook(f"Send a JSON object with an `events` list: {problem}.") from None


def _decode(body: bytes) -> tuple[str | None, list[msgspec.Raw]]:
    webhook = _webhook.decode(body)
    return _read(webhook.destination, str), _elements.decode(webhook.events)


def _event(
    element: msgspec.Raw, destination: str | None, received_at: datetime
) -> Event[LineEventReceived]:
    raw = _readable(bytes(element))
    head = _head_of(raw)
    data = LineEventReceived(
        kind=_name(head.type) or "",
        event=msgspec.Raw(raw),
        received_at=received_at,
        destination=_name(destination),
        user_id=_name(head.source.user_id) if head.source else None,
        redelivered=head.delivery_context.is_redelivery if head.delivery_context else False,
    )
    return new_event(SOURCE, data, id=_id(head.webhook_event_id, destination, raw))


def _readable(raw: bytes) -> bytes:
    """The element as it came, unless readers would fail on it."""
    if hostile_json.may_be_deep(raw):
        raw = hostile_json.flatten(raw)
    try:
        msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return hostile_json.repair(raw)
    return raw


def _id(webhook_event_id: str | None, destination: str | None, raw: bytes) -> UUID:
    """The same for each delivery of the same event."""
    if webhook_event_id:
        return ids.derived_id("line", webhook_event_id)
    return ids.derived_id("line", destination or "", raw.decode())


def _head_of(raw: bytes) -> _Head:
    try:
        return _head.decode(raw)
    except msgspec.MsgspecError:
        return _head_by_field(raw)


def _head_by_field(raw: bytes) -> _Head:
    """The fields that are as documented, when others are not."""
    fields: dict[str, msgspec.Raw] = _read(raw, dict[str, msgspec.Raw]) or {}
    nothing = msgspec.Raw(b"null")
    return _Head(
        type=_read(fields.get("type", nothing), str) or "",
        webhook_event_id=_read(fields.get("webhookEventId", nothing), str),
        source=_read(fields.get("source", nothing), _Source),
        delivery_context=_read(fields.get("deliveryContext", nothing), _DeliveryContext),
    )


def _read(raw: msgspec.Raw | bytes, type: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=type)
    except msgspec.MsgspecError:
        return None


def _name(value: str | None) -> str | None:
    """A name as LINE makes them; anything else stays in the raw event only."""
    if value is None or len(value) > LONGEST_NAME or not value.isprintable():
        return None
    return value
