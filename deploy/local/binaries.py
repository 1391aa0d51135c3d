"""Finding the servers' programs. Looks only; installing is `packages.py`."""

import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

# What apt calls the package that brings each program.
PACKAGES = {
    "postgres": "postgresql",
    "redis": "redis-server",
    "rabbitmq": "rabbitmq-server",
    "epmd": "rabbitmq-server",
    "caddy": "caddy",
    "chromium": "chromium",
    "promtool": "prometheus",  # only its tool is used: it checks the alert rules
    "fonts": "fonts-noto-cjk",
    "menu-font": "fonts-morisawa-bizud-gothic",
}
_NOWHERE = Path("/nonexistent")


@dataclass(frozen=True)
class Binaries:
    """Paths of the programs; `/nonexistent` stands for one that nobody asked for."""

    postgres: Path = _NOWHERE
    redis: Path = _NOWHERE
    rabbitmq: Path = _NOWHERE
    epmd: Path = _NOWHERE
    caddy: Path = _NOWHERE


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(path)))


def _newest(pattern: str) -> Path | None:
    """The match of an absolute glob pattern with the highest version number in its path."""
    return max(Path("/").glob(pattern.lstrip("/")), key=_version, default=None)


def _on_path(*names: str) -> Path | None:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    found = (shutil.which(name) or shutil.which(name, path=path) for name in names)
    return next((Path(item) for item in found if item), None)


def _postgres() -> Path | None:
    """The real folder is preferred to a link on the PATH: initdb lives beside the server."""
    found = _newest("/usr/lib/postgresql/*/bin/postgres") or _on_path("postgres")
    return found.resolve() if found else None


def _rabbitmq() -> Path | None:
    """RabbitMQ's own script: the wrapper in /usr/sbin wants to be root or rabbitmq."""
    places = ("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin", "/opt/rabbitmq*/sbin")
    found = (_newest(f"{place}/rabbitmq-server") for place in places)
    return next(filter(None, found), None)


def _font(pattern: str) -> Path | None:
    return next(Path("/usr/share/fonts").rglob(pattern), None)


_FINDERS: dict[str, Callable[[], Path | None]] = {
    "postgres": _postgres,
    "rabbitmq": _rabbitmq,
    "epmd": lambda: _on_path("epmd") or _newest("/usr/lib/erlang/erts-*/bin/epmd"),
    "redis": lambda: _on_path("redis-server", "valkey-server"),
    "caddy": lambda: _on_path("caddy"),
    "promtool": lambda: _on_path("promtool"),
    "chromium": lambda: _on_path("chromium", "chromium-browser", "google-chrome"),
    # The pages are Japanese: without these fonts a screenshot shows boxes.
    "fonts": lambda: _font("*CJK*"),
    # Rich menus are drawn with it; the larger one above would do as well.
    "menu-font": lambda: _font("BIZUD*") or _font("*CJK*"),
}


def find(name: str) -> Path | None:
    """The program's path, or None."""
    return _FINDERS[name]()


def wanted_programs(servers: Iterable[str], edge: bool) -> list[str]:
    """The programs that a stack with these private servers needs."""
    names = list(servers)
    names += ["epmd"] if "rabbitmq" in names else []
    return names + (["caddy"] if edge else [])


def missing_packages(programs: Iterable[str]) -> list[str]:
    """The apt packages of the programs that are not there."""
    return sorted({PACKAGES[name] for name in programs if find(name) is None})


def locate(programs: Iterable[str]) -> Binaries:
    """The paths of these programs. Raises RuntimeError naming what is missing."""
    programs = list(programs)
    if missing := missing_packages(programs):
        raise RuntimeError(f"not installed: {' '.join(missing)}")
    return Binaries(**{name: find(name) or _NOWHERE for name in programs})
