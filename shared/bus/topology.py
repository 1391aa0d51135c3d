"""Every exchange, queue and binding, declared in one place and by every process alike.

One topic exchange for events; one quorum queue per (service, purpose); delay queues for retries,
one per step, which hand a message back to the queue it came from; one place for dead letters.
Declaring is idempotent, so whoever comes first prepares the house and no event is ever unroutable
because its reader has not started yet.
"""

from collections.abc import Mapping
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractQueue

from shared.events import PUBLIC

SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    "webhook.projections": ("store.changed.v1", "terminal.changed.v1"),
    "webhook.personal": ("member.export_requested.v1", "member.erased.v1"),
    "points.awards": ("purchase.submitted.v1",),
    "points.members": ("line.event_received.v1",),
    "points.names": ("recipient.named.v1",),
    "points.chat": ("chat.data_requested.v1",),
    "points.ranks": (
        "points.earned.v1",
        "points.adjusted.v1",
        "points.reversed.v1",
        "member.merged.v1",
        "member.unmerged.v1",
        "program.published.v1",
        "schedule.ticked.v1",
    ),
    "points.exports": ("member.export_part.v1",),
    "points.segments": ("segment.requested.v1",),
    "points.audit": ("key.acted.v1", "staff.acted.v1"),
    "points.hooks": tuple(sorted(PUBLIC)),
    "notify.projections": ("terminal.changed.v1", "staff.session_ended.v1"),
    "notify.messages": (
        "program.published.v1",  # first, so that its zone holds for what comes with it
        "member.joined.v1",
        "member.returned.v1",
        "member.linked.v1",
        "member.unlinked.v1",
        "points.earned.v1",
        "points.adjusted.v1",
        "points.redeemed.v1",
        "points.reversed.v1",
        "rank.changed.v1",
        "rank.expiring.v1",
        "points.expiring.v1",
        "chat.data_provided.v1",
        "chat.link_refused.v1",
    ),
    "notify.personal": ("member.export_requested.v1", "member.erased.v1"),
    "notify.line": ("line.event_received.v1",),
    "notify.broadcasts": ("segment.page.v1", "segment.refused.v1", "broadcast.due.v1"),
    "notify.menus": (
        "member.joined.v1",
        "member.returned.v1",
        "member.linked.v1",
        "member.unlinked.v1",
        "member.merged.v1",
        "member.unmerged.v1",
        "member.left.v1",
        "member.status_changed.v1",
        "rank.changed.v1",
    ),
    "scheduler.projections": ("terminal.changed.v1", "staff.session_ended.v1"),
    "scheduler.items": (
        "schedule.requested.v1",
        "schedule.cancelled.v1",
        "program.published.v1",
    ),
}
"""Queue → the event types it receives. A service's HANDLERS must match it exactly."""

RETRY_SECONDS = (1, 5, 30, 120, 600)
"""How long the n-th retry waits; after the last one the event is a dead letter."""

DELIVERY_LIMIT = 20
"""How often the broker hands out a message whose readers vanish before it gives it up."""

ROUTED = frozenset(event_type for types in SUBSCRIPTIONS.values() for event_type in types)
"""Event types that somebody reads: publishing one of these must reach a queue."""


class Names:
    """The names of everything, under a namespace so that installations and tests keep apart."""

    def __init__(self, namespace: str) -> None:
        self.events = f"{namespace}.events"
        self.dead = f"{namespace}.dead"
        self._namespace = namespace

    def queue(self, purpose: str) -> str:
        """The queue of a purpose such as `points.awards`."""
        return f"{self._namespace}.{purpose}"

    def purpose(self, queue: str) -> str:
        """The purpose of a queue's full name."""
        return queue.removeprefix(f"{self._namespace}.")

    def retry(self, seconds: int) -> str:
        """The exchange and the queue of a delay."""
        return f"{self._namespace}.retry.{seconds}s"


async def declare(channel: AbstractChannel, names: Names) -> None:
    """Declare everything. Raises the broker's error when something exists with other arguments."""
    events = await channel.declare_exchange(names.events, ExchangeType.TOPIC, durable=True)
    dead = await channel.declare_exchange(names.dead, ExchangeType.FANOUT, durable=True)
    await (await _quorum(channel, names.dead, {"x-delivery-limit": 1_000_000})).bind(dead)
    for seconds in RETRY_SECONDS:
        await _declare_delay(channel, names, seconds)
    for purpose, event_types in SUBSCRIPTIONS.items():
        arguments = {
            "x-dead-letter-exchange": names.dead,
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        queue = await _quorum(channel, names.queue(purpose), arguments)
        for event_type in event_types:
            await queue.bind(events, routing_key=event_type)


async def _declare_delay(channel: AbstractChannel, names: Names, seconds: int) -> None:
    exchange = await channel.declare_exchange(
        names.retry(seconds), ExchangeType.FANOUT, durable=True
    )
    arguments = {
        "x-message-ttl": seconds * 1000,
        "x-dead-letter-exchange": "",  # the default exchange: back to the queue in the routing key
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    await (await _quorum(channel, names.retry(seconds), arguments)).bind(exchange)


async def _quorum(
    channel: AbstractChannel, name: str, arguments: Mapping[str, Any]
) -> AbstractQueue:
    return await channel.declare_queue(
        name, durable=True, arguments={"x-queue-type": "quorum", **arguments}
    )
