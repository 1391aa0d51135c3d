"""Backups of shops as earlier versions left them, brought up to date by this one."""

import tarfile
from pathlib import Path

import pytest

from deploy.schemas import SERVICES, migrations_of
from shared.migrate import missing
from tests.conftest import Database
from tests.integration.deploy.operator import Operator

SHOPS = sorted((Path(__file__).parent / "shops").glob("*.tar.gz"))


@pytest.mark.parametrize("shop", SHOPS, ids=lambda path: path.name)
async def test_it_comes_back_and_adds_up_under_this_version(
    shop: Path, empty: Operator, tmp_path: Path
) -> None:
    with tarfile.open(shop) as packed:
        packed.extractall(tmp_path, filter="data")
    (tmp_path / "erased-members.jsonl").touch()
    code, said = empty("restore", str(tmp_path / "shop"))
    assert code == 0, said
    assert "0 differences" in said
    database = Database(empty.url)
    for name in SERVICES:
        assert await missing(database.url(name), name, migrations_of(name)) == []


def test_there_is_one() -> None:
    assert SHOPS
