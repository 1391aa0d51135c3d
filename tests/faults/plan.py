"""From a seed to what will befall whom, and when. Pure: the same seed, the same plan.

What the machine makes of a plan differs from run to run; what is done to it does not.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from deploy.local.processes import PROCESSES

SERVERS = ("postgres", "rabbitmq", "redis")
LINE = "line"
"""The sandbox's process keeps the records of what arrived and is left alone: what it stands for has
misfortunes of its own, which it acts out."""

SERVICES = tuple(
    each.name for each in PROCESSES if not each.one_shot and each.name not in ("sandbox", "edge")
)
EVERYBODY = (*SERVICES, "edge", *SERVERS)

VICTIMS = {
    "kill": EVERYBODY,  # SIGKILL; the supervisor starts it again
    "stop": (*SERVICES, "edge"),  # SIGTERM: it drains and goes, as in an upgrade
    "pause": EVERYBODY,  # SIGSTOP, and SIGCONT after some seconds
    "cut": SERVERS,  # every connection to the server ends at once
    "slow": (*SERVERS, LINE),  # every packet to and from the server is late; LINE's answers are
    "silence": (*SERVERS, LINE),  # connections stand, and nothing passes; LINE does not answer
    "clock": SERVICES,  # started again with another time
    "forget": ("redis",),  # all that it held is gone
    "full": ("postgres",),  # no room for the ingress' spool, and no broker either
    "refuse": (LINE,),  # 429: too many calls
    "fail": (LINE,),  # 500
    "unheard": (LINE,),  # what was asked is done, and its answer lost
    "repeat": (LINE,),  # webhooks come twice, again later, and in another order
}
"""What can be done, and to whom."""

NODES = ("rabbitmq-1", "rabbitmq-2", "rabbitmq-3")
IN_A_CLUSTER = {
    "fall": NODES,  # SIGKILL; it is started again after some seconds
    "pause": NODES,
    "kill": SERVICES,
    "cut": ("rabbitmq",),
}
"""What can be done where RabbitMQ is a cluster; it may lose its majority for a while."""

STANDBY = "standby"
IN_A_PAIR = {
    "promote": ("postgres",),  # killed for good; the standby takes its place
    "part": (STANDBY,),  # no way from the standby to the primary
    "pause": (STANDBY,),
    "kill": SERVICES,
    "cut": ("postgres",),
}
"""What can be done where PostgreSQL has a standby."""

ON_A_DISK = {
    "full": ("postgres",),  # there is no room for anything, and no broker either
    "kill": ("postgres", *SERVICES),
    "cut": SERVERS,
}
"""What can be done where PostgreSQL's disk can be full."""

SECONDS = {
    "pause": (1.0, 4.0),
    "slow": (2.0, 4.0),
    "silence": (1.0, 3.0),
    "full": (1.0, 2.0),
    "refuse": (2.0, 6.0),
    "fail": (2.0, 6.0),
    "unheard": (2.0, 6.0),
    "repeat": (2.0, 6.0),
    "fall": (0.0, 6.0),
    "part": (0.5, 3.0),
    "promote": (0.0, 2.0),
}
"""How long it lasts, at least and at most; the others are over at once."""

FORWARD, BACK = (20, 90), (2, 10)
"""Seconds of a clock's jump. What was due before a long jump back would be waited for."""


@dataclass(frozen=True)
class Fault:
    """One misfortune, when the share `at` (0 to 1) of the work was begun. `jump` is a clock's."""

    at: float
    kind: str
    victim: str
    seconds: float = 0.0
    jump: int = 0


def plan(seed: int, count: int = 8, victims: Mapping[str, Sequence[str]] = VICTIMS) -> list[Fault]:
    """The misfortunes of a seed in their order: kinds take turns over seeds, so that fifty seeds
    have seen every kind often. `victims` is what can be done, and to whom."""
    dice = random.Random(seed)
    kinds = list(victims)
    start = seed * count
    chosen = [kinds[(start + n) % len(kinds)] for n in range(count)]
    dice.shuffle(chosen)
    faults = (_fault(kind, victims[kind], dice) for kind in chosen)
    return sorted(faults, key=lambda each: each.at)


def _fault(kind: str, victims: Sequence[str], dice: random.Random) -> Fault:
    seconds = round(dice.uniform(*SECONDS[kind]), 2) if kind in SECONDS else 0.0
    jump = dice.choice((dice.randint(*FORWARD), -dice.randint(*BACK))) if kind == "clock" else 0
    return Fault(round(dice.uniform(0.05, 0.9), 3), kind, dice.choice(victims), seconds, jump)


def seeds_with(kind: str, victim: str, count: int = 1) -> list[int]:
    """The first seeds whose plans do this to them."""
    found = (
        seed
        for seed in range(10_000)
        if any((each.kind, each.victim) == (kind, victim) for each in plan(seed))
    )
    return list(islice(found, count))
