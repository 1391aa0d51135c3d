"""`python -m services.notify worker`: says what events ask for, in LINE."""

import sys
from contextlib import AsyncExitStack

from redis.asyncio import Redis

from services.notify import poller, retention, wording
from services.notify.announcer import Announcer
from services.notify.handlers import LINE_HANDLERS, message_handlers
from services.notify.line_client import LineClient
from services.notify.link_offers import LinkOffers
from services.notify.pace import Pace
from services.notify.personal import PERSONAL_HANDLERS
from services.notify.program_zone import ProgramZone
from services.notify.recorder import Recorder
from services.notify.sender import Sender
from services.notify.settings import NotifySettings
from shared import ids, pruning
from shared.process import Process, run
from shared.settings import load

REDIS_SECONDS = 0.5


async def worker(process: Process) -> None:
    """Build the one process of this service."""
    settings = process.settings
    assert isinstance(settings, NotifySettings)  # noqa: S101 - `main` loads these
    closing = AsyncExitStack()
    line = await closing.enter_async_context(
        LineClient(settings.line_api_base, settings.line_channel_access_token.get_secret_value())
    )
    zone = ProgramZone()
    sender = await _sender(settings, line, Recorder(process.pool), zone, closing)
    announcer = Announcer(sender, wording.load(), zone)
    process.bus.consume(
        "notify.messages",
        message_handlers(announcer, zone),
        process.pool,
        process.relay,
        use_inbox=False,
    )
    for purpose, wiring in (("notify.line", LINE_HANDLERS), ("notify.personal", PERSONAL_HANDLERS)):
        process.bus.consume(purpose, wiring, process.pool, process.relay, use_inbox=False)
    process.watch_database()
    process.task(zone.run(process.pool))
    process.task(sender.run())
    process.task(poller.poll(process.pool, sender))
    process.task(pruning.run(process.pool, retention.RULES))
    process.task(process.relay.run())
    process.on_stop += [sender.drain, closing.aclose]


async def _sender(
    settings: NotifySettings,
    line: LineClient,
    recorder: Recorder,
    zone: ProgramZone,
    closing: AsyncExitStack,
) -> Sender:
    redis = await closing.enter_async_context(
        Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
        )
    )
    replica = str(ids.new_id())

    def pace(endpoint: str) -> Pace:
        rate = settings.line_rate_per_second
        return Pace(redis, settings.bus_namespace, endpoint, rate, replica)

    return Sender(
        line,
        recorder,
        push_pace=pace("push"),
        reply_pace=pace("reply"),
        zone=zone,
        concurrency=settings.line_concurrency,
        offers=LinkOffers(line, settings.public_url),
    )


def main() -> None:
    """Run the process that the command line names."""
    if sys.argv[1:] != ["worker"]:
        sys.exit("usage: python -m services.notify worker")
    run("notify-worker", load(NotifySettings), schema="notify", setup=worker, pool_size=6)


if __name__ == "__main__":
    main()
