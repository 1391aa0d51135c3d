"""The Docker way of a local start: `docker compose`, then the same `.local/env`.

Owns which variables compose gets. The services themselves are in `docker-compose.yml`.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.local import commands, credentials
from deploy.local.commands import SetupError
from deploy.local.files import format_env, read_env, write_private
from deploy.local.layout import ROOT, Layout
from deploy.local.plan import SHOWN_SECRETS, URL_NAMES
from deploy.local.processes import PROCESSES
from deploy.local.stack import Progress
from deploy.local.units import pid_name

FILE = ROOT / "docker-compose.yml"
EDGE_PORT = 8080
# A name that the containers and a browser on this machine both find.
_SANDBOX = "http://sandbox.localhost:8090"
_NAMES = {"valkey": "redis"}  # compose's name of a process to the one of a private start
_PROJECT = "COMPOSE_PROJECT_NAME"
_LOOK_SECONDS = 2.0


def engine_answers() -> bool:
    """Whether a Docker engine (not only its client) is there."""
    return commands.answers(["docker", "info"], seconds=5.0) is not None


def is_running(layout: Layout) -> bool:
    """Whether this folder's running stack is a compose one."""
    return _PROJECT in read_env(layout.env)


def project(layout: Layout) -> str:
    """The name of this folder's containers, volumes and images: never those of a shop that runs on
    this machine, nor of another clone."""
    return "tamaru-" + hashlib.blake2s(bytes(layout.folder), digest_size=4).hexdigest()


def _compose(layout: Layout, *words: str) -> list[str]:
    files = ["--file", str(FILE), "--env-file", str(layout.compose_env)]
    name = ["--project-name", project(layout)]
    return ["docker", "compose", *files, *name, "--profile", "demo", *words]


def up(layout: Layout, tell: Progress) -> None:
    """Build and start everything, and write `.local/env`. Raises SetupError."""
    layout.make()
    secrets = credentials.load_or_generate(layout.secrets)
    write_private(layout.compose_env, format_env(compose_env(layout, secrets)))
    log = layout.log("compose")
    tell(f"building the images, some minutes the first time (log: {commands.shown(log)})")
    commands.must_run(_compose(layout, "build"), log)
    tell("starting the containers")
    with _telling(layout, tell):
        commands.must_run(_compose(layout, "up", "--detach", "--wait"), log)
    names = {_PROJECT: project(layout)}
    write_private(layout.env, format_env(script_env(secrets, _running(layout)) | names))


@contextlib.contextmanager
def _telling(layout: Layout, tell: Progress) -> Iterator[None]:
    """Meanwhile, tell of each container that is ready."""
    done = threading.Event()

    def look() -> None:
        told: set[str] = set()
        while not done.wait(_LOOK_SECONDS):
            with contextlib.suppress(SetupError):
                ready = {name for name, unit in units(layout).items() if unit["state"] == "ready"}
                for name in sorted(ready - told):
                    tell(f"{name} is ready")
                told |= ready

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def compose_env(layout: Layout, secrets: Mapping[str, str]) -> dict[str, str]:
    """The variables that `docker-compose.yml` asks for, with the sandbox in LINE's place."""
    limits = {"RATE_LIMIT_PER_SECOND": "5000", "LINE_RATE_PER_SECOND": "1800"}
    names = {"VALKEY_PASSWORD": secrets["REDIS_PASSWORD"], "LINE_API_BASE": _SANDBOX}
    image = project(layout)
    images = {"TAMARU_IMAGE": f"{image}:local", "TAMARU_EDGE_IMAGE": f"{image}-edge:local"}
    return {**secrets, **names, **limits, **images}


def down(layout: Layout) -> None:
    """Stop the containers; their volumes stay. Raises SetupError."""
    commands.must_run(_compose(layout, "down"), layout.log("compose"))
    layout.env.unlink(missing_ok=True)


def delete_data(layout: Layout) -> None:
    """Stop the containers and delete their volumes, if there ever were any. Raises SetupError."""
    if layout.compose_env.exists():
        commands.must_run(_compose(layout, "down", "--volumes"), layout.log("compose"))


def following_logs(layout: Layout) -> list[str]:
    """The command that follows all logs."""
    return _compose(layout, "logs", "--follow", "--tail", "20")


def parse_containers(text: str) -> list[dict[str, Any]]:
    """The rows of `docker compose ps --format json`: one array, or (newer) one object a line."""
    text = text.strip()
    rows = json.loads(text) if text.startswith("[") else map(json.loads, text.splitlines())
    return [row for row in rows if isinstance(row, dict)]


def _containers(layout: Layout, *which: str) -> list[dict[str, Any]]:
    listed = commands.answers(_compose(layout, "ps", *which, "--format", "json"))
    if listed is None:
        raise SetupError("docker compose ps does not answer")
    return parse_containers(listed)


def _running(layout: Layout) -> list[dict[str, Any]]:
    """The running containers, each with its process id on this machine as `Pid`."""
    return [row | {"Pid": _pid(row["ID"])} for row in _containers(layout)]


def units(layout: Layout) -> dict[str, dict[str, Any]]:
    """Each container's `state` (ready, starting or failing), like the units of a private start.
    Raises SetupError."""
    return {_name(row): {"state": _state(row)} for row in _containers(layout, "--all")}


def _state(row: Mapping[str, Any]) -> str:
    if row.get("State") == "exited":
        return "ready" if row.get("ExitCode") == 0 else "failing"
    if row.get("State") != "running":
        return "starting"
    return {"healthy": "ready", "unhealthy": "failing", "": "ready"}.get(
        row.get("Health", ""), "starting"
    )


def _pid(container: str) -> str:
    answer = commands.answers(["docker", "inspect", "--format", "{{.State.Pid}}", container])
    return (answer or "").strip()


def _port(row: Mapping[str, Any]) -> int | None:
    ports = (item.get("PublishedPort") for item in row.get("Publishers") or [])
    return next((port for port in ports if port), None)


def script_env(secrets: Mapping[str, str], rows: list[dict[str, Any]]) -> dict[str, str]:
    """`.local/env` of a compose stack; what publishes no port has no address in it."""
    ports = {_name(row): port for row in rows if (port := _port(row))}
    ports.setdefault("edge", EDGE_PORT)
    named = {process.name: process.url_name for process in PROCESSES if process.url_name}
    urls = {
        named[name]: f"http://127.0.0.1:{port}" for name, port in ports.items() if name in named
    }
    servers = {
        URL_NAMES[name]: credentials.server_url(name, secrets, ports[name])
        for name in URL_NAMES
        if name in ports
    }
    pids = {pid_name(_name(row)): row["Pid"] for row in rows if row["Pid"] not in ("", "0")}
    shown = {name: secrets[name] for name in SHOWN_SECRETS}
    return urls | shown | servers | {"BUS_NAMESPACE": "tamaru"} | pids


def _name(row: Mapping[str, Any]) -> str:
    return _NAMES.get(row["Service"], str(row["Service"]))
