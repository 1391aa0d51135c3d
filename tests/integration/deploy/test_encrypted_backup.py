"""Backups that are encrypted, as whoever has them sees them, and the way back."""

import asyncio
import hashlib
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.backup import encryption, postgres, taking
from deploy.backup.postgres import ToolProblem
from deploy.schemas import SERVICES
from shared import clock
from tests.integration.deploy.operator import Operator, execute

NAME = "貯丸さくら7"
PHONE = "907777"
SCHEMAS = "SELECT array_agg(nspname::text) FROM pg_namespace WHERE nspname LIKE 'points%'"
SECONDS = 120.0


class Encrypted(msgspec.Struct, frozen=True):
    """A backup, to whom it is encrypted, and the file with their secret key."""

    folder: Path
    recipient: str
    identity: Path
    said: str


@pytest.fixture(scope="module")
def backup(shop: Operator, tmp_path_factory: pytest.TempPathFactory) -> Encrypted:
    identity = tmp_path_factory.mktemp("elsewhere") / "identity.txt"
    code, said = shop("backup-key", str(identity))
    assert code == 0, said
    recipient = said.splitlines()[0].removeprefix("BACKUP_RECIPIENTS=")
    into = tmp_path_factory.mktemp("backups")
    code, said = shop("backup", str(into), BACKUP_RECIPIENTS=f"{recipient}, ")
    assert code == 0, said
    return Encrypted(taking.complete(into)[0], recipient, identity, said)


def legible(place: Path) -> str:
    """What whoever has these files makes of them: as they are, and by PostgreSQL's own tool."""
    found = [file.read_bytes() for file in place.rglob("*") if file.is_file()]
    for each in place.rglob("*"):
        if each.suffix == ".gz":  # pg_restore is shown the folder that it is in
            continue
        done = subprocess.run(["pg_restore", "--file=-", each], capture_output=True, check=False)
        found.append(done.stdout)
    return b"\n".join(found).decode(errors="replace")


def test_nobody_reads_it_without_the_key(shop: Operator, backup: Encrypted, tmp_path: Path) -> None:
    code, said = shop("backup", str(tmp_path))
    assert (code, "NOT ENCRYPTED" in said) == (0, True), said
    in_clear = legible(tmp_path)
    assert NAME in in_clear and PHONE in in_clear, "or what follows says nothing"
    seen = legible(backup.folder.parent)
    assert NAME not in seen and PHONE not in seen
    assert "NOT ENCRYPTED" not in backup.said
    told = json.loads((backup.folder / "manifest.json").read_text())
    assert (told["recipients"], list(told["files"])) == ([backup.recipient], ["dump.age"])
    dump = (backup.folder / "database" / "dump.age").read_bytes()
    assert dump.startswith(b"age-encryption.org/v1\n-> X25519 ")


async def test_it_comes_back_with_the_key_and_leaves_nothing_legible(
    empty: Operator, backup: Encrypted
) -> None:
    code, said = empty("restore", str(backup.folder), "--identity", str(backup.identity))
    assert code == 0, said
    assert "30 members, 30 entries; 0 differences" in said
    known = f"SELECT count(*) FROM points.import_rows WHERE cells::text LIKE '%{PHONE}%'"
    assert await execute(empty.url, known) == 30
    assert NAME not in legible(backup.folder.parent)


async def test_without_the_key_nothing_is_changed(
    empty: Operator, backup: Encrypted, tmp_path: Path
) -> None:
    another = tmp_path / "another.txt"
    encryption.new_identity(another, clock.now())
    before = sorted(backup.folder.parent.rglob("*"))
    assert empty("migrate")[0] == 0
    for words, told in (
        ([], f"encrypted to {backup.recipient}: give the secret key"),
        (["--identity", str(another)], "does not open it"),
        (["--identity", str(backup.folder / "manifest.json")], "AGE-SECRET-KEY-1… is wanted"),
        (["--identity", str(tmp_path / "none.txt")], "No such file"),
    ):
        code, said = empty("restore", str(backup.folder), "--replace", *words)
        assert (code, "nothing was changed" in said, told in said) == (1, True, True), said
    assert await execute(empty.url, SCHEMAS) == ["points"], "nothing was set aside"
    assert sorted(backup.folder.parent.rglob("*")) == before


