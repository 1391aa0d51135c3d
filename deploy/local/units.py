"""What the supervisor runs: one `Unit` a process, plain data."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.layout import ROOT
from deploy.local.probes import Probe
from deploy.local.spawn import Account

# Layers stop from the highest to the lowest: first the product, then what it stands on.
NAMES, SERVERS, PRODUCT = 0, 1, 2


def pid_name(name: str) -> str:
    """The name in `.local/env`: `points-awards` is `PID_POINTS_AWARDS`."""
    return "PID_" + name.upper().replace("-", "_")


@dataclass(frozen=True)
class Unit:
    """One process to keep alive, or with `one_shot` one command that must end with 0 once.

    `after` names units that must be ready before the first start; names that are not part of the
    stack count as ready (a server that was given by URL). `patience` is how many failed starts in
    a row a waiting `make up` accepts. `marker` is created when the unit is ready for the first
    time. `death_signal` is what the kernel sends when the supervisor is killed.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    layer: int = PRODUCT
    probe: Probe | None = None
    after: tuple[str, ...] = ()
    one_shot: bool = False
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    death_signal: str = "KILL"
    shown: bool = True
    patience: int = 4
    cwd: Path = ROOT
    marker: Path | None = None
