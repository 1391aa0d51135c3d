"""Another version of the product's code beside this one: a commit's files in a folder.

It runs on this version's packages, servers and settings, as an old pod does while a new one starts.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deploy.local.layout import ROOT
from deploy.local.processes import Process

PACKAGES = ("shared", "services", "deploy")
MIGRATIONS = ":(glob)services/*/migrations/*.sql"


def earlier() -> str | None:
    """The commit to upgrade from: what UPGRADE_FROM names, else the last one whose database was
    another than today's. None where the history is not at hand."""
    if named := os.environ.get("UPGRADE_FROM"):
        return named
    newest = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", MIGRATIONS)
    return _git("rev-parse", "--verify", "--quiet", f"{newest}^") if newest else None


def unpack(commit: str, folder: Path) -> None:
    """Put the commit's packages into `folder`. The browser's libraries are not in the history:
    they are this version's."""
    folder.mkdir(parents=True)
    packed = folder.with_suffix(".tar")
    made = ["git", "archive", "--output", str(packed), commit, *PACKAGES]
    subprocess.run(made, cwd=ROOT, check=True)
    subprocess.run(["tar", "-x", "-f", str(packed), "-C", str(folder)], check=True)
    vendor = Path("shared/web/static/vendor")
    shutil.copytree(ROOT / vendor, folder / vendor)


def migrations(folder: Path) -> set[str]:
    """The names of the migrations of the code in `folder`."""
    return {
        file.relative_to(folder).as_posix()
        for file in (folder / "services").glob("*/migrations/*.sql")
    }


def of(folder: Path, processes: Sequence[Process]) -> tuple[Process, ...]:
    """The same processes, run from the code in `folder` (and never from the clone's)."""
    where = (("PYTHONPATH", str(folder)), ("PYTHONSAFEPATH", "1"))
    return tuple(replace(each, settings=each.settings + where) for each in processes)


def _git(*words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
