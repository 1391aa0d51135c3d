"""Cases of webhook's and scheduler's queues."""

import uuid
from datetime import timedelta
from typing import Any

import msgspec

from services.scheduler import __main__ as scheduler
from services.scheduler.settings import SchedulerWebSettings, WorkerSettings
from services.webhook import __main__ as webhook
from services.webhook.settings import WebhookSettings
from shared import clock
from shared.db import Pool
from shared.events import (
    Event,
    MemberErased,
    MemberExportRequested,
    ProgramPublished,
    ScheduleCancelled,
    ScheduleRequested,
    StaffSessionEnded,
    StoreChanged,
    TerminalChanged,
    new_event,
)
from tests.integration.contracts.house import Case

BEGINNING = clock.now() - timedelta(days=1)
FAR = clock.now() + timedelta(days=100)


def at(minute: int, data: Any) -> Event[Any]:
    """An event that was made so many minutes after the beginning."""
    name = f"{minute} {msgspec.json.encode(data).decode()}"
    event = new_event("/test", data, id=uuid.uuid5(uuid.NAMESPACE_URL, name))
    event.time = BEGINNING + timedelta(minutes=minute)
    return event


def _id(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, name)


async def projections(_: "Pool[Any]") -> list[Event[Any]]:
    """Stores and keys that are made, changed, closed and opened again."""
    stores = [("main", True, 1), ("main", False, 2), ("main", True, 3), ("second", True, 1)]
    keys = [("till", True, 1, None), ("till", True, 2, "main"), ("till", False, 5, "main")]
    keys += [("owner", True, 1, None)]
    return [
        *(
            at(n, StoreChanged(_id(code), code, f"{code} {revision}", active, revision))
            for n, (code, active, revision) in enumerate(stores)
        ),
        *(
            at(n, TerminalChanged(_id(name), name, "pos", name * 3, active, revision, store))
            for n, (name, active, revision, store) in enumerate(keys)
        ),
    ]


async def keys(pool: "Pool[Any]") -> list[Event[Any]]:
    """The keys among them."""
    return [event for event in await projections(pool) if event.type == "terminal.changed.v1"]


async def keys_and_sessions(pool: "Pool[Any]") -> list[Event[Any]]:
    """Keys, and sessions of staff that end."""
    ended = [
        at(10 + n, StaffSessionEnded(_id(name), _id("staff"), BEGINNING))
        for n, name in enumerate(("one", "two", "three"))
    ]
    return [*await keys(pool), *ended]


def _request(minute: int, key: str, days: int) -> Event[Any]:
    data = msgspec.Raw(msgspec.json.encode(ScheduleCancelled(key=f"{key} {minute}")))
    due_at = FAR + timedelta(days=days)
    return at(minute, ScheduleRequested(key, due_at, "schedule.cancelled.v1", data))


async def items(_: "Pool[Any]") -> list[Event[Any]]:
    """Items asked for, moved, cancelled and asked for again, while the program changes."""
    return [
        at(0, ProgramPublished(1, BEGINNING, "Asia/Tokyo", "JPY")),
        _request(1, "kept", 1),
        _request(2, "moved", 1),
        _request(3, "moved", 2),
        _request(4, "cancelled", 1),
        at(5, ScheduleCancelled("cancelled")),
        at(6, ProgramPublished(2, BEGINNING, "America/New_York", "USD")),
        _request(7, "again", 1),
        at(8, ScheduleCancelled("again")),
        _request(9, "again", 3),
        at(10, ScheduleCancelled("never asked for")),
        at(11, ProgramPublished(3, BEGINNING, "Europe/Berlin", "EUR")),
    ]


SPOOLED = "INSERT INTO spool (type, body, accepted_at) VALUES ($1, $2, $3)"


async def personal(pool: "Pool[Any]") -> list[Event[Any]]:
    """Somebody in the spool asks for a copy, and is erased; somebody else's events stay."""
    user, other = "U" + "a" * 32, "U" + "b" * 32
    for kind, who in (("line.event_received.v1", user), ("line.event_received.v1", other)):
        body = msgspec.json.encode({"data": {"user_id": who}})
        await pool.execute(SPOOLED, kind, body, BEGINNING)
    await pool.execute(SPOOLED, "purchase.submitted.v1", f'"{user}"'.encode(), BEGINNING)
    return [
        at(1, MemberExportRequested(_id("one"), [_id("member")], [user])),
        at(2, MemberExportRequested(_id("two"), [_id("nobody")])),
        at(3, MemberErased(_id("member"), BEGINNING, user)),
        at(4, MemberErased(_id("nobody"), BEGINNING)),
    ]


CASES = [
    Case(
        "webhook.personal",
        ("member.export_requested.v1", "member.erased.v1"),
        WebhookSettings,
        webhook.setup,
        personal,
        {"spool": "SELECT type, body FROM spool"},
        said={"member.export_part.v1": ("request_id", "service")},
    ),
    Case(
        "webhook.projections",
        ("store.changed.v1", "terminal.changed.v1"),
        WebhookSettings,
        webhook.setup,
        projections,
        {
            "stores": "SELECT store_id, code, active, revision FROM stores",
            "api_keys": "SELECT * FROM api_keys",
        },
    ),
    Case(
        "scheduler.projections",
        ("terminal.changed.v1", "staff.session_ended.v1"),
        SchedulerWebSettings,
        scheduler.web,
        keys_and_sessions,
        {"api_keys": "SELECT * FROM api_keys", "ended": "SELECT * FROM ended_sessions"},
    ),
    Case(
        "scheduler.items",
        ("schedule.requested.v1", "schedule.cancelled.v1", "program.published.v1"),
        WorkerSettings,
        scheduler.worker,
        items,
        {
            "items": "SELECT * FROM items",
            "latest_words": "SELECT * FROM latest_words",
            "program": "SELECT * FROM program",
        },
    ),
]
