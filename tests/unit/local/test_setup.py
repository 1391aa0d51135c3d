"""The virtual environment's stamp, the packages' words, the programs' places."""

import json
import os
import re
from pathlib import Path

import pytest

from deploy.local import binaries, commands, credentials, packages, summary, up, venv
from deploy.local.commands import SetupError
from deploy.local.layout import Layout
from deploy.local.plan import SHOWN_SECRETS


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in (venv.RUNTIME_LOCK, venv.DEV_LOCK, "pyproject.toml"):
        (tmp_path / name).write_text(name)
    venv.python(tmp_path).parent.mkdir(parents=True)
    venv.python(tmp_path).touch()
    return tmp_path


def stamp(clone: Path, lock: str) -> None:
    (clone / ".venv" / f".{lock}.stamp").write_text(venv.stamp_text(clone, lock))


def test_an_environment_is_current_until_its_lock_changes(clone: Path) -> None:
    assert not venv.is_current(clone, venv.RUNTIME_LOCK)
    stamp(clone, venv.RUNTIME_LOCK)
    assert venv.is_current(clone, venv.RUNTIME_LOCK)
    (clone / venv.RUNTIME_LOCK).write_text("newer")
    assert not venv.is_current(clone, venv.RUNTIME_LOCK)


def test_the_development_environment_serves_for_running_but_not_the_other_way(clone: Path) -> None:
    stamp(clone, venv.RUNTIME_LOCK)
    assert not venv.is_current(clone, venv.DEV_LOCK)
    stamp(clone, venv.DEV_LOCK)
    (clone / ".venv" / f".{venv.RUNTIME_LOCK}.stamp").unlink()
    assert venv.is_current(clone, venv.RUNTIME_LOCK)
    (clone / venv.RUNTIME_LOCK).write_text("newer")
    assert not venv.is_current(clone, venv.DEV_LOCK)


def test_a_vanished_python_makes_the_environment_stale(clone: Path) -> None:
    stamp(clone, venv.RUNTIME_LOCK)
    venv.python(clone).unlink()
    assert not venv.is_current(clone, venv.RUNTIME_LOCK)


def test_without_rights_the_exact_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(commands, "answers", lambda *_: None)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/apt-get")
    with pytest.raises(SetupError) as error:
        packages.install(["caddy", "redis-server"], tmp_path / "log")
    assert "sudo apt-get update && sudo apt-get install -y" in str(error.value)
    assert str(error.value).endswith("caddy redis-server")


def test_nothing_missing_installs_nothing(tmp_path: Path) -> None:
    packages.install([], tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_missing_programs_become_packages_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find", lambda _: None)
    programs = binaries.wanted_programs(["postgres", "rabbitmq"], edge=True)
    assert programs == ["postgres", "rabbitmq", "epmd", "caddy"]
    assert binaries.missing_packages(programs) == ["caddy", "postgresql", "rabbitmq-server"]
    with pytest.raises(RuntimeError, match="caddy postgresql rabbitmq-server"):
        binaries.locate(programs)


def test_without_the_font_of_menus_it_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> None:
        raise SetupError("not permitted")

    told: list[str] = []
    monkeypatch.setattr(binaries, "find", lambda _: None)
    monkeypatch.setattr(packages, "install", refuse)
    up._install_font(Layout(tmp_path), told.append)
    assert "fonts-morisawa-bizud-gothic" in told[-1]
    assert "apt-get install" in told[-1]


def test_a_failed_command_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no such thing"):
        commands.must_run(["sh", "-c", "echo no such thing >&2; exit 3"], tmp_path / "log")


def test_the_closing_words_hold_the_address_the_keys_and_a_purchase() -> None:
    env = {name: credentials.generate()[name] for name in SHOWN_SECRETS}
    env |= {"EDGE_URL": "http://127.0.0.1:1", "SANDBOX_URL": "http://127.0.0.1:2"}
    text = summary.text(env, ".local/env")
    assert "http://127.0.0.1:2/" in text
    assert env["POS_API_KEY"] in text
    assert env["OWNER_API_KEY"] in text
    body = re.search(r"-d '(\{.*\})'", text)
    assert body is not None
    purchase = json.loads(body[1].replace("'$(date +%FT%T%:z)'", "2026-01-01T00:00:00+09:00"))
    assert purchase["total"] == 1000
    assert purchase["store"] == "main"
