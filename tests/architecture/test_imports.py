"""The import rules of pyproject.toml hold, and each one bites.

To bite means: in a small tree with the same package names, one forbidden import breaks exactly the
contract that forbids it.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "pyproject.toml").read_text()
CONTRACTS = tomllib.loads(CONFIGURATION)["tool"]["importlinter"]["contracts"]
VIOLATIONS = [
    (
        "Services never import each other",
        "services.notify.handlers",
        "services.points.rules.ledger",
    ),
    ("Services never import each other", "services.scheduler", "services.webhook"),
    ("shared knows no service and no deployment", "shared.process", "services.points"),
    ("shared knows no service and no deployment", "shared.bus.link", "deploy.cli"),
    ("Services know no deployment", "services.points.web.app", "deploy.cli"),
    ("Only the bus knows RabbitMQ", "services.webhook.app", "aio_pika"),
    ("Only the bus knows RabbitMQ", "shared.outbox", "aiormq"),
    ("The rules of points are pure", "services.points.rules.earn", "shared.clock"),
    ("The rules of points are pure", "services.points.rules.ledger", "asyncpg"),
    ("The rules of points are pure", "services.points.rules.qr", "fastapi"),
]
HARMLESS = [
    ("shared.bus.publisher", "aio_pika"),
    ("services.points.handlers", "shared.events"),
    ("services.points.handlers", "services.points.rules.earn"),
    ("services.points.handlers", "asyncpg"),
    ("deploy.cli", "services.points"),
]


def verdicts(folder: Path) -> dict[str, str]:
    """Each contract's name to KEPT or BROKEN, in the tree at `folder`."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    found = dict(re.findall(r"^(.+?) (KEPT|BROKEN)(?: \(.*\))?$", done.stdout, re.MULTILINE))
    assert set(found) == {contract["name"] for contract in CONTRACTS}, done.stdout + done.stderr
    return found


def add_module(folder: Path, name: str) -> Path:
    """A module file of this dotted name, with the packages around it; as a package."""
    for depth in range(1, name.count(".") + 2):
        package = folder.joinpath(*name.split(".")[:depth])
        package.mkdir(exist_ok=True)
        (package / "__init__.py").touch()
    return package / "__init__.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree of empty modules that the contracts speak of, and harmless imports."""
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION)
    ours = ("shared", "services", "deploy")
    named = set(re.findall(r'"((?:shared|services|deploy)(?:\.\w+)*)', CONFIGURATION))
    named |= {name for row in VIOLATIONS for name in row[1:] if name.startswith(ours)}
    named |= {name for row in HARMLESS for name in row if name.startswith(ours)}
    for name in sorted(named):
        add_module(tmp_path, name)
    for importer, imported in HARMLESS:
        add_module(tmp_path, importer).write_text(f"import {imported}\n")
    return tmp_path


def test_the_rules_hold():
    assert set(verdicts(ROOT).values()) == {"KEPT"}


def test_harmless_imports_break_nothing(tree: Path):
    assert set(verdicts(tree).values()) == {"KEPT"}


@pytest.mark.parametrize(("contract", "importer", "imported"), VIOLATIONS)
def test_each_rule_bites(tree: Path, contract: str, importer: str, imported: str):
    with add_module(tree, importer).open("a") as file:
        file.write(f"import {imported}\n")
    broken = {name for name, verdict in verdicts(tree).items() if verdict == "BROKEN"}
    assert broken == {contract}


def test_every_rule_has_a_violation_here():
    assert {row[0] for row in VIOLATIONS} == {contract["name"] for contract in CONTRACTS}
