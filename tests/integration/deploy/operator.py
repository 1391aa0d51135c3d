"""`tamaru` as an operator types it, with everything in the environment that it may want."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from tests.conftest import PASSWORD

SECONDS = 120
PERSONAL_KEY = "a key of the tests for personal data"


class Operator:
    """Runs the command against one database."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *words: str, **environment: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *words],
            env=self._environment(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def started(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """The command while it runs; what it says comes by `stdout`."""
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", *words],
            env=self._environment(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        passwords = {
            f"{name}_DB_PASSWORD": PASSWORD for name in ("WEBHOOK", "POINTS", "NOTIFY", "SCHEDULER")
        }
        keys = {"POS_API_KEY": f"tmr_pos_{'1' * 48}", "OWNER_API_KEY": f"tmr_own_{'2' * 48}"}
        keys["PERSONAL_DATA_KEY"] = PERSONAL_KEY
        return {**os.environ, **passwords, **keys, "DATABASE_URL": self.url, **more}


class Stuck:
    """One of PostgreSQL's tools, the newest there is, that does its work and then does not end."""

    def __init__(self, name: str, real: Path, place: Path) -> None:
        self._done = place / f"{name}.done"
        self.path = f"{place}{os.pathsep}{os.environ['PATH']}"
        program = place / name
        program.write_text(
            f"""#!/bin/sh
            [ "$1" = --version ] && exec echo "{name} (PostgreSQL) 99.0"
            "{real}" "$@" || exit 1
            echo $$ > {self._done}.new && mv {self._done}.new {self._done}
            exec sleep {SECONDS}
            """
        )
        program.chmod(0o700)

    async def reached(self, process: subprocess.Popen[str]) -> None:
        """Until it has done its work for this command."""
        async with asyncio.timeout(SECONDS):
            while not self._done.exists():
                assert process.poll() is None, process.communicate()[0]
                await asyncio.sleep(0.02)

    def end(self) -> None:
        """Whatever became of the command."""
        if self._done.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self._done.read_text()), signal.SIGKILL)
            self._done.unlink()


async def execute(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
