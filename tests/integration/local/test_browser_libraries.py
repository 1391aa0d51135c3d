"""The pages' libraries with the real npm: from an empty folder, without a registry, and again."""

import shutil
from pathlib import Path

import pytest

from deploy.local import browser, node
from deploy.local.commands import SetupError
from deploy.local.layout import ROOT, Layout

WEB = ROOT / "deploy" / "web"


def python() -> Path:
    return ROOT / ".venv" / "bin" / "python"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(WEB, tmp_path / "deploy" / "web")
    return tmp_path


def ensure(root: Path) -> list[str]:
    told: list[str] = []
    browser.ensure(Layout(root / ".local"), told.append, python, root)
    return told


def test_without_a_registry_nothing_is_half_there_and_the_next_run_succeeds(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("npm_config_registry", "http://127.0.0.1:9/")
        away.setenv("npm_config_cache", str(root / "cache"))
        away.setenv("npm_config_fetch_retries", "0")
        with pytest.raises(SetupError, match="npm config set registry"):
            ensure(root)
    assert not (root / browser.STATIC).exists()
    assert any("fetching" in line for line in ensure(root))
    assert ensure(root) == []
    sizes = {name: (root / browser.STATIC / name).stat().st_size for name in browser.FILES}
    assert all(size > 40_000 for size in sizes.values())
    assert (
        "Licensed under the Apache License" in (root / browser.STATIC / "licences.txt").read_text()
    )
    assert browser.axe(Layout(root / ".local")).stat().st_size > 100_000


def test_the_packages_are_the_ones_of_the_lock_byte_by_byte(root: Path) -> None:
    lock = root / "deploy" / "web" / "package-lock.json"
    words = lock.read_text()
    (line,) = [line for line in words.splitlines() if "integrity" in line and "Thx/" in line]
    lock.write_text(words.replace(line, line.replace("Thx/", "Thx+")))
    with pytest.raises(SetupError, match="EINTEGRITY"):
        ensure(root)
    assert not (root / browser.STATIC).exists()


@pytest.mark.skipif(node.installed() is None, reason="here prepare-tests has fetched it already")
def test_this_machines_npm_is_used(root: Path) -> None:
    words = node.npm(Layout(root / ".local"), lambda _: None, lambda: pytest.fail("asked"), root)
    assert words == node.installed()
