"""`tamaru import members` against a real database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from deploy import cli
from services.points.rules.program import DEMO

Tamaru = Callable[..., Result]
CARDS = "カード番号,ポイント\n1-1,30\n1-2,x\n1-3,5\n"


@pytest.fixture
def tamaru(database: Any, monkeypatch: pytest.MonkeyPatch) -> Tamaru:
    """The command, with its answers."""
    monkeypatch.setenv("DATABASE_URL", database.admin_url)
    monkeypatch.setenv("PERSONAL_DATA_KEY", "a key of the tests for personal data")

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli.app, list(words))

    return run


def test_a_file_is_tried_out_and_taken_in(tamaru: Tamaru, tmp_path: Path) -> None:
    program = tmp_path / "program.json"
    program.write_bytes(msgspec.json.encode(DEMO))
    assert tamaru("program", "publish", str(program)).exit_code == 0
    file, errors = tmp_path / "cards.csv", tmp_path / "errors.csv"
    file.write_bytes(CARDS.encode("cp932"))
    words = ("import", "members", str(file), "--preset", "paper_card")
    tried = tamaru(*words, "--dry-run", "--errors", str(errors))
    assert tried.exit_code == 0, tried.output
    assert "column 1 (ポイント): points" in tried.output
    assert "row 3: Points balance: This is no number" in tried.output
    assert "new 2" in tried.output and "bad 1" in tried.output
    assert "1-2,x" in errors.read_text("utf-8-sig")
    assert "0 entries" in tamaru("ledger", "verify").output
    refused = tamaru(*words, "--refuse-bad", "--yes")
    assert (refused.exit_code, "leave them out" in refused.output) == (1, True)
    taken = tamaru(*words, "--yes")
    assert (taken.exit_code, "done: 4 rows" in taken.output) == (0, True), taken.output
    verified = tamaru("ledger", "verify")
    assert "2 members, 2 entries: 0 differences" in verified.output
