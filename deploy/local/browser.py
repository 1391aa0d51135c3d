"""The libraries that the pages use in the browser: from npm while setting up, never committed.

Owns which built files the pages get, and under which names. Which versions there are is the
business of `deploy/web/package-lock.json`; it names hashes and no registry
(docs/decisions/0021-browser-libraries.md).
"""

import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local import commands, node
from deploy.local.commands import SetupError
from deploy.local.files import locked, read_text, tail, write_private
from deploy.local.layout import ROOT, Layout

STATIC = Path("shared/web/static/vendor")  # the pages' address: /static/shared/vendor/
# The name in our pages, and the built file that its package brings.
FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "chart.min.js": "chart.js/dist/chart.umd.min.js",
    "scanner.min.js": "@zxing/library/umd/index.min.js",
}
LICENCES = "licences.txt"  # must go wherever the files go
_AXE = "axe-core/axe.min.js"  # judges pages in tests; no page gets it
_SOURCES = ("package.json", "package-lock.json", ".npmrc")
_TURN = 600.0  # seconds to wait for another set-up that fetches the same


def modules(layout: Layout) -> Path:
    """Where npm puts the packages."""
    return layout.browser / "node_modules"


def axe(layout: Layout) -> Path:
    """The built axe-core. Raises FileNotFoundError when the tests were not prepared."""
    path = modules(layout) / _AXE
    if not path.exists():
        raise FileNotFoundError(f"{path}: python3 -m deploy.local prepare-tests")
    return path


def stamp_text(root: Path) -> str:
    """Changes when other packages or other files of them are wanted."""
    digest = hashlib.sha256(repr(sorted(FILES.items())).encode())
    for name in _SOURCES:
        digest.update((root / "deploy" / "web" / name).read_bytes())
    return digest.hexdigest() + "\n"


def _stamp(layout: Layout) -> Path:
    return layout.browser / "stamp"


def is_fetched(layout: Layout, root: Path = ROOT) -> bool:
    """Whether npm's folder is whole and the one that the lock file asks for."""
    return read_text(_stamp(layout)) == stamp_text(root) and (modules(layout) / _AXE).exists()


def is_current(layout: Layout, root: Path = ROOT) -> bool:
    """Whether the pages have all their libraries, of the locked versions."""
    names = (*FILES, LICENCES)
    there = all((root / STATIC / name).exists() for name in names)
    return there and is_fetched(layout, root)


def ensure(
    layout: Layout,
    tell: Callable[[str], None],
    python: Callable[[], Path],
    root: Path = ROOT,
) -> None:
    """Fetch what is missing and give it to the pages. Instant when it is there.

    `python` waits for a Python with pip; it is asked only on a machine without Node. Raises
    SetupError that says what to do when no registry answers.
    """
    if is_current(layout, root):
        return
    layout.make()
    layout.browser.mkdir(exist_ok=True)
    with locked(layout.browser / "lock", _TURN):
        if not is_fetched(layout, root):
            _fetch(layout, tell, python, root)
        place(modules(layout), root)


def _fetch(
    layout: Layout, tell: Callable[[str], None], python: Callable[[], Path], root: Path
) -> None:
    """Install into `.local/browser`. The stamp comes last: what was interrupted is repeated."""
    npm = node.npm(layout, tell, python, root)
    log = layout.log("npm")
    tell(f"fetching the browser libraries (log: {commands.shown(log)})")
    _stamp(layout).unlink(missing_ok=True)
    for name in _SOURCES:
        shutil.copyfile(root / "deploy" / "web" / name, layout.browser / name)
    install = [*npm, "ci", "--prefix", str(layout.browser), "--prefer-offline"]
    if not commands.run(install, log):
        tell("that failed; trying once more")
        if not commands.run(install, log):
            raise SetupError(_advice(log))
    write_private(_stamp(layout), stamp_text(root))


def _advice(log: Path) -> str:
    return (
        "The browser libraries could not be fetched from the npm registry. If this machine reaches "
        "it through a proxy or a mirror, tell npm so (`npm config set proxy …`, `npm config set "
        "registry …`), then run this again: what is already there is kept.\n"
        f"npm's log is {commands.shown(log)}, which ends:\n{tail(log)}"
    )


def place(packages: Path, root: Path = ROOT) -> None:
    """Copy the built files and their licences from npm's folder to where the pages look."""
    (root / STATIC).mkdir(parents=True, exist_ok=True)
    for name, source in FILES.items():
        _write(root / STATIC / name, (packages / source).read_bytes())
    _write(root / STATIC / LICENCES, licences(packages).encode())


def _write(path: Path, content: bytes) -> None:
    """In one step: a page that is served meanwhile gets the old file or the new one."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def licences(packages: Path) -> str:
    """The licence texts of all packages that may be part of the built files."""
    found = sorted([*packages.glob("*/LICENSE*"), *packages.glob("@*/*/LICENSE*")])
    kept = [path for path in found if path.parent.name != "axe-core"]
    texts = (
        f"{path.parent.relative_to(packages)}\n\n{path.read_text(encoding='utf-8').strip()}\n"
        for path in kept
    )
    return f"\n{'-' * 80}\n\n".join(texts)


if __name__ == "__main__":  # the image's build has npm's folder already
    place(Path(sys.argv[1]))
