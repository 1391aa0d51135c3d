"""A private start of the whole product for a module of fault runs, and the check of one run."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from deploy.bench.at_once import nothing_waits
from deploy.local import binaries
from deploy.local.layout import DEFAULT_FOLDER, ROOT
from deploy.local.server_units import SERVER_NAMES
from deploy.local.stack import Stack, scratch_folder
from tests.faults import rush
from tests.faults.arena import Arena, needed

READY_SECONDS = 180.0
NOTIFY = ("notify-worker", "notify-broadcasts")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Every process of the product and private servers, destroyed at the end."""
    with opened() as running:
        yield running


@contextmanager
def opened(env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """A stack whose shop is open, with these variables besides.

    Servers that are given by URL cannot be killed, so these tests always start their own.
    """
    missing = binaries.missing_packages(binaries.wanted_programs(SERVER_NAMES, edge=True))
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}")
    running = Stack(scratch_folder("faults"), env, bound=True)
    try:
        running.start(held=NOTIFY)
        running.wait_ready(("migrate",), seconds=READY_SECONDS)
        asyncio.run(nothing_waits(running.env["DATABASE_URL"]))  # notices are counted one by one
        running.release(*NOTIFY)
        running.wait_ready(seconds=READY_SECONDS)
        asyncio.run(open_shop(running))
        yield running
    finally:
        keep_logs(running)
        running.destroy()


def keep_logs(stack: Stack) -> None:
    """What the processes said is all that is left to explain a failure with."""
    kept = DEFAULT_FOLDER / "reports" / "logs"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(stack.log("supervisor").parent, kept)


@contextmanager
def standing(arena: Arena) -> Iterator[Arena]:
    """An arena with its shop open, destroyed at the end."""
    if missing := needed():
        pytest.skip(f"not installed: {missing}")
    try:
        arena.start()
        asyncio.run(open_shop(arena.stack))
        yield arena
    finally:
        keep_logs(arena.stack)
        arena.destroy()


async def open_shop(stack: Stack) -> None:
    """The rules that `accounting` knows are in force, and the till may sell."""
    async with rush.client() as session:
        await rush.publish_program(session, stack)
        await rush.till_is_known(session, stack)


def aloud(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Tells while the test still runs: a table grows by a line a minute."""

    def tell(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", end="", flush=True)

    return tell


@pytest.fixture
def tamaru(stack: Stack) -> "Tamaru":
    return Tamaru(stack)


class Tamaru:
    """The operator's command on the stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def __call__(self, *words: str) -> str:
        """Its output; fails when it does."""
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *words],
            cwd=ROOT,
            env=os.environ | self._stack.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
