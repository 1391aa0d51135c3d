"""What the owner does with webhooks: add, change, rotate, test, send again. Writes in the caller's
transaction; the sending is another process's."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.points.hooks import messages, signing, targets
from services.points.store import hook_deliveries, hooks
from services.points.store.hooks import Endpoint
from shared import clock, ids
from shared.bus.handling import Connection

MOST_ENDPOINTS = 20
MOST_REPLAYED = 100_000
OLD_SECRET_LIFE = timedelta(hours=24)


class TooMany(Exception):
    """More than a limit allows; the text says which and what to do."""


def problems(
    url: str | None, events: Sequence[str] | None, *, allow_private: bool
) -> list[tuple[str, str]]:
    """What is wrong with what an endpoint is to be, as (path, message)."""
    found = []
    refusal = targets.refused_url(url, allow_private=allow_private) if url is not None else None
    if refusal is not None:
        found.append(("url", refusal))
    told = ", ".join(messages.matching([messages.EVERY]))
    unknown = set(messages.unknown(events or []))
    for place, pattern in enumerate(events or []):
        if pattern in unknown:
            found.append((f"events.{place}", f"no event matches this; there are {told}"))
    return found


async def add(
    connection: Connection,
    *,
    url: str,
    events: Sequence[str],
    description: str | None,
    include_line_user_id: bool,
) -> Endpoint:
    """A new endpoint. Raises TooMany."""
    if len(await hooks.every(connection)) >= MOST_ENDPOINTS:
        raise TooMany(f"there are {MOST_ENDPOINTS} webhooks already; delete one first")
    return await hooks.add(
        connection, ids.new_id(), url, events, description, include_line_user_id, clock.now()
    )


def secret_of(endpoint: Endpoint, key: bytes) -> str:
    """Its newest secret, to be shown once."""
    return signing.shown(signing.secret(key, endpoint.id, endpoint.secret_generation))


async def change(connection: Connection, id: UUID, fields: Mapping[str, Any]) -> Endpoint | None:
    """Change what `fields` names. `active` true resumes: what waits is due at once; false stops."""
    endpoint = await hooks.one(connection, id, lock=True)
    if endpoint is None:
        return None
    now = clock.now()
    changes = dict(fields)
    active = changes.pop("active", None)
    if active is not None and active != (endpoint.status == "active"):
        changes |= {"status": "active" if active else "off", "reason": None if active else "owner"}
    if active or "url" in changes:
        changes |= {"failing_since": None, "last_problem": None}
        await hook_deliveries.hurry(connection, id, now)
    return await hooks.change(connection, msgspec.structs.replace(endpoint, **changes), now)


async def rotate(connection: Connection, id: UUID) -> Endpoint | None:
    """A new secret; the old one also signs for a day."""
    now = clock.now()
    return await hooks.rotate(connection, id, now + OLD_SECRET_LIFE, now)


async def send_test(connection: Connection, endpoint: Endpoint) -> UUID:
    """Send a message that says nothing; its id, which is also its delivery's."""
    now = clock.now()
    message = messages.of_test(ids.new_id(), endpoint.id, now)
    await hook_deliveries.keep(connection, [message])
    await hook_deliveries.add(connection, [endpoint.id], [message.id], [now], now)
    return message.id


async def replay(
    connection: Connection,
    endpoint: Endpoint,
    since: datetime,
    until: datetime,
    *,
    only_failed: bool,
) -> int:
    """Send what happened in a period, as far as the endpoint asks for it; how many. Raises
    TooMany."""
    types = messages.matching(endpoint.events)
    what = (connection, endpoint.id, since, until, types, only_failed)
    if await hook_deliveries.count_period(*what, MOST_REPLAYED + 1) > MOST_REPLAYED:
        raise TooMany(f"more than {MOST_REPLAYED} events happened then; take a shorter period")
    return await hook_deliveries.period_again(*what, clock.now())
