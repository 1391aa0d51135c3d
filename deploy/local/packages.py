"""Installing the distribution's packages with apt, when that is permitted."""

import os
import shutil
import threading
from pathlib import Path

from deploy.local import commands
from deploy.local.commands import SetupError
from deploy.local.files import tail

_APT = threading.Lock()  # two of our own steps must not wait for each other's dpkg lock
_LISTS = Path("/var/lib/apt/lists")


def _privileged() -> list[str] | None:
    """The words before apt-get: none as root, `sudo -n` where it asks nothing, else None."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if commands.answers(["sudo", "-n", "true"]) is not None else None


def by_hand(packages: list[str]) -> str:
    """The command to tell somebody whose rights do not suffice."""
    names = " ".join(packages)
    return f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}"


def _apt(prefix: list[str], words: list[str], log: Path) -> bool:
    quiet = ["DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1"]
    options = ["-o", "DPkg::Lock::Timeout=120"]
    return commands.run([*prefix, "env", *quiet, "apt-get", *options, *words], log)


def install(packages: list[str], log: Path) -> None:
    """Install the packages. Raises SetupError with the command to run or the log to read."""
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise SetupError(f"no apt-get here: install these yourself: {' '.join(packages)}")
    prefix = _privileged()
    if prefix is None:
        raise SetupError(f"these packages are missing; please run\n    {by_hand(packages)}")
    with _APT:
        _install(prefix, packages, log)


def _install(prefix: list[str], packages: list[str], log: Path) -> None:
    """A fresh container has no package lists, an old machine stale ones: update when it matters."""
    words = ["install", "-y", "--no-install-recommends", *packages]
    if any(_LISTS.glob("*Packages*")) and _apt(prefix, words, log):
        return
    if _apt(prefix, ["update"], log) and _apt(prefix, words, log):
        return
    raise SetupError(f"apt-get failed; its log is {commands.shown(log)}:\n{tail(log)}")


def note_about_services() -> str:
    """Where systemd runs, Debian starts what it installs. We do not use those instances."""
    if not Path("/run/systemd/system").exists():
        return ""
    return (
        "apt may have started system services of its own (Tamaru does not use them); to stop them: "
        "sudo systemctl disable --now "
        "postgresql redis-server rabbitmq-server caddy prometheus"
    )
