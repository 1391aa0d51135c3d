"""Recognising processes, and ending only our own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import files, spawn


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_recorded_process_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    record = {"x": (sleeper.pid, spawn.start_time(sleeper.pid))}
    files.write_json(tmp_path / "pids", record)
    assert spawn.kill_recorded(tmp_path / "pids") == ["x"]
    assert sleeper.wait(5) == -9


def test_another_process_with_the_same_pid_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    started = spawn.start_time(sleeper.pid)
    assert started is not None
    files.write_json(tmp_path / "pids", {"x": (sleeper.pid, started - 1), "y": (sleeper.pid, None)})
    assert spawn.kill_recorded(tmp_path / "pids") == []
    assert sleeper.poll() is None


def test_a_zombie_and_a_missing_process_have_no_start_time() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert spawn.start_time(process.pid) is None
    process.wait()
    assert spawn.start_time(process.pid) is None
    assert spawn.start_time(os.getpid()) is not None


def test_an_unprivileged_account_is_dropped_to() -> None:
    command = spawn.wrapped(["postgres"], spawn.Account(65534, 65533), "QUIT")
    assert command[:3] == ["setpriv", "--pdeathsig", "QUIT"]
    assert {"--reuid=65534", "--regid=65533", "--clear-groups"} <= set(command)
    assert spawn.wrapped(["x"], None, "KILL") == ["setpriv", "--pdeathsig", "KILL", "--", "x"]


def test_a_long_log_is_put_aside_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn, "ROTATE_AT", 3)
    log = tmp_path / "x.log"
    log.write_text("abc")
    spawn.rotate(log)
    assert log.exists()
    log.write_text("abcd")
    spawn.rotate(log)
    assert not log.exists()
    assert (tmp_path / "x.log.1").read_text() == "abcd"
