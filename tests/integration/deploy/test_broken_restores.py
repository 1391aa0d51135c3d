"""A restore that is told to stop, or killed: what was there before comes back."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.backup import postgres, taking
from shared.migrate import _LOCK as MIGRATING
from tests.integration.deploy.operator import Operator, Stuck, execute

SCHEMAS = """
SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace
WHERE nspname !~ '^(pg_|information_schema|public)'
"""
OURS = "notify points scheduler webhook"
STORE = "SELECT name FROM points.stores"


@pytest.fixture(scope="module")
def backup(shop: Operator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("backups")
    code, said = shop("backup", str(into))
    assert code == 0, said
    return taking.complete(into)[0]


@pytest.fixture
async def pg_restore(tmp_path: Path) -> AsyncIterator[Stuck]:
    tool = Stuck("pg_restore", await postgres.tool("pg_restore", 1), tmp_path)
    yield tool
    tool.end()


@pytest.fixture
async def mine(empty: Operator) -> Operator:
    """A database with another shop."""
    assert empty("migrate")[0] == 0
    assert empty("store", "add", "mine", "わたしの店")[0] == 0
    return empty


async def as_it_was(mine: Operator) -> bool:
    return (await execute(mine.url, SCHEMAS), await execute(mine.url, STORE)) == (
        OURS,
        "わたしの店",
    )


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
async def test_one_that_is_told_to_stop_puts_back_what_was_there(
    mine: Operator, backup: Path, pg_restore: Stuck, which: signal.Signals
) -> None:
    work = mine.started("restore", str(backup), "--replace", PATH=pg_restore.path)
    await pg_restore.reached(work)
    assert not await as_it_was(mine)
    work.send_signal(which)
    said = work.communicate()[0]
    assert (work.returncode, f"told to stop by {which.name}" in said) == (1, True), said
    assert "putting back what was there before" in said
    assert await as_it_was(mine), said


async def test_it_puts_back_too_what_was_all_there_but_not_brought_up_to_date(
    mine: Operator, backup: Path
) -> None:
    """Who was erased since would be back: they are erased again after the migrations."""
    migrating = await asyncpg.connect(mine.url)
    await migrating.execute(f"SELECT pg_advisory_lock({MIGRATING})")
    work = mine.started("restore", str(backup), "--replace", PYTHONUNBUFFERED="1")
    assert work.stdout is not None
    while "counting rows" not in (line := await asyncio.to_thread(work.stdout.readline)):
        assert line, work.wait()
    work.send_signal(signal.SIGTERM)
    said = (await asyncio.to_thread(work.communicate))[0]
    await migrating.close()
    assert (work.returncode, "told to stop" in said) == (1, True), said
    assert await as_it_was(mine), said


async def test_what_a_killed_one_left_is_told_and_put_back_by_the_next(
    mine: Operator, backup: Path, pg_restore: Stuck
) -> None:
    work = mine.started("restore", str(backup), "--replace", PATH=pg_restore.path)
    await pg_restore.reached(work)
    code, said = mine("restore", str(backup), "--replace")
    assert (code, "another `tamaru restore` is at work" in said) == (1, True), said
    work.send_signal(signal.SIGKILL)
    work.communicate()
    pg_restore.end()

    waiting = ["wait-migrated", "points", "--seconds", "1"]
    for words in (["migrate"], ["backup", str(backup.parent)], waiting):
        code, said = mine(*words)
        assert (code, "was broken off" in said) == (1, True), said
    code, said = mine("doctor")
    assert (code, "A restore is under way, or was broken off" in said) == (1, True), said

    left = await asyncpg.connect(mine.url, server_settings={"application_name": "pg_restore"})
    code, said = mine("restore", str(backup))
    await left.close()
    assert (code, "its pg_restore goes on (1 connections)" in said) == (1, True), said
    assert not await as_it_was(mine)

    code, said = mine("restore", str(backup))
    assert (code, "putting back what was there before" in said) == (1, True), said
    assert "With --replace" in said
    assert await as_it_was(mine), said
    assert mine("restore", str(backup), "--replace")[0] == 0
    assert await execute(mine.url, "SELECT count(*) FROM points.members") == 30


async def test_a_killed_one_into_an_empty_database_begins_anew(
    empty: Operator, backup: Path, pg_restore: Stuck
) -> None:
    work = empty.started("restore", str(backup), PATH=pg_restore.path)
    await pg_restore.reached(work)
    work.send_signal(signal.SIGKILL)
    work.communicate()
    code, said = empty("restore", str(backup))
    assert (code, "the database is empty" in said) == (0, True), said
    assert await execute(empty.url, SCHEMAS) == OURS
