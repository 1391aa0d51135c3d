"""Two backups at once, one that is told to stop, and lists that two commands write."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.backup import erased, files, postgres, taking
from deploy.backup.erased import Erased
from shared import clock, ids
from tests.integration.deploy.operator import Operator, Stuck, execute

LOCKS = Path("/proc/locks")


@pytest.fixture
async def pg_dump(tmp_path: Path) -> AsyncIterator[Stuck]:
    place = tmp_path / "bin"
    place.mkdir()
    tool = Stuck("pg_dump", await postgres.tool("pg_dump", 1), place)
    yield tool
    tool.end()


def names(into: Path) -> list[str]:
    return sorted(path.name for path in into.glob("tamaru-*"))


async def test_a_backup_leaves_one_that_is_being_made_alone(
    shop: Operator, pg_dump: Stuck, tmp_path: Path
) -> None:
    into = tmp_path / "backups"
    first = shop.started("backup", str(into), PATH=pg_dump.path)
    await pg_dump.reached(first)
    before = names(into)
    assert [name.endswith(".partial") for name in before] == [True]
    code, said = shop("backup", str(into), "--keep", "1")
    assert (code, f"another `tamaru backup` is at work in {into}" in said) == (1, True), said
    assert names(into) == before
    first.kill()
    first.communicate()
    assert names(into) == before, "a killed one leaves what it has"
    code, said = shop("backup", str(into), "--keep", "1")
    assert (code, f"deleted {into / before[0]}, which a killed run left" in said) == (0, True), said
    assert [folder.name for folder in taking.complete(into)] == names(into)


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_backup_that_is_told_to_stop_leaves_nothing(
    shop: Operator, pg_dump: Stuck, tmp_path: Path, which: signal.Signals
) -> None:
    into = tmp_path / "backups"
    work = shop.started("backup", str(into), PATH=pg_dump.path)
    await pg_dump.reached(work)
    work.send_signal(which)
    said = work.communicate()[0]
    assert (work.returncode, names(into)) == (1, []), said
    assert f"no backup was made: told to stop by {which.name}" in said


async def test_who_was_erased_is_added_by_two_commands_at_once(
    shop: Operator, tmp_path: Path
) -> None:
    """One waits for the other, and then adds to what that one wrote."""
    path, lock = tmp_path / erased.NAME, tmp_path / f".{erased.NAME}.lock"
    one, other = Erased(clock.now(), member=ids.new_id()), "c0ffee" * 10
    await execute(
        shop.url, f"INSERT INTO notify.erasures (user_hash, at) VALUES ('{other}', now())"
    )
    try:
        with files.locked(lock, wait=False):
            work = shop.started("erased", str(path))
            await waited_for(lock.stat().st_ino)
            files.replace(path, [one])
        said, _ = await asyncio.to_thread(work.communicate)
    finally:
        await execute(shop.url, f"DELETE FROM notify.erasures WHERE user_hash = '{other}'")
    listed = {each.member or each.line_user for each in erased.read(path)}
    assert listed == {one.member, other}, said


async def waited_for(inode: int) -> None:
    """Until a process waits for the lock of this file."""
    async with asyncio.timeout(60):
        while not waiters(inode):
            await asyncio.sleep(0.02)


def waiters(inode: int) -> list[str]:
    """As the kernel lists them, with an arrow."""
    found = [line for line in LOCKS.read_text().splitlines() if f":{inode} " in line]
    return [line for line in found if "->" in line]
