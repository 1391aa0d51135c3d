"""`tamaru backup` and `tamaru restore` as an operator types them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.backup import taking
from services.points.store import erasures, phones, sealed
from shared import clock
from shared.db import open_pool
from shared.keys import Keys
from tests.conftest import Database
from tests.integration.deploy.operator import PERSONAL_KEY, Operator, execute

KEYS = "member-keys.jsonl"
LATER = "the key that comes after it, long enough"
LIST = "erased-members.jsonl"
SOME = "SELECT min(id::text) FROM points.members WHERE erased_at IS NULL"
OTHERS = "SELECT max(id::text) FROM points.members"
SEALED = "SELECT sealed FROM profiles WHERE member_id = $1"


@pytest.fixture(scope="module")
def backup(shop: Operator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    into = tmp_path_factory.mktemp("backups")
    code, said = shop("backup", str(into))
    assert code == 0, said
    (folder,) = into.glob("tamaru-*")
    yield folder


async def test_a_backup_comes_back_whole_and_adds_up(empty: Operator, backup: Path) -> None:
    code, said = empty("restore", str(backup))
    assert code == 0, said
    assert "30 members, 30 entries; 0 differences" in said
    assert await execute(empty.url, "SELECT sum(amount) FROM points.entries") == 465
    assert empty("ledger", "verify") == (0, "30 members, 30 entries: 0 differences\n")
    assert empty("migrate") == (0, "the database is up to date\n")
    as_service = Database(empty.url).url("points")
    assert await execute(as_service, "SELECT count(*) FROM points.members") == 30


async def sealed_of(url: str, emails: dict[str, str]) -> None:
    """Profiles with something locked away."""
    sealed.use(Keys(PERSONAL_KEY))
    pool = await open_pool(url, schema="points", size=1)
    async with pool.acquire() as connection:
        values = [(UUID(member), {"email": email}) for member, email in emails.items()]
        shut = await sealed.shut(connection, "profiles.sealed", values)
        await connection.executemany(
            """INSERT INTO profiles (member_id, fields, consent, tags, names, sealed)
            VALUES ($1, '{}', '{}', '{}', '', $2)
            ON CONFLICT (member_id) DO UPDATE SET sealed = excluded.sealed""",
            [(member, value) for (member, _), value in zip(values, shut, strict=True)],
        )
    await pool.close()


async def erased(url: str, member: str) -> None:
    """A member who left is erased, as the service does it."""
    pool = await open_pool(url, schema="points", size=1)
    async with pool.acquire() as connection, connection.transaction():
        now = clock.now()
        await connection.execute(
            "UPDATE members SET status = 'left', left_at = $2 WHERE id = $1", UUID(member), now
        )
        await erasures.erase(connection, [UUID(member)], now)
    await pool.close()


async def read_of(url: str, members: list[str]) -> list[Any]:
    """What is read of these members, with PERSONAL_DATA_KEY."""
    pool = await open_pool(url, schema="points", size=1)
    async with pool.acquire() as connection:
        rows = [(UUID(m), await connection.fetchval(SEALED, UUID(m))) for m in members]
        assert all(value for _, value in rows), "it is there, and cannot be read"
        found = await sealed.opened(connection, "profiles.sealed", rows)
    await pool.close()
    return found


async def test_a_row_that_is_missing_is_told(empty: Operator, backup: Path) -> None:
    text = (backup / "manifest.json").read_text()
    told = json.loads(text)
    told["rows"]["points.entries"] += 1
    told["ledger"]["points"] += 5
    (backup / "manifest.json").write_text(json.dumps(told))
    try:
        code, said = empty("restore", str(backup))
    finally:
        (backup / "manifest.json").write_text(text)
    assert code == 1
    assert "points.entries: 31 rows in the backup, 30 here" in said
    assert "ledger:" in said


async def test_a_damaged_file_is_refused_before_anything_changes(
    empty: Operator, backup: Path
) -> None:
    file = max((backup / "database").iterdir(), key=lambda path: path.stat().st_size)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        code, said = empty("restore", str(backup))
    finally:
        file.write_bytes(content)
    assert code == 1
    assert f"damaged, the first is {file.name}" in said
    present = "SELECT count(*) FROM pg_namespace WHERE nspname = 'points'"
    assert await execute(empty.url, present) == 0


async def test_the_shop_that_is_there_is_set_aside_not_overwritten(
    empty: Operator, backup: Path
) -> None:
    assert empty("migrate")[0] == 0
    assert empty("store", "add", "mine", "わたしの店")[0] == 0
    code, said = empty("restore", str(backup))
    assert code == 1
    assert "--replace" in said
    assert await execute(empty.url, "SELECT name FROM points.stores") == "わたしの店"
    busy = await asyncpg.connect(Database(empty.url).url("points"))
    code, said = empty("restore", str(backup), "--replace")
    await busy.close()
    assert (code, "stop the services first" in said) == (1, True)
    code, said = empty("restore", str(backup), "--replace")
    assert code == 0, said
    aside = await execute(
        empty.url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'points_before_%'"
    )
    assert await execute(empty.url, f"SELECT name FROM {aside}.stores") == "わたしの店"
    assert await execute(empty.url, "SELECT count(*) FROM points.members") == 30


async def test_a_restore_that_fails_puts_back_what_was_there(empty: Operator, backup: Path) -> None:
    assert empty("migrate")[0] == 0
    assert empty("store", "add", "mine", "わたしの店")[0] == 0
    manifest, table = backup / "manifest.json", backup / "database" / "toc.dat"
    texts = manifest.read_text(), table.read_bytes()
    table.write_bytes(texts[1][: len(texts[1]) // 2])
    told = json.loads(texts[0])
    del told["files"]["toc.dat"]
    manifest.write_text(json.dumps(told))
    try:
        code, said = empty("restore", str(backup), "--replace")
    finally:
        manifest.write_text(texts[0])
        table.write_bytes(texts[1])
    assert code == 1, said
    assert "nothing was changed" in said
    assert await execute(empty.url, "SELECT name FROM points.stores") == "わたしの店"


def test_a_backup_of_a_newer_version_is_refused(empty: Operator, backup: Path) -> None:
    manifest = backup / "manifest.json"
    text = manifest.read_text()
    told = json.loads(text)
    told["migrations"]["notify"].append(9999)
    manifest.write_text(json.dumps(told))
    try:
        code, said = empty("restore", str(backup))
    finally:
        manifest.write_text(text)
    assert (code, "a newer version of Tamaru made this backup" in said) == (1, True)


async def test_an_erasure_reaches_the_backups_that_were_taken_before_it(
    empty: Operator, shop: Operator, tmp_path: Path
) -> None:
    gone, stays = await execute(shop.url, SOME), await execute(shop.url, OTHERS)
    await sealed_of(shop.url, {gone: "gone@example.jp", stays: "stays@example.jp"})
    assert shop("backup", str(tmp_path))[0] == 0
    old = taking.complete(tmp_path)[0]
    await erased(shop.url, gone)
    assert shop("backup", str(tmp_path))[0] == 0, "as the next night does"
    text = (tmp_path / KEYS).read_text()
    assert str(stays) in text and str(gone) not in text
    nobody = tmp_path / "nobody.jsonl"
    nobody.touch()
    code, said = empty("restore", str(old), "--erased", str(nobody))
    assert code == 0, said
    assert await read_of(empty.url, [gone, stays]) == [None, {"email": "stays@example.jp"}]


async def test_phones_are_found_after_the_key_was_changed_since_the_backup(
    empty: Operator, shop: Operator, tmp_path: Path
) -> None:
    phone = "09077770007"
    assert shop("backup", str(tmp_path))[0] == 0
    old = taking.complete(tmp_path)[0]
    pool = await open_pool(shop.url, schema="points", size=1)
    try:
        sealed.use(Keys(LATER, PERSONAL_KEY))
        async with pool.acquire() as connection:
            while await sealed.reseal(connection, 100):
                pass
        assert shop("backup", str(tmp_path))[0] == 0, "as the next night does"
        sealed.use(Keys(PERSONAL_KEY, LATER))
        async with pool.acquire() as connection:
            while await sealed.reseal(connection, 100):
                pass
    finally:
        await pool.close()
    code, said = empty("restore", str(old))
    assert code == 0, said
    sealed.use(Keys(LATER))
    pool = await open_pool(empty.url, schema="points", size=1)
    async with pool.acquire() as connection:
        found = await phones.find(connection, [phone])
        assert list(found) == [phone]
        assert await phones.of(connection, found.values()) == {found[phone]: phone}
    await pool.close()


async def test_a_database_that_knows_nobody_takes_no_key_away(
    empty: Operator, shop: Operator, tmp_path: Path
) -> None:
    member = await execute(shop.url, OTHERS)
    await sealed_of(shop.url, {member: "stays@example.jp"})
    assert shop("backup", str(tmp_path))[0] == 0
    assert empty("migrate")[0] == 0
    assert empty("backup", str(tmp_path))[0] == 0
    assert str(member) in (tmp_path / KEYS).read_text()


def test_without_the_keys_nothing_is_restored(empty: Operator, backup: Path) -> None:
    code, said = empty("restore", str(backup), "--keys", "/nowhere/keys")
    assert (code, "--keys" in said) == (1, True)


def test_without_the_list_of_who_was_erased_nothing_is_restored(
    empty: Operator, backup: Path
) -> None:
    code, said = empty("restore", str(backup), "--erased", "/nowhere/list")
    assert (code, "--erased" in said) == (1, True)


async def test_the_database_that_is_set_aside_says_who_was_erased(
    empty: Operator, backup: Path, tmp_path: Path
) -> None:
    assert empty("restore", str(backup))[0] == 0
    gone = await execute(empty.url, SOME)
    await erased(empty.url, gone)
    list = tmp_path / LIST
    list.touch()
    code, said = empty("restore", str(backup), "--replace", "--erased", str(list))
    assert code == 0, said
    assert "erased again: 1 members" in said
    assert gone in list.read_text(), "for the backups to come"
    assert await execute(empty.url, SOME) != gone


async def test_a_way_back_that_is_not_ours_is_followed_by_a_command(
    empty: Operator, backup: Path, tmp_path: Path
) -> None:
    list = tmp_path / LIST
    list.touch()
    assert empty("restore", str(backup), "--erased", str(list))[0] == 0
    gone = await execute(empty.url, SOME)
    list.write_text(json.dumps({"at": "2026-01-01T00:00:00Z", "member": gone}) + "\n")
    code, said = empty("erased", str(list), "--again")
    assert (code, "erased again: 1 members" in said) == (0, True), said
    assert await execute(empty.url, SOME) != gone
    assert empty("erased", str(list), "--again") == (
        0,
        f"{list}: 2 erased\nerased again: 0 members\n",
    )


def test_only_so_many_are_kept_and_a_killed_one_leaves_nothing(
    shop: Operator, tmp_path: Path
) -> None:
    for stamp in ("20200101T000000Z", "20210101T000000Z"):
        (tmp_path / f"tamaru-{stamp}").mkdir()
        (tmp_path / f"tamaru-{stamp}" / "manifest.json").write_text("{}")
    (tmp_path / "tamaru-20220101T000000Z.partial").mkdir()
    (tmp_path / "somebody-elses").mkdir()
    code, said = shop("backup", str(tmp_path), "--keep", "2")
    assert code == 0, said
    left = sorted(path.name for path in tmp_path.glob("[!.]*"))
    assert left[:4] == [LIST, KEYS, "somebody-elses", "tamaru-20210101T000000Z"]
    assert len(left) == 5


def test_a_database_that_is_away_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    away = Operator("postgresql://nobody:x@127.0.0.1:1/none")
    code, said = away("backup", str(tmp_path))
    assert code == 1
    assert said.startswith("no backup was made")
    assert list(tmp_path.iterdir()) == []
