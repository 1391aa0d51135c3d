"""Running set-up commands (pip, apt, docker) with their output in a log, so that Ctrl-C ends them.

They may run in threads; `stop_all` is called from the main thread.
"""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.files import tail
from deploy.local.layout import ROOT

_running: set[subprocess.Popen[bytes]] = set()
_stopped = threading.Event()


class SetupError(Exception):
    """Something on this machine is missing or broken; the text says what to do about it."""


def run(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> bool:
    """Run a command to its end, its output appended to `log`. True when it ended with 0."""
    if _stopped.is_set():
        return False
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
        )
    _running.add(process)
    try:
        return process.wait() == 0
    finally:
        _running.discard(process)


def must_run(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
    """Like `run`. Raises SetupError with the end of the log when it fails."""
    if not run(command, log, env):
        words = " ".join(command[:6])
        raise SetupError(f"{words} … failed; its log is {shown(log)}, which ends:\n{tail(log)}")


def answers(command: Sequence[str], seconds: float = 10.0) -> str | None:
    """The output of a quick question; None when it fails, hangs or does not exist."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def stop_all() -> None:
    """End what runs and let nothing more start (this process is about to give up)."""
    _stopped.set()
    for process in list(_running):
        process.terminate()


def shown(path: Path) -> str:
    """A path as a person at the clone's root would type it."""
    return os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path)
