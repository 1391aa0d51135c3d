"""The OpenAPI description of this service's addresses, made from the structs that they decode."""

from typing import Any

import msgspec

from services.webhook.batch_endpoint import MOST_PURCHASES, Results
from services.webhook.purchase_endpoint import Accepted, Awarded
from shared.events import Purchase
from shared.problems import MEDIA_TYPE
from shared.web.waiting import LONGEST_SECONDS


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong where."""

    path: str
    message: str


class ProblemDetails(msgspec.Struct, frozen=True):
    """RFC 9457. `type` is stable; `detail` says what to do next."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class BatchedPurchase(Purchase, frozen=True, kw_only=True):
    """A purchase in a batch, with the key that a single one has in its header."""

    idempotency_key: str


_STRUCTS = (Purchase, BatchedPurchase, Accepted, Awarded, Results, ProblemDetails)
_REF = "#/components/schemas/{name}"

_WRONG = {
    400: "Malformed; the detail says how.",
    401: "The API key is missing, unknown or revoked.",
    403: "This API key may not do that.",
    409: "The Idempotency-Key came with another body before.",
    413: "The body is too large.",
    415: "Not a media type or encoding that is taken here.",
    422: "Refused by a rule; `errors` lists all that is wrong.",
    429: "Too fast for this API key.",
    503: "Too much is under way, or nothing durable is reached. Send it again, unchanged.",
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with this service's own paths and schemas."""
    _, schemas = msgspec.json.schema_components(_STRUCTS, ref_template=_REF)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas)
    components["securitySchemes"] = {
        "api_key": {"type": "http", "scheme": "bearer", "description": "A terminal's API key."}
    }
    document.setdefault("paths", {}).update(
        {
            "/v1/purchases": {"post": _purchase()},
            "/v1/purchases/batch": {"post": _batch()},
            "/line/webhook": {"post": _webhook()},
        }
    )
    return document


def _purchase() -> dict[str, Any]:
    return {
        "operationId": "post_purchase",
        "summary": "A purchase",
        "description": "Accepted durably at once; with `Prefer: wait` its points, if in time.",
        "security": [{"api_key": []}],
        "parameters": [
            _header("Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255}, True),
            _header("Prefer", {"type": "string", "examples": ["wait=5"]}, False)
            | {"description": f"`wait=N`: seconds to wait for points, {LONGEST_SECONDS} at most"},
        ],
        "requestBody": {"required": True, "content": _json("Purchase")},
        "responses": {
            "201": _response("The points that it earned (only with `Prefer: wait`).", "Awarded"),
            "202": _response("On disk; the points follow.", "Accepted"),
            **_problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
        },
    }


def _batch() -> dict[str, Any]:
    lines = {"schema": {"$ref": _REF.format(name="BatchedPurchase")}}
    array = {"type": "array", "maxItems": MOST_PURCHASES, "items": lines["schema"]}
    return {
        "operationId": "post_purchases",
        "summary": "Up to 1,000 purchases",
        "description": "An array, or a purchase a line. Each is judged alone, the good ones are "
        "kept. 200 says that the batch was read; what became of each stands in its result.",
        "security": [{"api_key": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": array}, "application/x-ndjson": lines},
        },
        "responses": {
            "200": _response(
                "One result for each purchase, in order; as lines with `Accept: "
                "application/x-ndjson`.",
                "Results",
            ),
            **_problems(400, 401, 403, 413, 415, 422, 429, 503),
        },
    }


def _webhook() -> dict[str, Any]:
    event = {"type": "object", "properties": {"events": {"type": "array"}}, "required": ["events"]}
    return {
        "operationId": "receive_webhook",
        "summary": "LINE's webhook",
        "description": "Signed with the channel secret. Each event is kept as it came.",
        "parameters": [_header("x-line-signature", {"type": "string"}, True)],
        "requestBody": {"required": True, "content": {"application/json": {"schema": event}}},
        "responses": {
            "200": {"description": "All events are on disk."},
            **_problems(400, 401, 413, 503),
        },
    }


def _header(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": schema}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}


def _response(description: str, name: str) -> dict[str, Any]:
    return {"description": description, "content": _json(name)}


def _problems(*statuses: int) -> dict[str, Any]:
    return {str(status): _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    schema = {"schema": {"$ref": _REF.format(name="ProblemDetails")}}
    response: dict[str, Any] = {"description": _WRONG[status], "content": {MEDIA_TYPE: schema}}
    if status in (429, 503):
        response["headers"] = _RETRY_AFTER
    return response
