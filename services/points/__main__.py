"""The points service's processes: `python -m services.points web|awards|…`, one of `PROCESSES`."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from services.points import handlers, shopkeeping
from services.points.accounts import ledger_watch
from services.points.accounts.ledger_watch import LedgerWatch
from services.points.hooks.client import HookClient
from services.points.hooks.collector import Collector
from services.points.hooks.sender import Sender
from services.points.imports.taking import Taking
from services.points.imports.work import ImportWork
from services.points.key_uses import KeyUses
from services.points.members.chat import Chat
from services.points.members.enrolment import Enrolment
from services.points.members.linking import Linking
from services.points.nights import checking, retention, sealing, sweeping, work_watch
from services.points.nights.night import NightShift
from services.points.programs import backtesting
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.rankings.ranking import Ranking
from services.points.reports.keeping import Keeper
from services.points.segments.streaming import HELD_BACK, LEAST_SHARE, Streams
from services.points.settings import (
    HooksSettings,
    PersonalSettings,
    PointsSettings,
    SegmentsSettings,
    WebSettings,
)
from services.points.staff import resealing
from services.points.store import sealed
from services.points.takeouts import writing
from services.points.web import app as web_app
from shared import pruning, ratelimit
from shared.giving_way import GivingWay
from shared.people_wait import PeopleWait
from shared.process import Process, Setup, run
from shared.settings import ProcessSettings, load

SCHEMA = "points"
NAME_LOOKUPS = 64


async def awards(process: Process) -> None:
    """Purchases, members and chat: everything that turns events into ledger rows and answers."""
    settings = process.settings
    assert isinstance(settings, PersonalSettings)  # noqa: S101 - `main` loads these
    sealed.use(settings.personal_keys)
    rulebook = Rulebook()
    purchases = Awards(rulebook, settings.qr_keys, settings.purchase_keys.old)
    enrolment = Enrolment(rulebook, purchases)
    members = handlers.member_handlers(enrolment, Linking(rulebook, settings.qr_keys))
    chat = Chat(rulebook, enrolment)
    bus, pool, relay = process.bus, process.pool, process.relay
    uses = KeyUses()
    wiring = handlers.award_handlers(purchases, uses)
    # The ledger's own request keys are this queue's inbox: a second one would only cost.
    bus.consume("points.awards", wiring, pool, relay, use_inbox=False)
    bus.consume("points.members", members, pool, relay)
    # The newest name counts, however often it is told: a second inbox would only cost.
    bus.consume("points.names", handlers.NAME_HANDLERS, pool, relay, use_inbox=False)
    bus.consume("points.chat", handlers.chat_handlers(chat), pool, relay)
    # A part of an export is kept once a service: a second inbox would only cost.
    bus.consume("points.exports", handlers.EXPORT_HANDLERS, pool, relay, use_inbox=False)
    # What was done is kept under its event's id: a second inbox would only cost.
    bus.consume("points.audit", handlers.AUDIT_HANDLERS, pool, relay, use_inbox=False)
    process.task(relay.run())
    process.task(uses.run(pool))
    process.task(sweeping.run(pool, relay, rulebook))
    process.task(shopkeeping.announce(pool, relay))
    process.task(pruning.run(pool, retention.RULES, retention.BY_MONTH))
    process.watch_outbox()
    process.watch_database()


async def ranks(process: Process) -> None:
    """Rank recomputation, alone, so that awards go on when it stands still."""
    rulebook = Rulebook()
    ranking = Ranking(rulebook)
    night = NightShift(rulebook, ranking)
    bus, pool, relay = process.bus, process.pool, process.relay
    # Ranks are computed from the facts: an event seen twice changes nothing, and one batch at
    # a time lets what arrives meanwhile be computed together. No till waits for a rank.
    wiring = handlers.rank_handlers(ranking, night)
    bus.consume("points.ranks", wiring, pool, relay, use_inbox=False, in_flight=1, linger=0.05)
    process.task(ranking.run(pool, relay))
    process.task(night.run(pool, relay))
    process.task(checking.run(pool))
    process.task(backtesting.work(pool))
    process.task(Keeper(rulebook).run(pool))
    process.watch("nights", partial(work_watch.look, pool))
    process.watch("ledger", LedgerWatch(pool).look, seconds=ledger_watch.LOOK_SECONDS)
    process.watch_database()


async def web(process: Process) -> None:
    """The member API, the program, the member card."""
    settings = process.settings
    assert isinstance(settings, WebSettings)  # noqa: S101 - `main` loads these
    process.watch_database()
    app = web_app.build(process, settings)
    process.task(app.state.key_uses.run(process.pool))
    if settings.session_keys.old is not None:
        process.task(resealing.run(process.pool, settings.session_keys))


async def segments(process: Process) -> None:
    """Who belongs to which segment, alone, so that a large one holds up nobody."""
    settings = process.settings
    assert isinstance(settings, SegmentsSettings)  # noqa: S101 - `main` loads these
    redis = ratelimit.connect(settings.redis_url.get_secret_value())
    way = GivingWay(PeopleWait(redis, settings.bus_namespace), HELD_BACK, LEAST_SHARE)
    streams = Streams(Rulebook(), process.bus.publisher, process.relay, way)
    wiring = handlers.segment_handlers(streams)
    # A request is noted under its own id: a second inbox would only cost.
    process.bus.consume("points.segments", wiring, process.pool, process.relay, use_inbox=False)
    process.task(streams.run(process.pool))
    process.task(streams.run(process.pool, single=True))
    process.on_stop.append(redis.aclose)
    process.task(process.relay.run())
    process.watch_database()


async def imports(process: Process) -> None:
    """What shops bring along, and copies of everything, alone, so that a long one holds up nobody:
    it has its pace, those at the till theirs."""
    settings = process.settings
    assert isinstance(settings, PersonalSettings)  # noqa: S101 - `main` loads these
    sealed.use(settings.personal_keys)
    rulebook = Rulebook()
    awards = Awards(rulebook, settings.qr_keys)
    work = ImportWork(rulebook, Taking(rulebook, awards, Enrolment(rulebook, awards)))
    process.task(work.run(process.pool, process.relay))
    process.task(writing.work(process.pool, rulebook))
    process.task(sealing.run(process.pool))
    process.task(process.relay.run())
    process.watch_database()


async def hooks(process: Process) -> None:
    """Webhooks to the owner's other systems, alone, so that a slow one stops nothing else."""
    settings = process.settings
    assert isinstance(settings, HooksSettings)  # noqa: S101 - `main` loads these
    # A name that no name server answers for holds a thread; others must not wait for it.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(NAME_LOOKUPS))
    client = HookClient(allow_private=settings.hooks_allow_private)
    sender = Sender(process.pool, client, settings.hooks_keys)
    wiring = handlers.hook_handlers(Collector(sender.wake))
    # What is told is kept under the event's id: a second inbox would only cost. One batch at a time
    # keeps events in their order; other systems are told within a second, not at once.
    process.bus.consume(
        "points.hooks",
        wiring,
        process.pool,
        process.relay,
        use_inbox=False,
        in_flight=1,
        linger=0.25,
    )
    process.task(sender.run())
    process.on_stop += [sender.drain, client.close]
    process.watch_database()


PROCESSES: dict[str, tuple[Setup, type[ProcessSettings], int]] = {
    "web": (web, WebSettings, 8),
    "awards": (awards, PersonalSettings, 8),
    "ranks": (ranks, PointsSettings, 4),
    "segments": (segments, SegmentsSettings, 6),
    "hooks": (hooks, HooksSettings, 6),
    "imports": (imports, PersonalSettings, 6),
}
"""Name → how it is set up, its settings, its connections to the database."""


def main() -> None:
    """Run the process that the command line names."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in PROCESSES:
        sys.exit(f"usage: python -m services.points {'|'.join(PROCESSES)}")
    setup, settings, pool_size = PROCESSES[name]
    run(f"points-{name}", load(settings), schema=SCHEMA, setup=setup, pool_size=pool_size)


if __name__ == "__main__":
    main()
