"""One call to the Messaging API, after its HTTP form is taken off."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import msgspec

from deploy.sandbox.answers import Answer, refuse, refuse_problems
from deploy.sandbox.platform import Platform
from shared.line.field_rules import Rule

_decode = msgspec.json.Decoder().decode


class Call(NamedTuple):
    """`path_ids` are the ids in the path, `query` what stands behind the question mark."""

    body: bytes
    request_id: str
    retry_key: str | None = None
    path_ids: tuple[str, ...] = ()
    query: Mapping[str, str] = MappingProxyType({})
    media: str = "application/json"

    @property
    def path_id(self) -> str:
        """The first id in the path; empty when there is none."""
        return self.path_ids[0] if self.path_ids else ""


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


def checked(body: bytes, rule: Rule) -> dict[str, Any]:
    """The body as an object that obeys the rule, or LINE's refusal with every problem named."""
    content = json_object(body)
    try:
        problems = rule(content)
    except RecursionError:
        raise refuse(400, "The request body is nested too deeply") from None
    if problems:
        raise refuse_problems(problems)
    return content
