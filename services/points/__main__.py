"""The points service's processes: `python -m services.points web|awards|ranks`."""

import sys

from services.points import handlers
from services.points.awards import Awards
from services.points.chat import Chat
from services.points.enrolment import Enrolment
from services.points.ranking import Ranking
from services.points.rulebook import Rulebook
from services.points.settings import PointsSettings, WebSettings
from services.points.web import app as web_app
from shared.process import Process, run
from shared.settings import load

SCHEMA = "points"


def awards() -> None:
    """Purchases, members and chat: everything that turns events into ledger rows and answers."""
    settings = load(PointsSettings)

    async def setup(process: Process) -> None:
        rulebook = Rulebook()
        purchases = Awards(rulebook, settings.qr_signing_key.get_secret_value().encode())
        enrolment = Enrolment(rulebook, purchases)
        chat = Chat(rulebook, enrolment)
        bus, pool, relay = process.bus, process.pool, process.relay
        wiring = handlers.award_handlers(purchases)
        # The ledger's own request keys are this queue's inbox: a second one would only cost.
        bus.consume("points.awards", wiring, pool, relay, use_inbox=False)
        bus.consume("points.members", handlers.member_handlers(enrolment), pool, relay)
        bus.consume("points.chat", handlers.chat_handlers(chat), pool, relay)
        process.task(relay.run())
        process.watch_database()

    run("points-awards", settings, schema=SCHEMA, setup=setup, pool_size=8)


def ranks() -> None:
    """Rank recomputation, alone, so that awards go on when it stands still."""
    settings = load(PointsSettings)

    async def setup(process: Process) -> None:
        ranking = Ranking(Rulebook())
        bus, pool, relay = process.bus, process.pool, process.relay
        # Ranks are computed from the facts: an event seen twice changes nothing, and one batch at
        # a time lets what arrives meanwhile be computed together.
        wiring = handlers.rank_handlers(ranking)
        bus.consume("points.ranks", wiring, pool, relay, use_inbox=False, in_flight=1)
        process.task(ranking.run(pool, relay))
        process.watch_database()

    run("points-ranks", settings, schema=SCHEMA, setup=setup)


def web() -> None:
    """The member API, the program, the member card."""
    settings = load(WebSettings)

    async def setup(process: Process) -> None:
        process.watch_database()
        process.app = web_app.build(process, settings)

    run("points-web", settings, schema=SCHEMA, setup=setup, pool_size=8)


PROCESSES = {"web": web, "awards": awards, "ranks": ranks}

if __name__ == "__main__":
    chosen = PROCESSES.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if chosen is None:
        sys.exit(f"usage: python -m services.points {'|'.join(PROCESSES)}")
    chosen()
