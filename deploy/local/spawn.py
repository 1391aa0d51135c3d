"""Starting and recognising processes: who they run as, how they die with us, who they are.

Every child is started through `setpriv --pdeathsig`: when the supervisor is killed, the kernel
ends the child. The signal follows the *thread* that started the child, so children are only ever
started from the main thread.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.files import read_json

ROTATE_AT = 5_000_000  # bytes


@dataclass(frozen=True)
class Account:
    """A user to run as. PostgreSQL refuses root, and the other servers need it no more."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """The unprivileged user for servers when we are root; None means: as we are.

    It needs an entry in passwd (PostgreSQL asks for it). Raises KeyError when there is no
    `nobody`.
    """
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def wrapped(argv: Sequence[str], account: Account | None, death_signal: str) -> list[str]:
    """`argv` run as `account` and ended by `death_signal` when its parent dies."""
    drop = (
        []
        if account is None
        else [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    )
    return ["setpriv", "--pdeathsig", death_signal, *drop, "--", *argv]


def can_reach(folder: Path, account: Account | None) -> bool:
    """Whether `account` can pass through every folder down to `folder`."""
    if account is None:
        return True
    command = wrapped(["test", "-x", str(folder)], account, "KILL")
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def rotate(log: Path) -> None:
    """Keep one older log once the current one has grown beyond the cap."""
    if log.exists() and log.stat().st_size > ROTATE_AT:
        log.replace(log.with_suffix(".log.1"))


def spawn(command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> "Child":
    """Start a process in a session of its own, writing to its log, with no pipe of ours."""
    rotate(log)
    with log.open("ab", buffering=0) as output:
        log.chmod(0o600)
        return subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


Child = subprocess.Popen[bytes]


def start_time(pid: int) -> int | None:
    """When the process started, in ticks since boot; None when it is gone (or a zombie).

    Together with the pid this names one process for as long as the machine is up.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def kill_recorded(pids: Path, seconds: float = 10.0) -> list[str]:
    """SIGKILL what a former supervisor recorded and left behind, and wait until it is gone.

    Returns the names. A pid that now belongs to another process has another start time and is
    left alone.
    """
    left = {name: pair for name, pair in read_json(pids).items() if _is_same(*pair)}
    for pid, _ in left.values():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while any(_is_same(*pair) for pair in left.values()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return list(left)


def _is_same(pid: int, started: int | None) -> bool:
    return started is not None and start_time(pid) == started


def require_setpriv() -> None:
    """Raises RuntimeError where util-linux is missing."""
    if shutil.which("setpriv") is None:
        raise RuntimeError("setpriv is missing: install the package util-linux")
