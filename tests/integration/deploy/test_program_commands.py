"""`tamaru program` as an owner types it, against a real database: from a file to in force."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from deploy import cli
from services.points.rules.program import DEMO

Tamaru = Callable[..., tuple[int, str]]
BETTER = {**DEMO, "welcome": {"points": 70}}


@pytest.fixture
def tamaru(database: Any, monkeypatch: pytest.MonkeyPatch) -> Tamaru:
    """Runs `tamaru program`; returns its exit code and what it printed."""
    monkeypatch.setenv("DATABASE_URL", database.admin_url)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.app, ["program", *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return run


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Any], str]:
    """Writes a document to a file; returns its path."""

    def write(document: Any) -> str:
        file = tmp_path / "program.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(file)

    return write


def test_check_needs_no_database_and_names_everything(
    written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def check(document: Any) -> tuple[int, str]:
        words = [sys.executable, "-m", "deploy.cli", "program", "check", written(document)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    code, words = check({**DEMO, "time_zone": "Mars/Olympus", "surprise": 1})
    assert code == 1
    assert {line.partition(":")[0] for line in words.splitlines()} == {"time_zone", "surprise"}
    code, words = check({**DEMO, "redemption": {"maximum_percent": 0}})
    assert code == 0
    assert "redemption.maximum_percent: 利用上限が0%" in words
    assert "1 warning(s)" in words
    assert check('{"welcome": {}, "welcome": {}}') == (1, "welcome: is given twice; keep one\n")


def test_a_file_is_compared_published_shown_and_rolled_back(
    tamaru: Tamaru, written: Any, tmp_path: Path
) -> None:
    assert tamaru("show") == (1, "nothing has been published yet\n")
    assert tamaru("publish", written(DEMO)) == (0, "version 1 is in force\n")
    code, words = tamaru("diff", written(BETTER))
    assert code == 1
    assert "welcome.points\n  入会特典：50ポイント → 70ポイント\n" in words
    assert "1 difference(s) to version 1\n" in words
    assert tamaru("publish", written(BETTER), "--expect", "7")[0] == 1
    assert tamaru("publish", written(BETTER), "--expect", "1") == (0, "version 2 is in force\n")
    assert tamaru("diff", written(BETTER)) == (0, "0 difference(s) to version 2\n")
    code, shown = tamaru("show")
    assert json.loads(shown) == BETTER
    file = Path(written(BETTER))
    assert tamaru("format", str(file)) == (0, "program.json is written\n")
    assert file.read_text() == shown
    assert tamaru("rollback", "1") == (0, "version 3 is in force\n")
    assert json.loads(tamaru("show")[1]) == DEMO
    assert tamaru("rollback", "9") == (1, "there is no version 9\n")


def test_a_start_is_scheduled_and_withdrawn(tamaru: Tamaru, written: Any) -> None:
    tamaru("publish", written(DEMO))
    code, words = tamaru("publish", written({}), "--effective-from", "2999-01-01")
    assert code == 0
    number = words.split()[1]
    assert words == f"version {number} starts at 2998-12-31T15:00:00+00:00\n"
    listed = tamaru("versions")[1].splitlines()
    assert listed[0].split("\t")[:3] == [number, "scheduled", "2998-12-31T15:00:00Z"]
    assert listed[1].split("\t")[1] == "in_force"
    assert tamaru("withdraw", number) == (0, f"version {number} is withdrawn\n")
    assert tamaru("versions")[1].splitlines()[0].split("\t")[1] == "withdrawn"
    code, words = tamaru("publish", written({}), "--effective-from", "2020-01-01")
    assert code == 1
    assert words.startswith("effective_from: is in the past")


def test_a_backtest_is_run_from_a_file(tamaru: Tamaru, written: Any, database: Any) -> None:
    tamaru("publish", written(DEMO))
    asyncio.run(_buy(database.admin_url))
    code, words = tamaru("backtest", written(DEMO), "--from", "2026-05-01", "--until", "2026-05-11")
    assert code == 0, words
    assert "100%  3 purchases" in words
    assert "3 purchases in" in words
    rows = [line.split() for line in words.splitlines()]
    assert ["rank", "silver", "3", "30", "60", "+30", "+¥30", "3", "0", "0"] in rows  # +1.0 %
    assert ["store", "main", "3", "30", "60", "+30", "+¥30", "3", "0", "0"] in rows
    assert tamaru("backtest", written(DEMO), "--until", "2026-05-10")[0] == 0
    code, words = tamaru("backtest", written(DEMO), "--from", "soon")
    assert (code, words.partition(":")[0]) == (1, "from")


async def _buy(url: str) -> None:
    """A purchase of ¥1,000 for 10 points of each of three silver members, on a Monday."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "points"})
    await connection.execute(
        """
        WITH m AS (
            INSERT INTO members (id, card, status, friend, joined_at)
            SELECT gen_random_uuid(), 'bt-' || n, 'active', false, '2026-01-01'
            FROM generate_series(1, 3) AS n RETURNING id
        )
        INSERT INTO purchases (member_id, id, entry_id, store, terminal_id, occurred_at,
                               accepted_at, total, visits, points, purchase, context)
        SELECT id, gen_random_uuid(), id, 'main', id, '2026-05-11T03:00:00Z',
            '2026-05-11T03:00:00Z', 1000, 1, 10,
            '{"store": "main", "total": 1000, "occurred_at": "2026-05-11T12:00:00+09:00"}',
            '{"rank": "silver"}'
        FROM m
        """
    )
    await connection.close()
