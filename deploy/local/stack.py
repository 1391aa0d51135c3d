"""A handle on one running stack: start it, look at it, break it, stop it.

`make up`, the tests and the benchmarks all use this; the work is done by the detached supervisor
of the stack's folder (`supervise.py`). A handle can be made for a stack that somebody else
started. Nothing here runs in the background.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from deploy.local import spawn
from deploy.local.commands import shown
from deploy.local.files import is_locked, read_env, read_json, read_text, tail, write_json
from deploy.local.layout import DEFAULT_FOLDER, ROOT, Layout
from deploy.local.plan import Options
from deploy.local.processes import PROCESSES, Process
from deploy.local.server_units import SERVER_NAMES
from deploy.local.supervise import away_folder

_POLL = 0.03  # seconds between two looks at the status file
Progress = Callable[[str], None]


class StartFailed(Exception):
    """A process does not come up. The text names its log and shows the last lines."""


class Stack:
    """One stack in one folder; two stacks with different folders do not touch each other.

    `env` overrides variables of every process; a DATABASE_URL, REDIS_URL or AMQP_URL in it is
    used in place of that private server. `bound`: the supervisor ends with the thread that
    started it (call from the main thread) and stopping throws everything down at once, which is
    right for data that is thrown away. As a context manager it starts, and destroys at the end.
    """

    def __init__(
        self,
        folder: Path = DEFAULT_FOLDER,
        env: Mapping[str, str] | None = None,
        *,
        servers: Iterable[str] = SERVER_NAMES,
        processes: Iterable[Process] = PROCESSES,
        bound: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self._layout = Layout(self.folder)
        self.options = Options(dict(env or {}), tuple(servers), tuple(processes), bound)
        self._process: subprocess.Popen[bytes] | None = None
        self._told: dict[str, str] = {}  # states that `wait_ready` has already told

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    # -- starting

    def start(self, held: Iterable[str] = ()) -> bool:
        """Start the supervisor, unless one runs already (then False). Does not wait for units.

        `held` units wait for `release`. Raises StartFailed when the supervisor itself fails.
        """
        self._layout.make()
        if self.is_running():
            return False
        shutil.rmtree(self._layout.holds)
        self._layout.make()
        for name in held:
            (self._layout.holds / name).touch()
        self._layout.status.unlink(missing_ok=True)
        write_json(self._layout.options, self.options.to_json())
        self._process = self._launch()
        self._wait_for_status()
        return True

    def _launch(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "deploy.local", "supervise", "--folder", str(self.folder)]
        command = spawn.wrapped(words, None, "TERM") if self.options.temporary else words
        return spawn.spawn(command, os.environ, ROOT, self._layout.log("supervisor"))

    def _wait_for_status(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.status():
            code = self._process.poll() if self._process else None
            if code is not None or time.monotonic() > deadline:
                raise StartFailed(_explain("the supervisor", self._layout.log("supervisor")))
            time.sleep(_POLL)

    def wait_ready(
        self,
        names: Iterable[str] | None = None,
        seconds: float = 120.0,
        tell: Progress | None = None,
    ) -> None:
        """Wait until these units (default: all) are ready. Raises StartFailed."""
        wanted = None if names is None else set(names)
        deadline = time.monotonic() + seconds
        while pending := self._pending(wanted):
            _tell_changes(self._states(), self._told, tell)
            self._raise_if_hopeless(pending, deadline)
            time.sleep(_POLL)
        _tell_changes(self._states(), self._told, tell)

    def _pending(self, wanted: set[str] | None) -> dict[str, Any]:
        units = self.status().get("units", {})
        missing = {name: {"state": "unknown"} for name in (wanted or set()) - set(units)}
        named = {k: v for k, v in units.items() if wanted is None or k in wanted} | missing
        unready = {name: unit for name, unit in named.items() if unit["state"] != "ready"}
        return unready if units else {"supervisor": {"state": "unknown"}}

    def _raise_if_hopeless(self, pending: Mapping[str, Any], deadline: float) -> None:
        if not self.is_running():
            raise StartFailed(_explain("the supervisor", self._layout.log("supervisor")))
        for name, unit in pending.items():
            if unit.get("failures", 0) >= unit.get("patience", 1):
                raise StartFailed(_explain(name, self._layout.log(name)))
        if time.monotonic() > deadline:
            logs = "\n".join(_explain(name, self._layout.log(name)) for name in pending)
            raise StartFailed(f"not ready in time: {', '.join(pending)}\n{logs}")

    # -- looking

    def is_running(self) -> bool:
        """Whether a supervisor has this folder."""
        if self._process is not None:
            self._process.poll()  # reap it, if it ended
        return is_locked(self._layout.lock)

    def status(self) -> dict[str, Any]:
        """The supervisor's view: `{"supervisor": pid, "stopping": bool, "units": {name: …}}`."""
        return read_json(self._layout.status)

    def _states(self) -> dict[str, str]:
        units = self.status().get("units", {})
        return {name: unit["state"] for name, unit in units.items()}

    @property
    def env(self) -> dict[str, str]:
        """What `.local/env` says now: addresses, keys, servers' URLs, pids."""
        return read_env(self._layout.env)

    @property
    def supervisor_pid(self) -> int:
        return int(read_text(self._layout.lock).strip())

    def pid(self, name: str) -> int | None:
        """The unit's pid now; None while it does not run."""
        unit = self.status().get("units", {}).get(name, {})
        pid: int | None = unit.get("pid")
        return pid

    def log(self, name: str) -> Path:
        return self._layout.log(name)

    # -- breaking and mending

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Signal the unit's process and return its pid. The supervisor starts it again.

        Raises ProcessLookupError when it does not run.
        """
        pid = self.pid(name)
        if pid is None:
            raise ProcessLookupError(f"{name} does not run")
        os.kill(pid, number)
        return pid

    def wait_restarted(self, name: str, old_pid: int, seconds: float = 60.0) -> int:
        """Wait until the unit is ready with another pid than `old_pid`, and return that."""
        deadline = time.monotonic() + seconds
        while True:
            unit = self.status().get("units", {}).get(name, {})
            if unit.get("state") == "ready" and unit["pid"] not in (None, old_pid):
                return int(unit["pid"])
            if time.monotonic() > deadline:
                raise StartFailed(_explain(name, self._layout.log(name)))
            time.sleep(_POLL)

    def restart(self, name: str, number: int = signal.SIGTERM) -> int:
        """Signal the unit, wait until it is ready again and return the new pid."""
        return self.wait_restarted(name, self.kill(name, number))

    def hold(self, name: str, number: int = signal.SIGTERM, seconds: float = 60.0) -> None:
        """Stop the unit and keep it stopped until `release`."""
        (self._layout.holds / name).touch()
        old_pid = self.pid(name)
        if old_pid is not None:
            self.kill(name, number)
        deadline = time.monotonic() + seconds
        while self.pid(name) is not None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} does not stop")
            time.sleep(_POLL)

    def release(self, *names: str) -> None:
        """Let held units start again; does not wait."""
        for name in names:
            (self._layout.holds / name).unlink(missing_ok=True)

    # -- stopping

    def stop(self, seconds: float = 90.0) -> bool:
        """Stop everything, gently unless `bound`. Data is kept. False when nothing ran."""
        ran = self.is_running()
        if ran:
            self._signal_supervisor(signal.SIGQUIT if self.options.temporary else signal.SIGTERM)
            self._wait_until_stopped(seconds)
        if self._process is not None:  # it gives the lock back shortly before it ends
            self._process.wait(timeout=10)
        return bool(spawn.kill_recorded(self._layout.pids)) or ran

    def _signal_supervisor(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, ValueError):  # just starting or just ending
            os.kill(self.supervisor_pid, number)

    def _wait_until_stopped(self, seconds: float) -> None:
        started = time.monotonic()
        pressed = False
        while self.is_running():
            waited = time.monotonic() - started
            if waited > seconds and not pressed:
                self._signal_supervisor(signal.SIGQUIT)
                pressed = True
            if waited > seconds + 15:
                raise TimeoutError(f"the supervisor {self.supervisor_pid} does not stop")
            time.sleep(_POLL)

    def destroy(self) -> None:
        """Stop everything and delete its files and data; the folder too, if it is empty then."""
        self.stop()
        shutil.rmtree(away_folder(self.folder), ignore_errors=True)
        for path in self._layout.everything():
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def _tell_changes(states: dict[str, str], told: dict[str, str], tell: Progress | None) -> None:
    for name, state in states.items():
        if tell is not None and told.get(name) != state and state in ("ready", "failing"):
            tell(f"{name} {'is ready' if state == 'ready' else 'ended early, trying again'}")
        told[name] = state


def _explain(name: str, log: Path) -> str:
    return f"{name} does not start; its log is {shown(log)}, which ends:\n{tail(log)}"


def scratch_folder(kind: str) -> Path:
    """A folder `.local/<kind>-<our pid>` for a stack that is thrown away.

    What a killed run of the same kind left behind is destroyed first.
    """
    for left in DEFAULT_FOLDER.glob(f"{kind}-*"):
        pid = left.name.rpartition("-")[2]
        if pid.isdigit() and spawn.start_time(int(pid)) is None:
            Stack(left, bound=True).destroy()
    return DEFAULT_FOLDER / f"{kind}-{os.getpid()}"
