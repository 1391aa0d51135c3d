"""`python -m deploy.checks.migrations`: new migrations do nothing that stops a running shop.

Those up to `BEFORE` were written when no shop ran; they are not looked at.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from deploy.schemas import SERVICES, migrations_of
from shared.migrate import ALONE

BEFORE = {"webhook": 3, "points": 30, "notify": 16, "scheduler": 8}
"""By service, the last number of that time."""

_SQUAWK = (str(Path(sys.executable).with_name("squawk")), "--config", ".squawk.toml")


def new_ones() -> list[Path]:
    """The files after those, of all services."""
    return [
        file
        for name in SERVICES
        for file in sorted(migrations_of(name).glob("[0-9]*.sql"))
        if int(file.name[:4]) > BEFORE[name]
    ]


def faults(files: Iterable[Path]) -> str:
    """What is wrong with them, in words; empty when nothing is."""
    files = list(files)
    alone = [file for file in files if file.read_text().startswith(ALONE)]
    within = [file for file in files if file not in alone]
    return _said(within, "--assume-in-transaction") + _said(alone)


def _said(files: list[Path], *options: str) -> str:
    if not files:
        return ""
    command = (*_SQUAWK, *options, *map(str, files))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


if __name__ == "__main__":
    new = new_ones()
    if wrong := faults(new):
        sys.exit(wrong)
    print(f"{len(new)} new migrations, none stops a running shop")
