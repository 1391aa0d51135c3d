"""Keys of backups: made, named, refused."""

import asyncio
import os
import shutil
from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.backup import encryption
from deploy.backup.encryption import Locked
from deploy.cli import app

NOW = datetime(2026, 11, 29, 3, 30, tzinfo=UTC)
SECRET = "AGE-SECRET-KEY-1"


async def _write(path: Path, to: list[str], text: bytes) -> None:
    async with encryption.written(path, to) as out:
        await asyncio.to_thread(_fill, out, text)


def _fill(descriptor: int, text: bytes) -> None:
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(text)


def _names(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()}


async def _read(path: Path, keys: list[Any], place: Path) -> bytes:
    before = _names(place)
    async with encryption.opened(path, keys, place) as descriptor:
        assert _names(place) == before, "it has no name"
        return await asyncio.to_thread(Path(f"/proc/self/fd/{descriptor}").read_bytes)


def test_a_key_pair_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "identity.txt"
    made = CliRunner().invoke(app, ["backup-key", str(file)])
    assert made.exit_code == 0, made.output
    name, recipient = made.output.splitlines()[0].split("=")
    assert (name, encryption.recipients([recipient])) == ("BACKUP_RECIPIENTS", [recipient])
    assert SECRET not in made.output
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert [str(each.to_public()) for each in encryption.identities(text)] == [recipient]
    again = CliRunner().invoke(app, ["backup-key", str(file)])
    assert again.exit_code == 1
    assert file.read_text() == text


async def test_each_of_those_who_are_named_reads_all_of_it(tmp_path: Path) -> None:
    names = [encryption.new_identity(tmp_path / each, NOW) for each in ("one", "two")]
    text = bytes(range(256)) * 1000  # some of the format's chunks, the last one cut short
    shut = tmp_path / "dump" / "dump.age"
    await _write(shut, names, text)
    assert text[:256] not in shut.read_bytes()
    for each in ("one", "two"):
        keys = encryption.identities((tmp_path / each).read_text())
        assert await _read(shut, keys, tmp_path) == text


async def test_a_disk_without_room_is_told_before_anything_is_decrypted(
    tmp_path: Path, monkeypatch: Any
) -> None:
    name = encryption.new_identity(tmp_path / "one", NOW)
    keys = encryption.identities((tmp_path / "one").read_text())
    await _write(tmp_path / "dump" / "dump.age", [name], b"something")
    usage = namedtuple("usage", "free")(9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(Locked, match="TMPDIR"):
        await _read(tmp_path / "dump" / "dump.age", keys, tmp_path)


async def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    name = encryption.new_identity(tmp_path / "one", NOW)
    (tmp_path / "dump").mkdir()
    with pytest.raises(OSError, match="dump"):
        await _write(tmp_path / "dump" / "dump.age", [name], b"something")


@pytest.mark.parametrize("named", ["", "age1nobody", f"{SECRET}NOBODY", "ssh-ed25519 AAAA"])
def test_what_is_no_recipient_is_refused_and_not_repeated(named: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["backup", str(tmp_path), "--recipient", named])
    assert done.exit_code == 1
    assert "no backup was made: recipient 1 of 1 is none" in done.output
    assert SECRET not in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "# nothing\n", f"{SECRET}NOBODY\n", "age1nobody\n"])
def test_what_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(Locked):
        encryption.identities(text)
