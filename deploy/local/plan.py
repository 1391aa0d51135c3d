"""From what is wanted to what runs: units and the content of `.local/env`.

Owns which variable goes to which process. Starts nothing.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from deploy.local import probes, processes, venv
from deploy.local.processes import PROCESSES, Process
from deploy.local.server_units import OFFSETS, SERVER_NAMES
from deploy.local.spawn import Account
from deploy.local.units import Unit

URL_NAMES = {"postgres": "DATABASE_URL", "redis": "REDIS_URL", "rabbitmq": "AMQP_URL"}
_FIRST_PROCESS = max(OFFSETS.values()) + 1  # ports below belong to the servers
PORTS = 31
SHOWN_SECRETS = (
    "POS_API_KEY",
    "OWNER_API_KEY",
    "OWNER_LOGIN",
    "OWNER_PASSWORD",
    "PERSONAL_DATA_KEY",
    "LINE_CHANNEL_SECRET",
    "LINE_CHANNEL_ACCESS_TOKEN",
    "LINE_LOGIN_CHANNEL_ID",
    "LINE_LOGIN_CHANNEL_SECRET",
    "LIFF_ID",
)


@dataclass(frozen=True)
class Options:
    """What the caller asks of a start.

    `env` overrides every variable of every process; a DATABASE_URL, REDIS_URL or AMQP_URL in it
    replaces that private server. `temporary`: the data is thrown away, so stopping need not be
    gentle.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    servers: tuple[str, ...] = SERVER_NAMES
    processes: tuple[Process, ...] = PROCESSES
    temporary: bool = False

    @property
    def private(self) -> tuple[str, ...]:
        """The servers that we start ourselves."""
        return tuple(name for name in self.servers if not self.env.get(URL_NAMES[name]))

    @property
    def has_edge(self) -> bool:
        return any("{caddy}" in process.command for process in self.processes)

    def to_json(self) -> dict[str, Any]:
        rows = processes.to_json(self.processes)
        return {
            "env": dict(self.env),
            "servers": list(self.servers),
            "processes": rows,
            "temporary": self.temporary,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Options":
        rows = processes.from_json(value["processes"])
        return cls(value["env"], tuple(value["servers"]), rows, value["temporary"])


def role_url(url: str, service: str, password: str) -> str:
    """The administrator's database URL with a service's role in its place."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"tamaru_{service}:{quote(password, safe='')}@{host}"
    return urlunsplit(parts._replace(netloc=netloc))


@dataclass(frozen=True)
class Plan:
    """One stack, with its ports and secrets known.

    `server_urls` are the private servers' URLs, `folder` is where servers may keep data, and
    `edge_account` is the user that the edge runs as.
    """

    options: Options
    base: int
    secrets: Mapping[str, str]
    server_urls: Mapping[str, str]
    caddy: Path
    folder: Path
    edge_account: Account | None = None

    def port(self, process: Process) -> int:
        return self.base + _FIRST_PROCESS + self.options.processes.index(process)

    def address(self, process: Process) -> str:
        return f"http://127.0.0.1:{self.port(process)}"

    def urls(self) -> dict[str, str]:
        """`*_URL` of every process that has an address."""
        named = [item for item in self.options.processes if item.url_name]
        return {item.url_name: self.address(item) for item in named}

    def common(self) -> dict[str, str]:
        """What every process gets. The product's own names only."""
        urls = self.urls()
        servers = {URL_NAMES[name]: url for name, url in self.server_urls.items()}
        addresses = {
            "PUBLIC_URL": urls.get("EDGE_URL", ""),
            "EDGE_URL": urls.get("EDGE_URL", ""),
            "SANDBOX_URL": urls.get("SANDBOX_URL", ""),
            "LINE_API_BASE": urls.get("SANDBOX_URL", ""),
            "LINE_BASIC_ID": "@tamaru-sandbox",
            "EDGE_ADDRESS": urls.get("EDGE_URL", ""),
            "WEBHOOK_UPSTREAM": urls.get("WEBHOOK_URL", "").removeprefix("http://"),
            "POINTS_UPSTREAM": urls.get("POINTS_URL", "").removeprefix("http://"),
            "NOTIFY_UPSTREAM": urls.get("NOTIFY_WEB_URL", "").removeprefix("http://"),
            "SCHEDULER_UPSTREAM": urls.get("SCHEDULER_WEB_URL", "").removeprefix("http://"),
        }
        settings = {
            "BUS_NAMESPACE": "tamaru",
            "HTTP_HOST": "127.0.0.1",
            "LOG_LEVEL": "INFO",
            "LOG_FORMAT": "json",
            "RATE_LIMIT_PER_SECOND": "5000",
            "LINE_RATE_PER_SECOND": "1800",
            "RICH_MENUS_AT_START": "true",  # the sandbox has none of its own
            "HOOKS_ALLOW_PRIVATE": "true",  # a receiver to try them with is on this machine
        }
        return servers | addresses | settings | dict(self.options.env)

    def environment(self, process: Process) -> dict[str, str]:
        """The whole environment of one process: of secrets and servers, only what it needs."""
        known = {**self.secrets, **self.options.env}
        values = _inherited() | self.common() | {name: known[name] for name in process.needs}
        values |= {"HTTP_PORT": str(self.port(process))}
        values |= {
            name: str(self.folder / "caddy") for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")
        }
        if process.role not in ("", "admin"):
            word = known[f"{process.role.upper()}_DB_PASSWORD"]
            values["DATABASE_URL"] = role_url(values["DATABASE_URL"], process.role, word)
        hidden = () if process.role else tuple(URL_NAMES.values())
        kept = {key: value for key, value in values.items() if key not in hidden}
        return kept | dict(process.settings)

    def unit(self, process: Process) -> Unit:
        words = {"{python}": str(venv.python()), "{caddy}": str(self.caddy)}
        probe = None if process.one_shot else probes.http_ok(self.address(process) + process.ready)
        return Unit(
            process.name,
            tuple(words.get(word, word) for word in process.command),
            self.environment(process),
            probe=probe,
            after=process.after,
            one_shot=process.one_shot,
            stop_seconds=process.stop_seconds,
            account=self.edge_account if "{caddy}" in process.command else None,
        )

    def units(self) -> list[Unit]:
        return [self.unit(process) for process in self.options.processes]

    def script_env(self, pids: Mapping[str, int]) -> dict[str, str]:
        """`.local/env`: addresses, logins, servers and pids (`PID_…` to pid)."""
        common = self.common()
        known = {**self.secrets, **self.options.env}
        shown = {name: known[name] for name in SHOWN_SECRETS}
        servers = {name: common[name] for name in URL_NAMES.values() if name in common}
        rest = {"BUS_NAMESPACE": common["BUS_NAMESPACE"]}
        return self.urls() | shown | servers | rest | {k: str(v) for k, v in pids.items()}


def _inherited() -> dict[str, str]:
    """The caller's environment without a proxy for the loopback and without old settings."""
    kept = {key: value for key, value in os.environ.items() if key not in _OURS}
    away = ",".join(filter(None, (os.environ.get("NO_PROXY", ""), "127.0.0.1,localhost")))
    return kept | {"NO_PROXY": away, "no_proxy": away, "PYTHONUNBUFFERED": "1"}


# A secret that the caller's shell exports must not slip into a process that was not given it.
_OURS = frozenset(
    {name for process in PROCESSES for name in process.needs}
    | {"DATABASE_URL", "AMQP_URL", "REDIS_URL", "HTTP_PORT", "HTTP_HOST", "BUS_NAMESPACE"}
)
