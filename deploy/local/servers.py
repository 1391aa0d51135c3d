"""PostgreSQL, Redis and RabbitMQ of one's own, for tests and benchmarks.

A thin view of a `Stack` without product processes: the same supervisor, the same files.
"""

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.local import binaries, packages
from deploy.local.layout import Layout
from deploy.local.server_units import SERVER_NAMES
from deploy.local.stack import Progress, Stack


@dataclass(frozen=True)
class ServerUrls:
    """Servers to test against, wherever they come from.

    `private` is there when we started all three ourselves; only then may a test kill one.
    """

    database_url: str
    amqp_url: str
    redis_url: str
    private: "Servers | None" = None


class Servers:
    """Running private servers. As a context manager it destroys them and their data at the end."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.destroy()

    @property
    def database_url(self) -> str:
        """The superuser's URL; the database is `tamaru`."""
        return self.stack.env["DATABASE_URL"]

    @property
    def amqp_url(self) -> str:
        return self.stack.env["AMQP_URL"]

    @property
    def redis_url(self) -> str:
        return self.stack.env["REDIS_URL"]

    @property
    def urls(self) -> ServerUrls:
        """The three URLs, for what does not care where servers come from."""
        return ServerUrls(self.database_url, self.amqp_url, self.redis_url, self)

    @property
    def pids(self) -> dict[str, int]:
        """Name (`postgres`, …) to the pid of what runs now."""
        found = ((name, self.stack.pid(name)) for name in SERVER_NAMES)
        return {name: pid for name, pid in found if pid is not None}

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Signal one server; the supervisor starts it again. Returns the old pid."""
        return self.stack.kill(name, number)

    def restart(self, name: str, number: int = signal.SIGKILL) -> int:
        """Signal one server and wait until it answers again. Returns the new pid."""
        return self.stack.restart(name, number)

    def hold(self, name: str, number: int = signal.SIGTERM) -> None:
        """Stop one server and keep it away until `release`."""
        self.stack.hold(name, number)

    def release(self, name: str) -> None:
        """Let a held server start again and wait until it answers."""
        self.stack.release(name)
        self.stack.wait_ready([name])

    def stop(self) -> None:
        """Stop them; the data stays."""
        self.stack.stop()


def install_missing(programs: Iterable[str], log: Path) -> list[str]:
    """apt-install what these programs lack; returns the packages. Raises SetupError."""
    missing = binaries.missing_packages(programs)
    packages.install(missing, log)
    return missing


def start_servers(
    folder: Path, which: Iterable[str] = SERVER_NAMES, tell: Progress | None = None
) -> Servers:
    """Start private servers in `folder` and wait until they answer.

    They end with the process that called this (call it from the main thread). Programs that are
    missing are installed where that is permitted. Raises StartFailed or SetupError.
    """
    which = tuple(which)
    stack = Stack(folder, servers=which, processes=(), bound=True)
    Layout(stack.folder).make()
    install_missing(binaries.wanted_programs(which, edge=False), stack.log("apt"))
    try:
        stack.start()
        stack.wait_ready(tell=tell)
    except BaseException:
        stack.stop()
        raise
    return Servers(stack)
