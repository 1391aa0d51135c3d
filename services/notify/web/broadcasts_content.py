"""What an API call says of a broadcast, as the broadcast keeps it: messages found, checked, and
refused with the place of each fault."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request

from services.notify.broadcasts import content as contents
from services.notify.broadcasts.content import Content
from services.notify.errors import BadWording
from services.notify.store import templates as store_templates
from services.notify.templates import checking
from services.notify.templates.fixed import fixed as fixed_names
from services.notify.templates.people import VARIABLES
from services.notify.templates.theme import DEFAULT_BRAND
from services.notify.templates.wording import DEFAULT_LANGUAGE, LANGUAGES
from shared.bus.handling import Connection
from shared.problems import invalid

MOST_DEFINITION = 20_000
"""Bytes of a segment's document."""


async def fixed(connection: Connection, request: Request) -> Mapping[str, str]:
    """What stands for the same in every message now: colours, and where the card is."""
    theme = await store_templates.theme(connection)
    brand = theme.brand if theme else DEFAULT_BRAND
    return fixed_names(brand, request.app.state.settings.public_url)


async def resolved(connection: Connection, request: Request, content: Mapping[str, Any]) -> Content:
    """What a content document stands for. Raises Problem 422 with all that is wrong with it."""
    kind, version = content.get("template"), None
    if kind is not None:
        texts, version = await _of_template(connection, kind)
        where = "content.template"
    else:
        texts = {language: each for language, each in content["messages"].items() if each}
        where = "content.messages"
    wrong = [
        (f"{where}.{language}{path.removeprefix('messages')}", message)
        for language, messages in texts.items()
        for path, message in checking.check(messages, VARIABLES)
    ]
    if wrong:
        raise invalid(wrong)
    try:
        personal = contents.is_personal(texts, await fixed(connection, request))
    except BadWording as problem:
        raise invalid([(where, str(problem))]) from None
    return Content(texts, kind or contents.INLINE, version, personal)


async def _of_template(connection: Connection, kind: str) -> tuple[dict[str, Any], int | None]:
    """The owner's newest words of a template, in each language that has any."""
    found: dict[str, Any] = {}
    version = None
    for language in LANGUAGES:
        for newest in await store_templates.page(connection, kind, language):
            if newest.messages is not None:
                found[language] = json.loads(newest.messages)
                version = version or newest.version
    if DEFAULT_LANGUAGE not in found:
        raise invalid([("content.template", "No words in Japanese are saved under this name.")])
    return found, version


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
