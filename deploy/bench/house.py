"""The stack that is measured: private servers, the product's processes and the yardsticks' ones.

Owns which of them run when. The servers come first; everything else waits until it is called.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from deploy.bench import procfs
from deploy.bench.databases import PASSWORD
from deploy.local.processes import PROCESSES, Process
from deploy.local.server_units import SERVER_NAMES
from deploy.local.stack import Progress, Stack, scratch_folder

_NOOP = Process(
    "bench-noop",
    ("{python}", "-m", "deploy.bench.noop_web"),
    "NOOP_URL",
    role="webhook",
    needs=("LINE_CHANNEL_SECRET", "PURCHASE_ID_KEY"),
)

_LINKS = Process(
    "bench-links",
    ("{python}", "-m", "deploy.bench.noop_links"),
    "BENCH_LINKS_URL",
    role="notify",
    needs=next(process.needs for process in PROCESSES if process.name == "notify-web"),
)


def _naive(part: str) -> Process:
    command = ("{python}", "-m", "deploy.bench.naive", part)
    needs = ("LINE_CHANNEL_ACCESS_TOKEN",)
    return Process(f"naive-{part}", command, f"NAIVE_{part.upper()}_URL", "admin", needs)


NAIVE = tuple(map(_naive, ("web", "awards", "notify")))
SERVICES = tuple(process.name for process in PROCESSES if not process.one_shot)
INGRESS = ("migrate", "demo", "webhook-web", "points-awards", "bench-noop")
LINKS = ("migrate", "demo", "bench-links")
QR_KEY = "bench" * 8
_ENV = {
    "QR_SIGNING_KEY": QR_KEY,
    "LOG_LEVEL": "WARNING",
    "RATE_LIMIT_PER_SECOND": "1000000",
    "LINE_RATE_PER_SECOND": "1000000",
    **{f"{name}_DB_PASSWORD": PASSWORD for name in ("WEBHOOK", "POINTS", "NOTIFY", "SCHEDULER")},
}


class House:
    """A running stack."""

    def __init__(self, stack: Stack, tell: Progress) -> None:
        self.stack = stack
        self._tell = tell

    def call(self, *names: str) -> None:
        """Have these run, and wait until they are ready."""
        self.stack.release(*names)
        self.stack.wait_ready(names)

    def send_away(self, *names: str) -> None:
        """Stop these."""
        for name in names:
            self.stack.hold(name)

    def tell(self, text: str) -> None:
        """Say how far it is."""
        self._tell(text)

    @property
    def env(self) -> dict[str, str]:
        """Addresses and keys."""
        return self.stack.env

    @property
    def database_url(self) -> str:
        """The administrator's URL."""
        return self.env["DATABASE_URL"]

    @property
    def amqp_url(self) -> str:
        return self.env["AMQP_URL"]

    @property
    def redis_url(self) -> str:
        return self.env["REDIS_URL"]

    def place(self, name: str) -> tuple[str, int]:
        """Host and port behind a `*_URL`."""
        parts = urlsplit(self.env[name])
        return parts.hostname or "", parts.port or 0

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far by process, servers too."""
        return {name: procfs.cpu_seconds(pid) for name, pid in self._pids().items()}

    def memory(self) -> dict[str, float]:
        """MiB by process, servers too."""
        return {name: procfs.memory_mib(pid) for name, pid in self._pids().items()}

    def _pids(self) -> dict[str, int]:
        found = {name: self.stack.pid(name) for name in (*SERVER_NAMES, *SERVICES)}
        return {name: pid for name, pid in found.items() if pid}


@contextmanager
def house(tell: Progress) -> Iterator[House]:
    """Servers of one's own, and everything else held; gone afterwards."""
    processes = (*PROCESSES, _NOOP, _LINKS, *NAIVE)
    stack = Stack(scratch_folder("bench"), _ENV, processes=processes, bound=True)
    try:
        stack.start(held=[process.name for process in processes])
        stack.wait_ready(SERVER_NAMES)
        yield House(stack, tell)
    finally:
        stack.destroy()
