"""Copies and erasure of what webhook keeps of somebody: what stands in the spool, if anything.

An answer has an id of its own that follows from the request, so that a repeat is known as one.
"""

import msgspec

from services.webhook import store_personal as store
from shared import ids
from shared.bus.handling import Batch, Handlers
from shared.events import (
    Event,
    MemberErased,
    MemberExportPart,
    MemberExportRequested,
    new_event,
)

SOURCE = "/webhook"
SERVICE = "webhook"


async def export_requested(batch: Batch, events: list[Event[MemberExportRequested]]) -> None:
    """Answer with what is in the spool of a member's LINE users."""
    for event in {event.data.request_id: event for event in events}.values():
        asked = event.data
        rows = await store.spooled(batch.connection, asked.line_user_ids)
        waiting = [
            {"type": row["type"], "at": row["accepted_at"], "event": msgspec.Raw(row["body"])}
            for row in rows
        ]
        part = msgspec.json.encode({"accepted_and_not_yet_handed_over": waiting})
        answer = MemberExportPart(asked.request_id, SERVICE, msgspec.Raw(part))
        answer_id = ids.derived_id("member.export_part", SERVICE, str(asked.request_id))
        batch.emit(new_event(SOURCE, answer, cause=event, id=answer_id))


async def member_erased(batch: Batch, events: list[Event[MemberErased]]) -> None:
    """Delete what LINE sent of the user."""
    users = sorted({each.data.line_user_id for each in events if each.data.line_user_id})
    if users:
        await store.erase(batch.connection, users)


PERSONAL: Handlers = {
    "member.export_requested.v1": export_requested,
    "member.erased.v1": member_erased,
}
