"""The notify service's processes: `python -m services.notify worker|broadcasts|web`."""

import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from redis.asyncio import Redis

from services.notify import retention
from services.notify.broadcasts import personal, upkeep
from services.notify.broadcasts.handlers import handlers as broadcast_handlers
from services.notify.broadcasts.posting import Posting
from services.notify.handlers import line_handlers, message_handlers
from services.notify.menus import running as menus
from services.notify.notices.announcer import Announcer
from services.notify.personal import PERSONAL_HANDLERS
from services.notify.preferences import names, profiles
from services.notify.preferences.rules import MessageRules
from services.notify.program_zone import ProgramZone
from services.notify.quota import reader
from services.notify.quota.admission import QuotaAdmission
from services.notify.quota.line_figures import LineFigures
from services.notify.sending import poller
from services.notify.sending.admission import Admission
from services.notify.sending.alarm import Alarm
from services.notify.sending.delivery_watch import DeliveryWatch
from services.notify.sending.lateness import Lateness
from services.notify.sending.line_client import LineClient
from services.notify.sending.link_offers import LinkOffers
from services.notify.sending.pace import Pace
from services.notify.sending.recorder import Recorder
from services.notify.sending.sender import Sender
from services.notify.settings import NotifySettings, NotifyWebSettings
from services.notify.statistics import reading
from services.notify.statistics.insight_client import InsightClient
from services.notify.templates.in_force import InForce
from services.notify.web import app as web_app
from shared import api_keys, clock, ids, pruning
from shared.giving_way import GivingWay
from shared.people_wait import PeopleWait
from shared.process import Process, Setup, run
from shared.settings import ProcessSettings, load
from shared.web import sessions

REDIS_SECONDS = 0.5
TOO_LONG_SECONDS = 0.5
"""What an event may wait for its message, or a message for LINE, before others are asked to give
way: several times what either takes while nothing is held up."""


async def worker(process: Process) -> None:
    """Say what events ask for, in LINE."""
    settings = process.settings
    assert isinstance(settings, NotifySettings)  # noqa: S101 - `main` loads these
    closing = AsyncExitStack()
    line = await closing.enter_async_context(
        LineClient(settings.line_api_base, settings.line_channel_access_token.get_secret_value())
    )
    zone = ProgramZone()
    rules = MessageRules(zone)
    alarm = Alarm()
    redis = await _redis(settings, closing)
    pace = _paces(settings, redis)
    rush_pace = pace("push", yielding=True)
    admission = await _admission(process, settings)
    sender = _sender(settings, line, Recorder(process.pool), rules, pace, rush_pace, admission)
    words = InForce(settings.public_url)
    await words.try_look(process.pool)
    announcer = Announcer(sender, words, zone, rules, alarm)
    messages = process.bus.consume(
        "notify.messages",
        message_handlers(announcer, zone),
        process.pool,
        process.relay,
        use_inbox=False,
    )
    for purpose, wiring in (
        ("notify.line", line_handlers(announcer)),
        ("notify.personal", PERSONAL_HANDLERS),
    ):
        process.bus.consume(purpose, wiring, process.pool, process.relay, use_inbox=False)
    process.watch_database()
    lateness = Lateness()
    process.task(zone.run(process.pool))
    process.task(rules.run(process.pool))
    process.task(words.run(process.pool))
    process.task(sender.run())
    process.task(poller.poll(process.pool, sender, alarm))
    process.task(
        PeopleWait(redis, settings.bus_namespace).watch(
            lambda: max(lateness.waited(messages.oldest(), clock.now()), sender.waited()),
            TOO_LONG_SECONDS,
        )
    )
    process.task(profiles.run(process.pool, line, pace("profile", profiles.CALLS_A_SECOND)))
    process.task(names.run(process.pool, process.relay))
    process.watch("deliveries", DeliveryWatch(process.pool).look)
    process.watch_outbox()
    process.task(pruning.run(process.pool, retention.RULES))
    process.task(process.relay.run())
    process.on_stop += [sender.drain, partial(admission.close, process.pool), closing.aclose]


async def _redis(settings: NotifySettings, closing: AsyncExitStack) -> "Redis":
    return await closing.enter_async_context(
        Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
        )
    )


