"""Files that are read while they are rewritten."""

import os
import stat
from pathlib import Path

import pytest

from deploy.local import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_env_lines_come_back_as_written(tmp_path: Path) -> None:
    values = {"A": "1", "URL": "amqp://u:p=x@h/?a=b#c", "EMPTY": ""}
    files.write_private(tmp_path / "env", files.format_env(values))
    assert files.read_env(tmp_path / "env") == values


def test_a_private_file_is_600_even_where_a_readable_one_was(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("old")
    path.chmod(0o644)
    files.write_private(path, "new")
    assert (path.read_text(), mode(path)) == ("new", 0o600)


def test_a_reader_that_has_the_old_file_open_keeps_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "env"
    files.write_private(path, "old content")
    with path.open() as reader:
        files.write_private(path, "x")
        assert reader.read() == "old content"


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "env"
    files.write_private(path, "old")

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        files.write_private(path, "new")
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["env"]


@pytest.mark.parametrize("value", ["a\nPOS_API_KEY=evil", "a\r"])
def test_a_value_cannot_smuggle_in_a_line(value: str) -> None:
    with pytest.raises(ValueError, match="NAME must not contain"):
        files.format_env({"NAME": value})


def test_comments_blank_lines_and_nonsense_are_skipped() -> None:
    assert files.parse_env("# a=1\n\nnonsense\nB=2\n") == {"B": "2"}


@pytest.mark.parametrize("text", ["", "{", "[1]", '"x"', '{"a": 1'])
def test_a_broken_state_file_counts_as_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").write_text(text)
    assert files.read_json(tmp_path / "state") == {}


def test_a_missing_state_file_counts_as_empty(tmp_path: Path) -> None:
    assert files.read_json(tmp_path / "nothing" / "state") == {}


def test_a_lock_is_held_once_and_free_again_when_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not files.is_locked(path)
    handle = files.try_lock(path)
    assert handle is not None
    assert files.is_locked(path)
    assert files.try_lock(path) is None
    os.close(handle)
    assert not files.is_locked(path)


def test_waiting_for_a_lock_ends(tmp_path: Path) -> None:
    with (
        files.locked(tmp_path / "lock", 1),
        pytest.raises(TimeoutError, match="make up"),
        files.locked(tmp_path / "lock", 0),
    ):
        pass


def test_tail_gives_the_last_lines(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("\n".join(str(n) for n in range(50)))
    assert files.tail(tmp_path / "log", 2) == "48\n49"
