"""The handlers of the queue that these tests read."""

from shared.bus.handling import Handler, Handlers


def handlers(cancel: Handler) -> Handlers:
    """All that its queue brings does nothing, but what is cancelled."""

    async def nothing(batch, events) -> None:
        pass

    return {
        "schedule.requested.v1": nothing,
        "schedule.cancelled.v1": cancel,
        "program.published.v1": nothing,
    }
