"""What can be wrong with what the scheduler is told.

SchedulerError
└── BadSchedule    a cron expression or time zone that cannot be read; only this schedule stops

A request that can never be honoured is `shared.bus.errors.Poison`: a dead letter with its reason.
"""


class SchedulerError(Exception):
    """The root of the service's errors."""


class BadSchedule(SchedulerError):
    """This schedule can never come due; the text says what is wrong with it."""
