"""Keeps units alive: starts them in order, restarts what dies, stops them in layers.

One thread starts, reaps and signals (children die with the thread that started them); a small
pool asks the readiness questions. It learns of the outside through signals (TERM and INT: stop
gently, QUIT: at once) and through the `hold` folder. It knows no server and no service.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deploy.local import backoff, spawn
from deploy.local.files import write_json
from deploy.local.layout import Layout
from deploy.local.units import Unit, pid_name

_PROBE_EVERY = 0.1  # seconds between two questions to one unit that is not ready yet
_IDLE = 0.25  # seconds until the hold folder is looked at again


@dataclass
class Child:
    """One unit and what is known of its process. Times are `time.monotonic()`."""

    unit: Unit
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False
    failures: int = 0
    starts: int = 0
    exit_code: int | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    stop_by: float = 0.0
    probe: Future[bool] | None = None
    probe_at: float = 0.0

    @property
    def finished(self) -> bool:
        """A one-shot that has done its work."""
        return self.unit.one_shot and self.ready

    def view(self, held: bool) -> dict[str, Any]:
        pid = self.process.pid if self.process else None
        return {
            "state": self.state(held),
            "pid": pid,
            "starts": self.starts,
            "failures": self.failures,
            "exit": self.exit_code,
            "patience": self.unit.patience,
        }

    def state(self, held: bool) -> str:
        if self.ready:
            return "ready"
        if self.process:
            return "starting"
        if held:
            return "held"
        return "failing" if self.failures else "waiting"


class Supervisor:
    """Runs until told to stop; `run` returns when every child is gone."""

    def __init__(
        self,
        layout: Layout,
        units: Iterable[Unit],
        on_pids: Callable[[dict[str, int]], None],
        tell: Callable[[str], None],
    ) -> None:
        self._layout = layout
        self._children = {unit.name: Child(unit) for unit in units}
        self._on_pids = on_pids
        self._tell = tell
        self._stopping = False
        self._at_once = False
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="probe")
        self._published: dict[str, Any] = {}
        self._pids: dict[str, int] = {}

    def run(self) -> None:
        """Supervise until a signal says stop, then until all children are gone."""
        with _Wakeup(self._on_signal) as wakeup:
            while not (self._stopping and not self._alive()):
                self._turn()
                wakeup.wait(self._pause())
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._publish()

    def _on_signal(self, number: int) -> None:
        if number != signal.SIGCHLD:
            self._stopping = True
            self._at_once = self._at_once or number == signal.SIGQUIT

    def _turn(self) -> None:
        for child in self._children.values():
            self._reap(child)
            self._ask(child)
        if self._stopping:
            self._stop()
        else:
            self._start()
        self._publish()

    def _pause(self) -> float:
        if self._stopping:
            return 0.05
        busy = any(not child.ready for child in self._children.values())
        return _PROBE_EVERY / 2 if busy else _IDLE

    def _alive(self) -> list[tuple[Child, int]]:
        """The children that have a process, each with its pid."""
        return [(c, c.process.pid) for c in self._children.values() if c.process]

    def _is_held(self, child: Child) -> bool:
        return (self._layout.holds / child.unit.name).exists()

    # -- starting

    def _start(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            waits = child.process or child.finished or now < child.due_at
            if waits or self._is_held(child) or not self._may_follow(child):
                continue
            self._spawn(child)

    def _may_follow(self, child: Child) -> bool:
        """Only the first start waits for others: a restart reconnects by itself."""
        if child.starts:
            return True
        before = (self._children.get(name) for name in child.unit.after)
        return all(other is None or other.ready for other in before)

    def _spawn(self, child: Child) -> None:
        unit = child.unit
        command = spawn.wrapped(unit.argv, unit.account, unit.death_signal)
        child.process = spawn.spawn(command, unit.env, unit.cwd, self._layout.log(unit.name))
        child.starts += 1
        child.started_at = child.probe_at = time.monotonic()
        child.ready = unit.probe is None and not unit.one_shot
        self._tell(f"{unit.name} started, pid {child.process.pid}")

    # -- watching

    def _reap(self, child: Child) -> None:
        process = child.process
        if process is None or _is_running(process.pid):
            return
        _kill_group(process.pid)  # what it leaves behind in its session, while the pid is ours
        child.exit_code = process.wait()
        child.process = child.probe = None
        child.ready = child.unit.one_shot and child.exit_code == 0
        if child.ready:
            child.failures = 0
        elif not self._stopping:
            self._schedule_restart(child)
        self._tell(f"{child.unit.name} ended with {child.exit_code}")

    def _schedule_restart(self, child: Child) -> None:
        now = time.monotonic()
        child.failures = backoff.failures_after(child.failures, now - child.started_at)
        child.due_at = now + backoff.delay(child.failures)

    def _ask(self, child: Child) -> None:
        """Put the readiness question, or take its answer. Never blocks."""
        if child.process is None or child.ready or child.unit.probe is None:
            return
        if child.probe is None:
            if time.monotonic() >= child.probe_at:
                child.probe = self._pool.submit(child.unit.probe)
        elif child.probe.done():
            answer, child.probe = child.probe.result(), None
            child.probe_at = time.monotonic() + _PROBE_EVERY
            if answer:
                self._became_ready(child)

    def _became_ready(self, child: Child) -> None:
        child.ready, child.failures = True, 0
        if child.unit.marker:
            child.unit.marker.touch()
        took = time.monotonic() - child.started_at
        self._tell(f"{child.unit.name} ready after {took:.1f} s")

    # -- stopping

    def _stop(self) -> None:
        """Signal the highest layer that still lives; kill what does not listen in time."""
        alive = self._alive()
        top = max((child.unit.layer for child, _ in alive), default=0)
        for child, pid in alive:
            if self._at_once:
                _kill_group(pid)
            elif child.unit.layer == top:
                self._stop_one(child, pid)

    def _stop_one(self, child: Child, pid: int) -> None:
        now = time.monotonic()
        if not child.stop_by:
            child.stop_by = now + child.unit.stop_seconds
            # What never got ready has nothing to finish, and may not listen yet.
            gentle = child.ready or child.unit.one_shot
            os.kill(pid, child.unit.stop_signal if gentle else signal.SIGKILL)
        elif now > child.stop_by:
            self._tell(f"{child.unit.name} does not stop: killed")
            _kill_group(pid)

    # -- telling

    def _publish(self) -> None:
        """Rewrite the status, and the pids where they changed. Pids first: nobody sees a state
        whose pids are not yet in `.local/env`."""
        alive = self._alive()
        pids = {child.unit.name: pid for child, pid in alive}
        if pids != self._pids:
            self._pids = pids
            write_json(self._layout.pids, {k: (v, spawn.start_time(v)) for k, v in pids.items()})
            self._on_pids({pid_name(c.unit.name): pid for c, pid in alive if _is_shown(c.unit)})
        views = {name: c.view(self._is_held(c)) for name, c in self._children.items()}
        status = {"supervisor": os.getpid(), "stopping": self._stopping, "units": views}
        if status != self._published:
            self._published = status
            write_json(self._layout.status, status)


def _is_shown(unit: Unit) -> bool:
    return unit.shown and not unit.one_shot


def _is_running(pid: int) -> bool:
    """Look without reaping, so that the pid (and its process group) stays ours for a moment."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


class _Wakeup:
    """Lets a signal end `wait` early, without doing work inside the signal handler."""

    SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

    def __init__(self, on_signal: Callable[[int], None]) -> None:
        self._on_signal = on_signal
        self._read, self._write = socket.socketpair()

    def __enter__(self) -> "_Wakeup":
        self._read.setblocking(False)
        self._write.setblocking(False)
        for number in self.SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self._read.close()
        self._write.close()

    def wait(self, seconds: float) -> None:
        readable, _, _ = select.select([self._read], [], [], seconds)
        if readable:
            for number in self._read.recv(4096):
                self._on_signal(number)
