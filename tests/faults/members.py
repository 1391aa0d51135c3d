"""Servers of which there are several: the test itself starts each, kills it and starts it again.

A supervisor would bring back at once what was killed. Whoever stands in for others is to be seen
standing in.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from deploy.local import spawn
from deploy.local.files import tail
from deploy.local.units import Unit

READY_SECONDS = 90.0
POLL_SECONDS = 0.05


class Members:
    """Processes by name. Called from the main thread only: with it they end."""

    def __init__(self, units: Iterable[Unit], logs: Path) -> None:
        self._units = {unit.name: unit for unit in units}
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def add(self, unit: Unit) -> None:
        """One more; it does not run yet."""
        self._units[unit.name] = unit

    def start(self, name: str) -> None:
        """Start it, if it does not run; does not wait until it can work."""
        if not self.runs(name):
            unit = self._units[name]
            command = spawn.wrapped(unit.argv, unit.account, unit.death_signal)
            self._running[name] = spawn.spawn(command, unit.env, unit.cwd, self._log(name))

    def runs(self, name: str) -> bool:
        """Whether its process is there, if only stopped in its tracks."""
        process = self._running.get(name)
        return process is not None and process.poll() is None

    def kill(self, name: str) -> None:
        """SIGKILL it with all that it started. Raises ProcessLookupError when it does not run."""
        if not self.runs(name):
            raise ProcessLookupError(f"{name} does not run")
        process = self._running.pop(name)
        os.kill(process.pid, signal.SIGSTOP)  # it starts no more of them
        _signal([*_children(process.pid), process.pid], signal.SIGKILL)
        process.wait()

    @contextlib.asynccontextmanager
    async def frozen(self, name: str) -> AsyncIterator[None]:
        """Meanwhile it stands still with all that it started, and keeps its connections. Raises
        ProcessLookupError when it does not run."""
        if not self.runs(name):
            raise ProcessLookupError(f"{name} does not run")
        process = self._running[name]
        still = [process.pid, *_children(process.pid)]
        _signal(still, signal.SIGSTOP)
        try:
            yield
        finally:
            if process.poll() is None:  # nobody has killed it in the meantime
                _signal(still, signal.SIGCONT)

    def is_ready(self, name: str) -> bool:
        """Whether it can work."""
        probe = self._units[name].probe
        return self.runs(name) and (probe is None or probe())

    def wait_ready(self, name: str) -> None:
        """Wait until it can work."""
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready(name):
            told = f"{name} is not ready; its log ends:\n{tail(self._log(name))}"
            assert self.runs(name) and time.monotonic() < deadline, told
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Kill whatever runs."""
        for name in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                self.kill(name)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _children(pid: int) -> list[int]:
    """PostgreSQL's have sessions of their own, and would end what they are at: all must go at
    once, as with the machine."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
