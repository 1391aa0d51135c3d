"""Generated secrets: well formed, different each time, kept with the data."""

import re
import stat
from pathlib import Path

from deploy.local import credentials
from deploy.local.processes import PROCESSES


def test_their_shapes() -> None:
    made = credentials.generate()
    assert re.fullmatch(r"tmr_pos_[A-Za-z0-9_-]{32}", made["POS_API_KEY"])
    assert re.fullmatch(r"tmr_own_[A-Za-z0-9_-]{32}", made["OWNER_API_KEY"])
    assert re.fullmatch(r"[1-9][0-9]{9}", made["LINE_LOGIN_CHANNEL_ID"])
    assert made["LIFF_ID"] == made["LINE_LOGIN_CHANNEL_ID"] + "-Abcd1234"
    assert made["OWNER_LOGIN"] == "owner@example.com"
    assert all(re.fullmatch(r"[A-Za-z0-9_@.-]+", value) for value in made.values())


def test_every_new_set_is_new() -> None:
    first, second = credentials.generate(), credentials.generate()
    same = {name for name in first if first[name] == second[name]}
    assert same == {"OWNER_LOGIN"}


def test_they_contain_what_the_processes_need() -> None:
    needed = {name for process in PROCESSES for name in process.needs}
    assert needed <= set(credentials.generate())


def test_they_are_kept_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    first = credentials.load_or_generate(path)
    assert credentials.load_or_generate(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_that_a_newer_version_needs_is_added(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.write_text("POS_API_KEY=tmr_pos_old\n")
    added = credentials.load_or_generate(path)
    assert added.keys() == credentials.generate().keys()
    assert added["POS_API_KEY"] == "tmr_pos_old"
    assert credentials.load_or_generate(path) == added
