"""What can go wrong on the bus, and what each error does to the message that met it.

BusError
├── BrokerUnavailable   publishing: not confirmed; the caller keeps the event or says 503
├── NotYet              handling: needs something that has not arrived → later, from a delay queue
└── Poison              handling: can never work → dead letter with the reason

Any other error of a handler is a fault of ours or of the data: it is tried again a few times from
the delay queues and then dead-lettered. Errors of the database's reach (`db.UNREACHABLE`) are
nobody's fault: the batch waits in place and is tried again until the database is back.
"""


class BusError(Exception):
    """The root of the bus's errors."""


class BrokerUnavailable(BusError):
    """The broker did not confirm: it is away, full, or nothing is bound for the event."""


class NotYet(BusError):
    """The event came before something that it needs."""


class Poison(BusError):
    """The event can never be handled; the text says why."""
