"""One call to the Messaging API, after its HTTP form is taken off."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

import msgspec

from deploy.sandbox.answers import Answer, refuse
from deploy.sandbox.platform import Platform

_decode = msgspec.json.Decoder().decode


class Call(NamedTuple):
    """`path_id` is the id in the path, if there is one."""

    body: bytes
    request_id: str
    retry_key: str | None = None
    path_id: str = ""


Handler: TypeAlias = Callable[[Platform, Call], Answer | Awaitable[Answer]]


def json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object, or LINE's refusal."""
    try:
        content = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refuse(
            400, "The request body could not be parsed as JSON (line: -, column: -)"
        ) from None
    if not isinstance(content, dict):
        raise refuse(400, "The request body must be a JSON object")
    return content
