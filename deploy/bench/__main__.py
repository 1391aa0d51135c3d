"""`python -m deploy.bench` (`make bench`): every benchmark, each figure beside its yardstick.

Starts servers of its own on loopback and takes them away afterwards; prints one table and leaves it
as JSON in `.local/bench/`. Believe the ratios: both sides of one come from the same minutes.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import uvloop

from deploy.bench import (
    awards,
    backtest,
    backups,
    broadcast,
    card,
    figures,
    growth,
    imports,
    ingress,
    journey,
    links,
    members,
    night,
    procfs,
    push_lines,
    segments,
    waiting,
)
from deploy.bench.house import House, house
from deploy.bench.results import Line, as_json, table
from deploy.local.layout import DEFAULT_FOLDER
from deploy.local.stack import StartFailed
from shared import collector, logs

QUICK = 0.1

Bench = Callable[[House, float], Coroutine[Any, Any, Sequence[Line]]]

BENCHES: dict[str, Bench] = {
    "awards": awards.measure,
    "pushes": push_lines.measure,
    "growth": growth.measure,
    "backtest": backtest.measure,
    "waiting": waiting.measure,
    "ingress": ingress.measure,
    "links": links.measure,
    "journey": journey.measure,
    "broadcast": broadcast.measure,
    "night": night.measure,
    "segments": segments.measure,
    "imports": imports.measure,
    "figures": figures.measure,
    "members": members.measure,
    "backups": backups.measure,
    "card": card.measure,
}
"""In this order: what needs nothing but servers comes before the product's processes start."""


def main() -> int:
    """Run what was asked for; 0 when it ran, whatever it found."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, _interrupt)  # `timeout make bench` leaves nothing either
    logs.configure("bench", "WARNING", "console")
    collector.spare()  # as every process of the product does
    cores, load = procfs.machine()
    machine = f"{cores} cores, load average {load:.1f} at the start"
    _tell(machine)
    if load > cores / 4:
        _tell("THE MACHINE IS BUSY: only ratios mean something, and latencies mean little")
    lines: list[Line] = []
    try:
        with house(_tell) as open_house:
            for name in asked.only:
                _tell(f"{name} …")
                lines += uvloop.run(BENCHES[name](open_house, asked.scale))
    except (StartFailed, KeyboardInterrupt) as problem:
        print(problem or "interrupted", file=sys.stderr)
        return 1
    finally:
        if lines:
            _show(lines, machine, asked.scale)
    return 0


def _show(lines: Sequence[Line], machine: str, scale: float) -> None:
    moment = datetime.now(UTC)
    file = DEFAULT_FOLDER / "bench" / f"{moment:%Y%m%dT%H%M%SZ}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(as_json(lines, at=moment.isoformat(), machine=machine, scale=scale))
    print(f"\n{table(lines)}\n\n{machine}; figures are in {file}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.bench", description=__doc__)
    parser.add_argument(
        "--only",
        type=_chosen,
        default=list(BENCHES),
        metavar="NAMES",
        help=f"some of {','.join(BENCHES)}",
    )
    parser.add_argument(
        "--quick",
        dest="scale",
        action="store_const",
        const=QUICK,
        default=1.0,
        help="a tenth of everything, without the largest ledger: to try whether it works",
    )
    return parser.parse_args()


def _chosen(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return [name for name in BENCHES if name in names]


def _tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
