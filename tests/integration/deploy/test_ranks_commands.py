"""`tamaru ranks preview` against a real database."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg

from services.points.rules.program import DEMO

LEVELS = [
    {"code": "bronze", "name": "ブロンズ", "requires": {"visits": 1}, "points": 10},
    {"code": "silver", "name": "シルバー", "requires": {"visits": 5}},
]
PROGRAM = {**DEMO, "ranks": {"window": "lifetime", "levels": LEVELS}}


def tamaru(database: Any, *words: str) -> tuple[int, str, str]:
    """Runs the command; returns its exit code and what it printed and said beside."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", *words],
        env={**os.environ, "DATABASE_URL": database.admin_url},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def test_the_preview_counts_and_names_who_moves(database: Any, tmp_path: Path) -> None:
    connection = await asyncpg.connect(database.admin_url)
    await connection.execute(
        """
        SET search_path TO points;
        INSERT INTO members (id, card, status, friend, joined_at)
        SELECT gen_random_uuid(), '29' || n, 'active', false, '2026-01-01'
        FROM generate_series(1, 10001) AS n;
        INSERT INTO accounts SELECT id, 'point', 0, 0, 0, 0, 0, 0, 0, 0,
            CASE card WHEN '291' THEN 1 WHEN '292' THEN 4 WHEN '293' THEN 7 ELSE 0 END, NULL, 0, 1
        FROM members;
        INSERT INTO ranks (member_id, code, own, since, keep_until)
        SELECT id, 'silver', 'silver', '2026-01-01', '2030-01-01' FROM members WHERE card = '292'
        """
    )
    await connection.close()
    file = tmp_path / "draft.json"
    file.write_text(json.dumps(PROGRAM))
    code, words, beside = tamaru(database, "ranks", "preview", str(file))
    assert code == 0, beside
    lines = words.splitlines()
    assert sorted(lines[:3]) == [
        "1\tno rank → bronze\tat once",
        "1\tno rank → silver\tat once",
        "1\tsilver → bronze\twhen the keep period is over",
    ]
    assert sorted(lines[3:6]) == [
        "  card 291: no rank → bronze",
        "  card 292: silver → bronze",
        "  card 293: no rank → silver",
    ]
    assert lines[6:] == ["10001 members, 9998 stay, 20 points are given"]
    assert beside == "10000 of 10001 members …\n"


def test_what_cannot_be_published_is_named(database: Any, tmp_path: Path) -> None:
    file = tmp_path / "draft.json"
    file.write_text(json.dumps({**PROGRAM, "time_zone": "Mars/Olympus"}))
    code, words, _ = tamaru(database, "ranks", "preview", str(file))
    assert code == 1
    assert words.startswith("time_zone: ")
