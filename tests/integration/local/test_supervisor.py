"""The supervisor with stand-in processes: order, restarts, holds, and that nothing survives it."""

import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import spawn
from deploy.local.files import read_json
from deploy.local.layout import DEFAULT_FOLDER, Layout
from deploy.local.processes import Process
from deploy.local.stack import Stack, StartFailed, scratch_folder

SERVER = """
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ.get("WORD", "").encode())
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["HTTP_PORT"])), Answer).serve_forever()
"""
# Ends with 1 the first time and with 0 the second.
ONCE = """
import pathlib, sys
mark = pathlib.Path(sys.argv[1])
done = mark.exists()
mark.touch()
sys.exit(not done)
"""


def python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)


def server(name: str, after: tuple[str, ...] = ()) -> Process:
    return Process(name, python("-c", SERVER), f"{name.upper()}_URL", after=after)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if spawn.start_time(pid) is not None]


def all_pids(stack: Stack) -> list[int]:
    return [unit["pid"] for unit in stack.status()["units"].values() if unit["pid"]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Under the clone, where a second stack beside a running one would be."""
    path = scratch_folder("supervisor")
    yield path
    Stack(path, bound=True).destroy()
    assert not path.exists()


def stack_of(folder: Path, *processes: Process, bound: bool = True) -> Stack:
    return Stack(folder, {"WORD": "hello"}, servers=(), processes=processes, bound=bound)


def test_a_failed_one_shot_is_repeated_and_what_comes_after_waits(folder: Path) -> None:
    once = Process("once", python("-c", ONCE, str(folder / "mark")), after=(), one_shot=True)
    with stack_of(folder, once, server("web", after=("once",))) as stack:
        assert stack.status()["units"]["once"]["starts"] == 2
        log = stack.log("supervisor").read_text()
        assert log.index("once ended with 0") < log.index("web started")
        with urllib.request.urlopen(stack.env["WEB_URL"], timeout=5) as answer:
            assert answer.read() == b"hello"
        (folder / "mark").unlink()


def test_what_dies_comes_back_and_its_pid_is_rewritten(folder: Path) -> None:
    with stack_of(folder, server("web"), server("other")) as stack:
        other = stack.pid("other")
        old = stack.kill("web")
        new = stack.wait_restarted("web", old, 10)
        assert new != old
        assert stack.env["PID_WEB"] == str(new)
        assert stack.pid("other") == other
        assert Layout(folder).env.stat().st_mode & 0o777 == 0o600


def test_a_held_process_stays_away_until_it_is_released(folder: Path) -> None:
    with stack_of(folder, server("web"), server("other")) as stack:
        stack.hold("web")
        wait_until(lambda: stack.status()["units"]["web"]["state"] == "held")
        stack.restart("other")  # takes as long as web would have needed to come back
        assert stack.pid("web") is None
        assert "PID_WEB" not in stack.env
        stack.release("web")
        stack.wait_ready(["web"], 10)


def test_a_start_that_crashes_names_its_log_and_shows_the_end(folder: Path) -> None:
    broken = Process("broken", python("-c", "raise SystemExit('no PURCHASE_ID_KEY')"), after=())
    stack = stack_of(folder, broken)
    stack.start()
    with pytest.raises(StartFailed) as error:
        stack.wait_ready(seconds=20)
    assert "broken does not start" in str(error.value)
    assert "logs/broken.log" in str(error.value)
    assert str(error.value).endswith("no PURCHASE_ID_KEY")
    stack.stop()


def test_a_killed_supervisor_leaves_no_orphan(folder: Path) -> None:
    stack = stack_of(folder, server("web"), server("other"), bound=False)
    stack.start()
    stack.wait_ready()
    pids = all_pids(stack)
    assert len(pids) == 2
    os.kill(stack.supervisor_pid, signal.SIGKILL)
    wait_until(lambda: not alive(pids))
    wait_until(lambda: not stack.is_running())
    assert stack.start()  # and the next one starts over the remains
    stack.wait_ready()
    assert not set(all_pids(stack)) & set(pids)
    assert stack.stop()


def test_starting_twice_is_harmless_and_stopping_twice_too(folder: Path) -> None:
    stack = stack_of(folder, server("web"), bound=False)
    assert stack.start()
    stack.wait_ready()
    pids = all_pids(stack)
    again = stack_of(folder, server("web"), bound=False)
    assert not again.start()
    again.wait_ready()
    assert all_pids(again) == pids
    assert again.stop()
    assert not alive(pids)
    assert not stack.stop()
    assert not Layout(folder).env.exists()


def test_what_does_not_listen_to_a_gentle_stop_is_killed(folder: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER
    process = Process("deaf", python("-c", deaf), after=(), stop_seconds=0.3)
    stack = stack_of(folder, process, bound=False)
    stack.start()
    stack.wait_ready()
    pids = all_pids(stack)
    stack.stop(seconds=15)
    assert not alive(pids)
    assert "deaf does not stop: killed" in stack.log("supervisor").read_text()


def test_a_supervisor_that_waits_too_long_is_pressed(folder: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER
    stack = stack_of(folder, Process("deaf", python("-c", deaf), after=()), bound=False)
    stack.start()
    stack.wait_ready()
    pids = all_pids(stack)
    stack.stop(seconds=0.3)
    assert not alive(pids)


def test_the_port_block_is_remembered(folder: Path) -> None:
    bases = []
    for _ in range(2):
        stack = stack_of(folder, server("web"))
        stack.start()
        bases.append(read_json(Layout(folder).state)["port_base"])
        stack.stop()
    assert bases[0] == bases[1]


def test_two_stacks_share_nothing(folder: Path) -> None:
    second = scratch_folder("second")
    with (
        stack_of(folder, server("web")) as one,
        stack_of(second, server("web")) as two,
    ):
        assert one.env["WEB_URL"] != two.env["WEB_URL"]
        assert one.env["POS_API_KEY"] != two.env["POS_API_KEY"]
    assert not second.exists()


def test_the_remains_of_a_killed_run_are_destroyed() -> None:
    left = DEFAULT_FOLDER / "supervisor-4194305"  # beyond the greatest pid
    Layout(left).make()
    scratch_folder("supervisor")
    assert not left.exists()
