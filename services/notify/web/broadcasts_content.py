"""What an API call says of a broadcast, as the broadcast keeps it: messages found, checked, and
refused with the place of each fault."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request

from services.notify.broadcasts import content as contents
from services.notify.broadcasts.content import Content
from services.notify.errors import BadWording
from services.notify.templates import checking
from services.notify.templates.fixed import fixed as fixed_names
from services.notify.templates.people import VARIABLES
from shared.bus.handling import Connection
from shared.problems import invalid

MOST_DEFINITION = 20_000
"""Bytes of a segment's document."""


async def fixed(connection: Connection, request: Request) -> Mapping[str, str]:
    """What stands for the same in every message: colours, and where the card is."""
    return fixed_names(public_url=request.app.state.settings.public_url)


async def resolved(connection: Connection, request: Request, content: Mapping[str, Any]) -> Content:
    """The messages of a content document. Raises Problem 422 with all that is wrong with them."""
    names = await fixed(connection, request)
    given = {language: each for language, each in content["messages"].items() if each}
    wrong = [
        (f"content.messages.{language}{path.removeprefix('messages')}", message)
        for language, messages in given.items()
        for path, message in checking.check(messages, VARIABLES)
    ]
    if wrong:
        raise invalid(wrong)
    try:
        personal = contents.is_personal(given, names)
    except BadWording as problem:
        raise invalid([("content.messages", str(problem))]) from None
    return Content(given, contents.INLINE, None, personal)


def to_columns(said: Content | None, **given: Any) -> dict[str, Any]:
    """Fields of a call as columns; `said` is what the content stands for, where it is given."""
    columns = dict(given)
    if "content" in columns:
        columns["content"] = json.dumps(columns["content"])
    if "definition" in columns:
        columns["definition"] = _document(columns["definition"])
    if said is not None:
        columns |= {
            "kind": said.kind,
            "template_version": said.version,
            "personal": said.personal,
            "spoken": said.spoken,
        }
    return columns


def _document(definition: Any) -> str:
    try:
        text = json.dumps(definition)
    except RecursionError:
        raise invalid([("definition", "This is nested too deeply.")]) from None
    if len(text) > MOST_DEFINITION:
        raise invalid([("definition", f"A segment takes at most {MOST_DEFINITION:,} bytes.")])
    return text
