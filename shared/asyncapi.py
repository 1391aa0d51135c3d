"""The AsyncAPI 3.0 document of the bus, made from the contracts and the topology.

Nothing is described here that is not read from the code: what an event means is its contract's
docstring, who reads it is the list of subscriptions.
"""

import inspect
from typing import Any

import msgspec

from shared.bus.topology import SUBSCRIPTIONS, Names
from shared.envelope import CONTENT_TYPE
from shared.events import CONTRACTS, Event

_NAMESPACE = "tamaru"
_VERSION = "1.0.0"  # of the frame described here; each event type carries its own version
_SCHEMAS = "#/components/schemas/{name}"
_MESSAGES = "#/components/messages/{name}"


def document() -> dict[str, Any]:
    """The document, ready for JSON."""
    types = sorted(CONTRACTS)
    envelopes = [_envelope(CONTRACTS[name]) for name in types]
    schemas, components = msgspec.json.schema_components(envelopes, ref_template=_SCHEMAS)
    payloads = dict(zip(types, schemas, strict=True))
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": CONTENT_TYPE,
        "channels": {name: _channel(name) for name in types},
        "operations": _operations(),
        "components": {
            "messages": {name: _message(name, payloads[name]) for name in types},
            "schemas": components,
        },
    }


def encoded() -> bytes:
    """The same as indented JSON that ends with a newline."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2) + b"\n"


def _envelope(data: Any) -> Any:
    return Event[data]


def _info() -> dict[str, Any]:
    return {
        "title": "Tamaru events",
        "version": _VERSION,
        "description": (
            "One topic exchange; the routing key is the event's type. A message is a CloudEvents "
            "1.0 batch: a JSON array of events of one type. Delivery is at least once; readers "
            "know an event by its id. Within a version of a type fields are only added."
        ),
        "license": {"name": "Apache-2.0"},
    }


def _channel(name: str) -> dict[str, Any]:
    return {
        "address": name,
        "messages": {name: {"$ref": _MESSAGES.format(name=name)}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": Names(_NAMESPACE).events, "type": "topic", "durable": True},
            }
        },
    }


def _message(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    text = inspect.getdoc(CONTRACTS[name]) or ""
    return {
        "name": name,
        "title": name,
        "summary": text.splitlines()[0],
        "description": text,
        "contentType": CONTENT_TYPE,
        "payload": {
            "type": "array",
            "minItems": 1,
            "items": {"allOf": [payload, {"properties": {"type": {"const": name}}}]},
        },
    }


def _operations() -> dict[str, Any]:
    """One operation per queue and event type that it receives."""
    return {
        f"{purpose}:{name}": {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{name}"},
            "summary": f"The queue {Names(_NAMESPACE).queue(purpose)} receives {name}.",
            "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        }
        for purpose, types in sorted(SUBSCRIPTIONS.items())
        for name in types
    }
