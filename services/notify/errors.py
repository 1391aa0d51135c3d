"""Errors of the notify service.

NotifyError
├── BadWording      start: a message as data breaks LINE's limits or names an unknown slot
├── NotNow          broadcasts: the act is not possible in the broadcast's state
├── OutOfDate       broadcasts: the owner confirmed another number than there is now
├── Untellable      handling: an event that cannot be put into words (also a bus `Poison`)
└── UnknownZone     handling: a program in a time zone that nobody knows (also a bus `Poison`)
"""

from shared.bus.errors import Poison


class NotifyError(Exception):
    """The root of this service's errors."""


class BadWording(NotifyError):
    """A message file is wrong; the text says where."""


class Untellable(NotifyError, Poison):
    """The event can never be put into words, so it goes to the dead letters alone."""


class UnknownZone(NotifyError, Poison):
    """There is no such time zone, so the event goes to the dead letters alone."""


class NotNow(NotifyError):
    """A broadcast in `state` allows no such act; `advice` says what to do instead."""

    def __init__(self, state: str, advice: str) -> None:
        super().__init__(f"The broadcast is {state}. {advice}")


class OutOfDate(NotifyError):
    """The owner saw another revision than there is."""

    def __init__(self, revision: int, recipients: int) -> None:
        super().__init__(
            f"It has changed since: it is at revision {revision} now, with {recipients:,} "
            "recipients. Read it and decide again."
        )
