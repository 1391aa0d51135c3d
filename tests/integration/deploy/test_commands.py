"""`tamaru` as an owner and an operator type it, against a real database."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.points.rules.program import DEMO


@pytest.fixture
def tamaru(database: Any, tmp_path: Path) -> Any:
    """Runs the command; returns its exit code and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *words],
            env={**os.environ, "DATABASE_URL": database.admin_url},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


async def fetch(database: Any, sql: str, *values: object) -> Any:
    connection = await asyncpg.connect(database.admin_url)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


async def test_a_store_and_its_key_are_made_shown_once_and_revoked(
    tamaru: Any, database: Any
) -> None:
    assert tamaru("key", "add", "till", "--store", "nowhere")[0] == 1
    assert tamaru("store", "add", "shibuya", "渋谷店") == (0, "store shibuya: 渋谷店\n")
    code, key = tamaru("key", "add", "till", "--store", "shibuya")
    key = key.strip()
    assert code == 0
    assert key.startswith("tmr_pos_")
    key_hash = hashlib.sha256(key.encode()).hexdigest()
    active = "SELECT active FROM points.terminals WHERE key_hash = $1"
    assert await fetch(database, active, key_hash) is True
    assert tamaru("key", "list") == (0, "till\tpos\tshibuya\tactive\n")
    assert tamaru("key", "revoke", "till") == (0, "1 key(s) revoked\n")
    assert tamaru("key", "revoke", "till")[0] == 1
    assert await fetch(database, active, key_hash) is False
    told = "SELECT count(*) FROM points.outbox WHERE type = 'terminal.changed.v1'"
    assert await fetch(database, told) == 2


async def test_a_program_is_published_whole_or_its_problems_are_named(
    tamaru: Any, tmp_path: Path
) -> None:
    file = tmp_path / "program.json"
    file.write_text(json.dumps({**DEMO, "time_zone": "Mars/Olympus", "surprise": 1}))
    code, words = tamaru("program", "publish", str(file))
    assert code == 1
    assert "time_zone: " in words
    assert "surprise: " in words
    file.write_text(json.dumps(DEMO))
    assert tamaru("program", "publish", str(file)) == (0, "version 1 is in force\n")


async def test_verify_says_whether_the_ledger_adds_up(tamaru: Any, database: Any) -> None:
    assert tamaru("ledger", "verify") == (0, "0 members, 0 entries: 0 differences\n")
    await fetch(
        database,
        """
        WITH m AS (
            INSERT INTO points.members (id, card, status, friend, joined_at)
            VALUES (gen_random_uuid(), '1', 'active', false, '2026-01-01') RETURNING id)
        INSERT INTO points.accounts SELECT id, 'point', 7, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 1 FROM m
        RETURNING 1
        """,
    )
    code, words = tamaru("ledger", "verify")
    assert code == 1
    assert "lots: entries say 0, stored 7" in words
    noted = "SELECT array_agg(differences ORDER BY asked_at) FROM points.ledger_checks"
    assert await fetch(database, noted) == [0, 1], "for the metrics and the doctor"