def _paces(settings: NotifySettings, redis: "Redis") -> Callable[..., Pace]:
    """What makes the paces of this process, by endpoint and calls a second."""
    replica = str(ids.new_id())

    def pace(endpoint: str, rate: int = settings.line_rate_per_second, **options: Any) -> Pace:
        return Pace(redis, settings.bus_namespace, endpoint, rate, replica, **options)

    return pace


def _sender(
    settings: NotifySettings,
    line: LineClient,
    recorder: Recorder,
    rules: MessageRules,
    pace: Callable[..., Pace],
    rush_pace: Pace,
    admission: Admission,
) -> Sender:
    return Sender(
        line,
        recorder,
        push_pace=pace("push"),
        rush_pace=rush_pace,
        reply_pace=pace("reply"),
        rules=rules,
        concurrency=settings.line_concurrency,
        offers=LinkOffers(line, settings.public_url),
        admission=admission,
    )


async def _admission(process: Process, settings: NotifySettings) -> QuotaAdmission:
    """What a process that pushes asks first; it reads the quota from LINE too. Whoever uses it
    closes it after the last push."""
    admission = QuotaAdmission(ids.new_id())
    token = settings.line_channel_access_token.get_secret_value()
    await admission.look(process.pool)
    process.task(admission.run(process.pool))
    process.task(reader.run(process.pool, LineFigures(settings.line_api_base, token)))
    return admission


async def broadcasts(process: Process) -> None:
    """Messages to many, alone, so that they hold up no receipt; and what LINE tells of them."""
    settings = process.settings
    assert isinstance(settings, NotifySettings)  # noqa: S101 - `main` loads these
    closing = AsyncExitStack()
    line = await closing.enter_async_context(
        LineClient(settings.line_api_base, settings.line_channel_access_token.get_secret_value())
    )
    insights = InsightClient(
        settings.line_api_base, settings.line_channel_access_token.get_secret_value()
    )
    closing.push_async_callback(insights.close)
    zone = ProgramZone()
    rules = MessageRules(zone)
    redis = await _redis(settings, closing)
    pace = _paces(settings, redis)
    way = GivingWay(PeopleWait(redis, settings.bus_namespace), upkeep.HELD_BACK)
    rate = settings.personal_broadcast_rate
    own_pace = pace("campaign", rate, within=pace("push", yielding=True))
    admission = await _admission(process, settings)
    sender = _sender(settings, line, Recorder(process.pool), rules, pace, own_pace, admission)
    posting = Posting(
        process.pool,
        line,
        pace=pace("multicast", settings.line_multicast_rate_per_second),
        admission=admission,
        rules=rules,
        way=way,
        calls_a_second=settings.line_multicast_rate_per_second,
    )
    process.bus.consume(
        "notify.broadcasts",
        broadcast_handlers(zone),
        process.pool,
        process.relay,
        use_inbox=False,
    )
    await menus.set_up(process, settings, closing)
    process.watch_database()
    process.task(zone.run(process.pool))
    process.task(rules.run(process.pool))
    process.task(sender.run())
    process.task(posting.run())
    process.task(personal.feed(process.pool, sender, rate, way))
    process.task(upkeep.run(process.pool, zone, way))
    process.task(reading.run(process.pool, insights))
    process.task(process.relay.run())
    close = partial(admission.close, process.pool)
    process.on_stop += [posting.drain, sender.drain, close, closing.aclose]


async def web(process: Process) -> None:
    """What owners set and read, and what customers open."""
    settings = process.settings
    assert isinstance(settings, NotifyWebSettings)  # noqa: S101 - `main` loads these
    process.watch_database()
    process.bus.consume(
        "notify.projections",
        api_keys.HANDLERS | sessions.HANDLERS,
        process.pool,
        process.relay,
        use_inbox=False,
    )
    web_app.build(process, settings)


PROCESSES: dict[str, tuple[Setup, type[ProcessSettings], int]] = {
    "worker": (worker, NotifySettings, 6),
    "broadcasts": (broadcasts, NotifySettings, 6),
    "web": (web, NotifyWebSettings, 6),
}
"""Name → how it is set up, its settings, its connections to the database."""


def main() -> None:
    """Run the process that the command line names."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in PROCESSES:
        sys.exit(f"usage: python -m services.notify {'|'.join(PROCESSES)}")
    setup, settings, pool_size = PROCESSES[name]
    run(f"notify-{name}", load(settings), schema="notify", setup=setup, pool_size=pool_size)


if __name__ == "__main__":
    main()
