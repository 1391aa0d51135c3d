"""From a seed to what will befall whom, and when. Pure: the same seed, the same plan.

What the machine makes of a plan differs from run to run; what is done to it does not.
"""

import random
from dataclasses import dataclass

from deploy.local.processes import PROCESSES

SERVERS = ("postgres", "rabbitmq", "redis")
AROUND = ("sandbox",)
"""It stands for LINE and keeps the records of what arrived: nothing is done to it."""

SERVICES = tuple(
    each.name for each in PROCESSES if not each.one_shot and each.name not in (*AROUND, "edge")
)
EVERYBODY = (*SERVICES, "edge", *SERVERS)

VICTIMS = {
    "kill": EVERYBODY,  # SIGKILL; the supervisor starts it again
    "stop": (*SERVICES, "edge"),  # SIGTERM: it drains and goes, as in an upgrade
    "pause": EVERYBODY,  # SIGSTOP, and SIGCONT after some seconds
    "cut": SERVERS,  # every connection to the server ends at once
    "slow": SERVERS,  # every packet to and from the server is late
    "silence": SERVERS,  # connections stand, and nothing passes
    "clock": SERVICES,  # started again with another time
    "forget": ("redis",),  # all that it held is gone
    "full": ("postgres",),  # no room for the ingress' spool, and no broker either
}
"""What can be done, and to whom."""

SECONDS = {"pause": (1.0, 4.0), "slow": (2.0, 4.0), "silence": (1.0, 3.0), "full": (1.0, 2.0)}
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


def plan(seed: int, count: int = 6) -> list[Fault]:
    """The misfortunes of a seed in their order: kinds take turns over seeds, so that fifty seeds
    have seen every kind often."""
    dice = random.Random(seed)
    kinds = list(VICTIMS)
    start = seed * count
    chosen = [kinds[(start + n) % len(kinds)] for n in range(count)]
    dice.shuffle(chosen)
    return sorted((_fault(kind, dice) for kind in chosen), key=lambda each: each.at)


def _fault(kind: str, dice: random.Random) -> Fault:
    seconds = round(dice.uniform(*SECONDS[kind]), 2) if kind in SECONDS else 0.0
    jump = dice.choice((dice.randint(*FORWARD), -dice.randint(*BACK))) if kind == "clock" else 0
    return Fault(round(dice.uniform(0.05, 0.9), 3), kind, dice.choice(VICTIMS[kind]), seconds, jump)


def first_with(kind: str, victim: str) -> int:
    """The first seed whose plan does this to them."""
    return next(
        seed
        for seed in range(10_000)
        if any((each.kind, each.victim) == (kind, victim) for each in plan(seed))
    )
