"""Copies and erasure of what notify keeps of somebody; and nothing late of who was erased.

An answer has an id of its own that follows from the request, so that a repeat is known as one.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from services.notify.store import menu_links as store_menu_links
from services.notify.store import personal as store
from services.notify.store import previews as store_previews
from shared import ids
from shared.bus.handling import Batch, Handler, Handlers
from shared.events import (
    Event,
    LineEventReceived,
    MemberErased,
    MemberExportPart,
    MemberExportRequested,
    new_event,
)

SOURCE = "/notify"
SERVICE = "notify"

Happened = Callable[[Event[Any]], tuple[str | None, datetime]]
"""Whose an event is, and when it happened."""


async def export_requested(batch: Batch, events: list[Event[MemberExportRequested]]) -> None:
    """Answer with all that is kept of a member's LINE users."""
    for event in {event.data.request_id: event for event in events}.values():
        asked = event.data
        users = await store.users(batch.connection, asked.member_ids, asked.line_user_ids)
        part = msgspec.json.encode(await store.known(batch.connection, users))
        answer = MemberExportPart(asked.request_id, SERVICE, msgspec.Raw(part))
        answer_id = ids.derived_id("member.export_part", SERVICE, str(asked.request_id))
        batch.emit(new_event(SOURCE, answer, cause=event, id=answer_id))


async def member_erased(batch: Batch, events: list[Event[MemberErased]]) -> None:
    """Delete all that is kept of the member and the LINE user."""
    gone = [(each.data.line_user_id, each.data.erased_at) for each in events]
    named = [(user, at) for user, at in gone if user is not None]
    if named:
        await store.erase(batch.connection, named)
    members = [each.data.member_id for each in events]
    await store_previews.forget(batch.connection, members)
    await store_menu_links.erase_members(batch.connection, members)


def told(event: Event[Any]) -> tuple[str | None, datetime]:
    """Of what points tells."""
    return event.data.line_user_id, event.time


def received(event: Event[LineEventReceived]) -> tuple[str | None, datetime]:
    """Of what LINE sent."""
    return event.data.user_id, event.data.received_at


def unless_erased(handler: Handler, happened: Happened) -> Handler:
    """The handler, for all events but those of LINE users who were erased after they happened."""

    async def handle(batch: Batch, events: list[Event[Any]]) -> None:
        users = {user for event in events if (user := happened(event)[0])}
        erased = await store.erased(batch.connection, users) if users else {}
        if erased:
            events = [event for event in events if not _too_late(*happened(event), erased)]
        if events:
            await handler(batch, events)

    return handle


def _too_late(user: str | None, at: datetime, erased: Mapping[str, datetime]) -> bool:
    return user is not None and user in erased and at <= erased[user]


PERSONAL_HANDLERS: Handlers = {
    "member.export_requested.v1": export_requested,
    "member.erased.v1": member_erased,
}
"""The handlers of the queue `notify.personal`."""