async def test_a_damaged_one_is_refused_before_anything_changes(
    empty: Operator, backup: Encrypted
) -> None:
    dump, manifest = backup.folder / "database" / "dump.age", backup.folder / "manifest.json"
    content, text = dump.read_bytes(), manifest.read_text()
    damaged = content[:-1] + bytes([content[-1] ^ 1])
    told = json.loads(text)
    told["files"]["dump.age"] = hashlib.sha256(damaged).hexdigest()
    try:
        dump.write_bytes(damaged)
        first = empty("restore", str(backup.folder), "--identity", str(backup.identity))
        manifest.write_text(json.dumps(told))
        second = empty("restore", str(backup.folder), "--identity", str(backup.identity))
    finally:
        dump.write_bytes(content)
        manifest.write_text(text)
    assert (first[0], "damaged, the first is dump.age" in first[1]) == (1, True), first
    assert (second[0], "cannot be decrypted" in second[1]) == (1, True), second
    assert await execute(empty.url, SCHEMAS) is None


async def test_another_one_in_its_place_is_refused(
    shop: Operator, empty: Operator, backup: Encrypted, tmp_path: Path
) -> None:
    """Encrypted to the same key, whole, and of the same shop; and the right one is not."""
    (known,) = re.findall("--sha256 ([0-9a-f]{64})", backup.said)
    assert shop("backup", str(tmp_path), "--recipient", backup.recipient)[0] == 0
    key = ("--identity", str(backup.identity), "--sha256", known)
    code, said = empty("restore", str(taking.complete(tmp_path)[0]), *key)
    assert (code, "this is another backup" in said) == (1, True), said
    assert await execute(empty.url, SCHEMAS) is None
    assert empty("restore", str(backup.folder), *key)[0] == 0


@pytest.fixture
async def pg_dump(shop: Operator, tmp_path: Path, monkeypatch: Any) -> Callable[[str], None]:
    """Another one, which has the real one's name as `$real`."""
    real = await postgres.tool("pg_dump", 1)
    program = tmp_path / "pg_dump"

    async def another(name: str, server: int) -> Path:
        return program

    def write(script: str) -> None:
        program.write_text(f"#!/bin/sh\nreal={real}\n{script}")
        program.chmod(0o700)
        monkeypatch.setattr(postgres, "tool", another)

    return write


@pytest.mark.parametrize("encrypted", [False, True], ids=["in clear", "encrypted"])
async def test_while_it_is_written_nothing_legible_lies_on_the_disk(
    shop: Operator,
    backup: Encrypted,
    pg_dump: Callable[[str], None],
    tmp_path: Path,
    encrypted: bool,
) -> None:
    pg_dump(f'"$real" "$@" && touch {tmp_path / "dumped"} && exec sleep {SECONDS}')
    into = tmp_path / "backups"
    to = [backup.recipient] if encrypted else []
    work = taking.take(shop.url, SERVICES, into, jobs=1, tell=print, recipients=to)
    task = asyncio.create_task(work)
    async with asyncio.timeout(SECONDS):
        while not (tmp_path / "dumped").exists():
            assert not task.done(), task
            await asyncio.sleep(0.02)
    seen = legible(into)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (NAME in seen) is not encrypted, "as whatever kills a run leaves it"
    assert list(into.glob("[!.]*")) == []


async def test_a_dump_that_breaks_off_is_no_backup(
    shop: Operator, backup: Encrypted, pg_dump: Callable[[str], None], tmp_path: Path
) -> None:
    pg_dump("printf PGDMP; echo the server went away >&2; exit 1")
    into, to = tmp_path / "backups", [backup.recipient]
    with pytest.raises(ToolProblem, match="the server went away"):
        await taking.take(shop.url, SERVICES, into, jobs=1, tell=print, recipients=to)
    assert list(into.glob("[!.]*")) == []
