"""Tells open pages that something changed, without slowing what changes it.

Owns waking only: each page then reads what is new for itself, some times a second at most.
"""

import asyncio


class Watchers:
    def __init__(self) -> None:
        self._events: set[asyncio.Event] = set()
        self.closing = False

    def wake(self) -> None:
        """Called on every change; costs nothing while no page is open."""
        for event in self._events:
            event.set()

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self.closing = True
        self.wake()

    def join(self) -> asyncio.Event:
        event = asyncio.Event()
        event.set()
        self._events.add(event)
        return event

    def leave(self, event: asyncio.Event) -> None:
        self._events.discard(event)
