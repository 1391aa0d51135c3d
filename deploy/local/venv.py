"""The virtual environment: made from the lock file, repeated only when that changed."""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local import commands, packages
from deploy.local.files import read_text, write_private
from deploy.local.layout import ROOT

RUNTIME_LOCK = "requirements.lock"
DEV_LOCK = "requirements-dev.lock"


def python(root: Path = ROOT) -> Path:
    return root / ".venv" / "bin" / "python"


def stamp_text(root: Path, lock: str) -> str:
    """Changes when the environment must be made again: lock, project file, Python or place."""
    digest = hashlib.sha256(str(root).encode())
    digest.update(f"{os.path.realpath(sys.executable)} {sys.version}".encode())
    for name in sorted({lock, RUNTIME_LOCK, "pyproject.toml"}):
        digest.update((root / name).read_bytes())
    return digest.hexdigest() + "\n"


def _stamp(root: Path, lock: str) -> Path:
    return root / ".venv" / f".{lock}.stamp"


def is_current(root: Path, lock: str) -> bool:
    """Whether `.venv` holds what `lock` says. The development lock contains the other one."""
    locks = {lock, DEV_LOCK}
    stamped = (read_text(_stamp(root, name)) == stamp_text(root, name) for name in locks)
    return python(root).exists() and any(stamped)


def _works(root: Path) -> bool:
    """Whether the environment runs, has pip and stands on a Python that is still there."""
    if not python(root).exists():
        return False
    probe = [str(python(root)), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
    return commands.answers(probe) is not None


def _can_make() -> bool:
    probe = [sys.executable, "-c", "import venv, ensurepip"]
    return commands.answers(probe) is not None


def _make(root: Path, log: Path) -> None:
    if not _can_make():  # Debian ships Python without ensurepip
        version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        ours = os.path.realpath(sys.executable).startswith("/usr/bin/python3.")
        packages.install([version if ours else "python3-venv"], log)
    commands.must_run([sys.executable, "-m", "venv", "--clear", str(root / ".venv")], log)


def ensure(lock: str, log: Path, tell: Callable[[str], None], root: Path = ROOT) -> None:
    """Make or refresh `.venv` from `lock`. Instant when it is current. Raises SetupError."""
    if is_current(root, lock):
        return
    if not _works(root):
        tell("making .venv")
        _make(root, log)
    tell(f"installing the Python packages of {lock} (log: {commands.shown(log)})")
    _stamp(root, lock).unlink(missing_ok=True)
    pip = [str(python(root)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    commands.must_run([*pip, "--require-hashes", "-r", str(root / lock)], log)
    commands.must_run([*pip, "--no-deps", "--no-build-isolation", "-e", str(root)], log)
    write_private(_stamp(root, lock), stamp_text(root, lock))
