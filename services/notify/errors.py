"""Errors of the notify service.

NotifyError
├── BadWording      start: a message as data breaks LINE's limits or names an unknown slot
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
