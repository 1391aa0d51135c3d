"""`tamaru` as an operator types it, with everything in the environment that it may want."""

import os
import subprocess
import sys
from typing import Any

import asyncpg

from tests.conftest import PASSWORD

PERSONAL_KEY = "a key of the tests for personal data"


class Operator:
    """Runs the command against one database."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *words: str, **environment: str) -> tuple[int, str]:
        passwords = {
            f"{name}_DB_PASSWORD": PASSWORD for name in ("WEBHOOK", "POINTS", "NOTIFY", "SCHEDULER")
        }
        keys = {"POS_API_KEY": f"tmr_pos_{'1' * 48}", "OWNER_API_KEY": f"tmr_own_{'2' * 48}"}
        keys["PERSONAL_DATA_KEY"] = PERSONAL_KEY
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *words],
            env={
                **os.environ,
                **passwords,
                **keys,
                "DATABASE_URL": self.url,
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


async def execute(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
