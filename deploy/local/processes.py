"""The product's processes, as data. Adding a process is one line (at the end: see `plan.py`)."""

from dataclasses import asdict, dataclass
from typing import Any

_POINTS = ("PURCHASE_ID_KEY", "QR_SIGNING_KEY")
_PEOPLE = (*_POINTS, "PERSONAL_DATA_KEY")
_HOOKS = ("HOOKS_SIGNING_KEY",)
_LOGIN = ("LINE_LOGIN_CHANNEL_ID", "LINE_LOGIN_CHANNEL_SECRET")
_CARD = (*_LOGIN, "LIFF_ID")
_STAFF = ("SESSION_KEY",)
_MENUS = ("LINE_CHANNEL_ACCESS_TOKEN", "LIFF_ID")
_NOTIFY_WEB = (*_MENUS, *_LOGIN, *_STAFF)
_LINE = (
    "LINE_CHANNEL_SECRET",
    "LINE_CHANNEL_ACCESS_TOKEN",
    *_LOGIN,
    "LIFF_ID",
)
_PASSWORDS = (
    "WEBHOOK_DB_PASSWORD",
    "POINTS_DB_PASSWORD",
    "NOTIFY_DB_PASSWORD",
    "SCHEDULER_DB_PASSWORD",
)
_DEMO = ("POS_API_KEY", "OWNER_API_KEY", "OWNER_LOGIN", "OWNER_PASSWORD")


@dataclass(frozen=True)
class Process:
    """One process of the product.

    `command` may contain `{python}` and `{caddy}`. `role` is the service whose database role it
    connects with, or "admin"; with "" it gets no server's URL at all. `needs` are the secrets
    that it gets, and no others. `url_name` is the name of its address in `.local/env`. `ready` is
    the path that answers 200 when it can work. `settings` are variables of its own. After
    `stop_seconds` a stop is no longer gentle: a service drains for at most 20.
    """

    name: str
    command: tuple[str, ...]
    url_name: str = ""
    role: str = ""
    needs: tuple[str, ...] = ()
    ready: str = "/readyz"
    after: tuple[str, ...] = ("migrate",)
    one_shot: bool = False
    settings: tuple[tuple[str, str], ...] = ()
    stop_seconds: float = 25.0


def _service(name: str, mode: str, url_name: str, needs: tuple[str, ...]) -> Process:
    command = ("{python}", "-m", f"services.{name}", mode)
    return Process(f"{name}-{mode}", command, url_name, role=name, needs=needs)


def _once(name: str, needs: tuple[str, ...], after: str) -> Process:
    command = ("{python}", "-m", "deploy.cli", name)
    return Process(name, command, role="admin", needs=needs, after=(after,), one_shot=True)


PROCESSES: tuple[Process, ...] = (
    _once("migrate", _PASSWORDS, after="postgres"),
    _once("demo", _DEMO, after="migrate"),
    _service("webhook", "web", "WEBHOOK_URL", ("LINE_CHANNEL_SECRET", "PURCHASE_ID_KEY")),
    _service("points", "web", "POINTS_URL", (*_PEOPLE, *_HOOKS, *_CARD, *_STAFF)),
    _service("points", "awards", "POINTS_AWARDS_URL", _PEOPLE),
    _service("points", "ranks", "POINTS_RANKS_URL", _POINTS),
    _service("notify", "worker", "NOTIFY_URL", ("LINE_CHANNEL_ACCESS_TOKEN",)),
    _service("scheduler", "worker", "SCHEDULER_URL", ()),
    Process(
        "sandbox",
        ("{python}", "-m", "deploy.sandbox"),
        "SANDBOX_URL",
        needs=(*_LINE, "POS_API_KEY", "OWNER_API_KEY"),
    ),
    Process(
        "edge",
        ("{caddy}", "run", "--config", "deploy/edge/Caddyfile", "--adapter", "caddyfile"),
        "EDGE_URL",
        ready="/healthz",
        after=(),
    ),
    _service("points", "hooks", "POINTS_HOOKS_URL", _HOOKS),
    _service("points", "segments", "POINTS_SEGMENTS_URL", ()),
    _service("notify", "broadcasts", "NOTIFY_BROADCASTS_URL", _MENUS),
    _service("notify", "web", "NOTIFY_WEB_URL", _NOTIFY_WEB),
    _service("scheduler", "web", "SCHEDULER_WEB_URL", _STAFF),
    _service("points", "imports", "POINTS_IMPORTS_URL", _PEOPLE),
)


def to_json(processes: tuple[Process, ...]) -> list[dict[str, Any]]:
    return [asdict(process) for process in processes]


def from_json(rows: list[dict[str, Any]]) -> tuple[Process, ...]:
    """The inverse of `to_json`, after a way through a JSON file (tuples come back as lists)."""
    return tuple(Process(**{key: _tuples(value) for key, value in row.items()}) for row in rows)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
