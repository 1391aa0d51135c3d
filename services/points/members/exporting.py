"""A copy of all that is known of a member, for the member: asked for, answered by each service,
put together here.

Services never ask each other: a request goes out by event, and each answers by event. Whoever looks
after the deadline is told who did not answer.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.points.members.references import written
from services.points.rules import explain
from services.points.store import exports as store
from services.points.store import leaving as leaving_store
from services.points.store import line_names, routes
from services.points.store.exports import Export, Kin, Part
from shared import clock
from shared.bus.handling import Batch, Connection
from shared.events import Event, MemberExportPart, MemberExportRequested, new_event

SOURCE = "/points/exports"
SERVICE = "points"
SERVICES = ("points", "notify", "webhook")
"""All that keep personal data."""

DEADLINE = timedelta(minutes=5)
"""After this whoever has not answered is named as missing; a late answer is still taken in."""

KEPT = timedelta(days=7)
"""A copy is personal data itself."""

AGAIN = timedelta(minutes=10)
"""A customer who asks again within this gets the same copy."""


class State(msgspec.Struct, frozen=True):
    """How far an export is: assembling, complete, or partial when an answer came too late."""

    status: str
    missing: list[str]


async def ask(batch: Batch, id: UUID, member: UUID, actor: str) -> None:
    """Ask every service for its part; points' own is kept at once. The member must be there."""
    connection, now = batch.connection, clock.now()
    kin = await store.lineage(connection, member)
    await store.add(connection, id, member, actor, now)
    part = msgspec.json.encode(await _own(connection, kin)).decode()
    await store.keep(connection, [Part(id, SERVICE, part)], now)
    asked = MemberExportRequested(id, [each.id for each in kin], users_of(kin))
    batch.emit(new_event(SOURCE, asked, subject=str(member)))


async def take(batch: Batch, events: list[Event[MemberExportPart]]) -> None:
    """Keep what services answered; the handler of `member.export_part`."""
    parts = {
        (each.data.request_id, each.data.service): Part(
            each.data.request_id, each.data.service, bytes(each.data.part).decode()
        )
        for each in events
    }
    await store.keep(batch.connection, list(parts.values()), clock.now())


def state(export: Export, now: datetime) -> State:
    """How far an export is at a moment."""
    missing = [service for service in SERVICES if service not in export.parts]
    if not missing:
        return State("complete", [])
    return State("assembling" if now < export.asked_at + DEADLINE else "partial", missing)


def users_of(kin: Sequence[Kin]) -> list[str]:
    """All LINE users of a member, former ones too."""
    users = {user for each in kin for user in (each.line_user_id, each.former_line_user_id) if user}
    return sorted(users)


async def _own(connection: Connection, kin: Sequence[Kin]) -> dict[str, Any]:
    found: dict[str, Any] = await store.known(connection, [each.id for each in kin])
    for entry in found["entries"]:
        facts = entry["explanation"]
        entry["words"] = explain.text(entry["kind"], entry["source"], entry["amount"], facts)
    bodies = await store.waiting(connection, references_of(kin))
    found["waiting_purchases"] = [msgspec.json.decode(body) for body in bodies]
    found["departures"] = await store.departures(connection, users_of(kin))
    found["names_in_line"] = await line_names.of(connection, users_of(kin))
    hashes = [leaving_store.hash_of(user) for user in users_of(kin)]
    found["route_visits"] = await routes.of_users(connection, hashes)
    return found


def references_of(kin: Sequence[Kin]) -> list[str]:
    """All names that lead to a member, as purchases wait for them."""
    names = [
        (way, str(value))
        for each in kin
        for way, value in (
            ("id", each.id),
            ("card", each.card),
            ("external_id", each.external_id),
            ("phone", each.phone),
            ("line_user_id", each.line_user_id or each.former_line_user_id),
        )
        if value
    ]
    return [written(name) for name in names]
