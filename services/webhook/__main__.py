"""`python -m services.webhook web`: the edge's one process, any number of replicas."""

import sys
from functools import partial

from redis.asyncio import Redis

from services.webhook import gate, spool_watch
from services.webhook.app import make_app
from services.webhook.brake import Brake
from services.webhook.handlers import HANDLERS
from services.webhook.ingress import Ingress
from services.webhook.intake import Intake
from services.webhook.keys import Keyring
from services.webhook.room import LOOK_SECONDS, TOO_LONG_SECONDS, Room
from services.webhook.settings import WebhookSettings
from services.webhook.spool import Spool
from shared import logs, process, ratelimit, settings
from shared.db import UNREACHABLE
from shared.people_wait import PeopleWait
from shared.process import Process
from shared.web.waiting import Waiting

log = logs.logger(__name__)


def main() -> None:
    """Run the process that the command line names."""
    if sys.argv[1:] != ["web"]:
        print("usage: python -m services.webhook web", file=sys.stderr)
        raise SystemExit(2)
    process.run("webhook-web", settings.load(WebhookSettings), schema="webhook", setup=setup)


async def setup(running: Process) -> None:
    """Wire the process: everything that a request may need, and what runs beside."""
    keyring = Keyring(running.pool)
    spool = Spool(running.pool, running.bus.publisher, lambda: running.bus.can_publish)
    configured = running.settings
    assert isinstance(configured, WebhookSettings)  # noqa: S101 - `main` loads no other
    redis = ratelimit.connect(configured.redis_url.get_secret_value())
    ingress = _ingress(running, configured, keyring, spool, redis)
    running.checks.clear()  # one of broker and database is enough here
    running.checks["broker or database"] = lambda: (
        running.bus.can_publish or keyring.database_answers
    )
    running.checks["keys"] = lambda: keyring.loaded
    running.bus.on_reply(ingress.waiting.receive)
    for purpose, handlers in HANDLERS.items():
        running.bus.consume(purpose, handlers, running.pool, running.relay, use_inbox=False)
    running.app = make_app(ingress, running.checks)
    try:
        await spool.look()
    except UNREACHABLE as problem:
        log.warning("the spool was not looked at", problem=repr(problem))
    running.task(keyring.run())
    running.task(spool.run())
    running.task(running.relay.run())
    running.watch("spool", partial(spool_watch.look, running.pool))
    running.watch(
        "purchases that wait", partial(ingress.room.look, running.bus), seconds=LOOK_SECONDS
    )
    word = PeopleWait(redis, configured.bus_namespace)
    running.task(word.watch(ingress.room.people_waited, TOO_LONG_SECONDS))
    running.watch_outbox()


def _ingress(
    running: Process, configured: WebhookSettings, keyring: Keyring, spool: Spool, redis: "Redis"
) -> Ingress:
    intake = Intake(running.bus.publisher, spool)
    door = gate.Gate(redis, configured.bus_namespace, configured.rate_limit_per_second)
    running.on_stop += [intake.join, redis.aclose]
    return Ingress(
        channel_secrets=configured.channel_secrets,
        purchase_id_key=configured.purchase_id_key.get_secret_value().encode(),
        reply_queue=running.bus.reply_queue,
        keyring=keyring,
        gate=door,
        intake=intake,
        waiting=Waiting(),
        room=Room(lambda: max(door.waited(), intake.waited())),
        brake=Brake(),
    )


if __name__ == "__main__":
    main()
