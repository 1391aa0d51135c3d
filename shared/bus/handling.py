"""What a service's handlers see of the bus: a batch with a transaction, and the events in it.

A handler is one async function per event type over all events of that type in the batch. It decides
and writes through its store; it neither commits nor publishes. What it wants to say goes to
`batch.emit`, which stands in the outbox of the same transaction and leaves after the commit.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from shared.events import Event

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Handler = Callable[["Batch", list[Event[Any]]], Awaitable[None]]
Handlers = dict[str, Handler]


class Batch:
    """One transaction over a batch of events."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.emitted: list[Event[Any]] = []
        self.replies: list[tuple[str, Any]] = []
        self.after_commit: list[Callable[[], None]] = []
        self.repeated = False  # a call of the API that was made before: it changes nothing

    def emit(self, *events: Event[Any]) -> None:
        """Publish these when, and only when, the transaction commits."""
        self.emitted.extend(events)

    def emit_all(self, events: Sequence[Event[Any]]) -> None:
        """The same for many."""
        self.emitted.extend(events)

    def reply(self, queue: str, answer: Any) -> None:
        """Tell a process that waits on `queue`, after the commit, best effort."""
        self.replies.append((queue, answer))

    def when_committed(self, act: Callable[[], None]) -> None:
        """Call `act` (quick, in-process, must not fail) after the commit."""
        self.after_commit.append(act)
