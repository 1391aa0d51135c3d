"""docker-compose.yml: what must hold for every container, and its agreement with .env.example."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy import healthcheck
from deploy.local.processes import PROCESSES
from deploy.sandbox.settings import SandboxSettings
from services.notify.settings import NotifySettings, NotifyWebSettings
from services.points.settings import (
    HooksSettings,
    PersonalSettings,
    PointsSettings,
    SegmentsSettings,
    WebSettings,
)
from services.scheduler.settings import SchedulerWebSettings, WorkerSettings
from services.webhook.settings import WebhookSettings
from shared.process import DRAIN_SECONDS

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
OURS = {name: each for name, each in SERVICES.items() if "TAMARU_IMAGE" in each["image"]}
"""Every process of the product's image: those that run its code."""

VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")
ROLES = {
    "webhook-web": "tamaru_webhook",
    "points-web": "tamaru_points",
    "points-awards": "tamaru_points",
    "points-ranks": "tamaru_points",
    "points-hooks": "tamaru_points",
    "notify-worker": "tamaru_notify",
    "points-segments": "tamaru_points",
    "points-imports": "tamaru_points",
    "notify-broadcasts": "tamaru_notify",
    "notify-web": "tamaru_notify",
    "scheduler-worker": "tamaru_scheduler",
    "scheduler-web": "tamaru_scheduler",
    "migrate": "postgres",
    "demo": "postgres",
    "doctor": "postgres",
}
BESIDE = {"doctor", "prometheus", "grafana"}
"""What looks at the product and is no part of it: only there when asked for."""

ONCE = ("migrate", "demo", "doctor")
SETTINGS: dict[str, type[BaseSettings]] = {
    "webhook-web": WebhookSettings,
    "points-web": WebSettings,
    "points-awards": PersonalSettings,
    "points-ranks": PointsSettings,
    "points-hooks": HooksSettings,
    "notify-worker": NotifySettings,
    "points-segments": SegmentsSettings,
    "points-imports": PersonalSettings,
    "notify-broadcasts": NotifySettings,
    "notify-web": NotifyWebSettings,
    "scheduler-worker": WorkerSettings,
    "scheduler-web": SchedulerWebSettings,
    "sandbox": SandboxSettings,
}


def variables() -> list[tuple[str, str, str]]:
    """(name, "-" or "?" or "", default or message) of every variable in the file."""
    found = VARIABLE.finditer(TEXT)
    return [(each["name"], each["kind"] or "", each["rest"] or "") for each in found]


def example() -> dict[str, str]:
    """.env.example, with what is commented out."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [re.fullmatch(r"#?([A-Z][A-Z_]+)=(.*)", line) for line in lines]
    return {pair[1]: pair[2] for pair in pairs if pair}


def seconds(duration: str) -> int:
    number, unit = int(duration[:-1]), duration[-1]
    return number * {"s": 1, "m": 60}[unit]


def test_it_runs_every_process_of_the_product() -> None:
    servers = {"postgres", "rabbitmq", "valkey"}
    assert {process.name for process in PROCESSES} | servers | BESIDE == set(SERVICES)
    assert {name for name in BESIDE if SERVICES[name]["profiles"] in (["tools"], ["observe"])} == (
        BESIDE
    )


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_commands_are_those_of_the_local_start(process: Any) -> None:
    if process.name == "edge":
        assert SERVICES["edge"]["build"] == {"context": "deploy/edge"}, "with the Caddyfile in it"
        return
    local = [word.replace("{python}", "python") for word in process.command]
    if local[1:3] == ["-m", "deploy.cli"]:
        local = ["tamaru", *local[3:]]
    assert SERVICES[process.name]["command"] == local


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_held_in(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service
    assert "privileged" not in service
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[MG]", limits["memory"])
    assert limits["pids"] > 0
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service.get("read_only") or name == "rabbitmq"
    if name in {*OURS, "edge"}:
        assert "user" not in service, "the image names its own"
    else:
        assert re.match(r"(?!root\b)[a-z]|[1-9]", service["user"]), "no root"


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_comes_back_and_is_watched_or_runs_once(name: str) -> None:
    service = SERVICES[name]
    if name in ONCE:
        assert service["restart"] == "no"
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_the_image_is_built_once_before_all_that_run_it() -> None:
    assert set(BUILT) == {"migrate", "edge"}
    waits = {name: each["depends_on"] for name, each in OURS.items() if name not in BESIDE}
    for name in waits.keys() - {"migrate", "sandbox"}:
        assert waits[name]["migrate"] == {"condition": "service_completed_successfully"}
    assert "demo" in waits["sandbox"]


@pytest.mark.parametrize("name", sorted(OURS.keys() - set(ONCE)))
def test_a_slow_machine_is_not_a_broken_process(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"] == ["CMD", "python", "-S", "-m", "deploy.healthcheck"]
    assert seconds(check["timeout"]) > healthcheck.TIMEOUT_SECONDS, "it says so itself"
    assert seconds(check["start_period"]) >= 120, "all start at once"


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_has_time_to_drain(name: str) -> None:
    assert seconds(SERVICES[name]["stop_grace_period"]) > DRAIN_SECONDS


def test_images_are_pinned_to_a_release() -> None:
    for name, service in SERVICES.items():
        if name not in {*OURS, "edge"}:
            assert re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$", service["image"]), name


def test_the_edge_listens_below_1024_without_being_root() -> None:
    edge = SERVICES["edge"]
    assert edge["sysctls"] == {"net.ipv4.ip_unprivileged_port_start": "0"}
    assert edge["volumes"] == ["edge-certificates:/data"]


def test_only_the_edge_is_published_and_the_sandbox_in_the_demo_on_the_loopback() -> None:
    published = {name for name, service in SERVICES.items() if "ports" in service}
    assert published == {"edge", "sandbox", "grafana"}
    assert SERVICES["grafana"]["ports"] == ["127.0.0.1:3000:3000"]
    assert SERVICES["sandbox"]["profiles"] == ["demo"]
    assert SERVICES["sandbox"]["ports"] == ["127.0.0.1:8090:8090"]
    assert all(":-127.0.0.1:" in port for port in SERVICES["edge"]["ports"])
    assert not any("network_mode" in service for service in SERVICES.values())


def test_servers_have_no_way_out() -> None:
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert COMPOSE["networks"]["front"] == {"internal": True}
    for name in ("postgres", "rabbitmq", "valkey"):
        assert SERVICES[name]["networks"] == ["back"]
    assert "back" not in SERVICES["edge"]["networks"]
    assert "back" not in SERVICES["sandbox"]["networks"]
    with_a_way_out = {name for name, each in SERVICES.items() if "outside" in each["networks"]}
    line = {"notify-worker", "notify-broadcasts", "notify-web"}
    others = {"edge", "points-web", "points-hooks", "sandbox", "doctor", "grafana"}
    assert with_a_way_out == others | line
    assert "back" not in SERVICES["grafana"]["networks"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_process_has_its_own_role_and_no_other(name: str) -> None:
    environment: dict[str, str] = SERVICES[name]["environment"]
    role = ROLES.get(name)
    url = environment.get("DATABASE_URL")
    assert (url is None) == (role is None)
    if url is not None and role is not None:
        password = "POSTGRES_PASSWORD" if role == "postgres" else f"{role[7:].upper()}_DB_PASSWORD"
        assert url.startswith(f"postgresql://{role}:${{{password}:?")
    passwords = set(re.findall(r"\{(\w+_DB_PASSWORD)", str(environment)))
    assert len(passwords) == (
        4 if name in ("migrate", "doctor") else int(role not in (None, "postgres"))
    )


def test_processes_start_after_the_migrations() -> None:
    for name, service in OURS.items():
        if name not in ("migrate", "sandbox", "doctor"):
            condition = service["depends_on"]["migrate"]["condition"]
            assert condition == "service_completed_successfully", name
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def test_every_variable_is_explained_and_every_explained_one_is_used() -> None:
    used = {name for name, _, _ in variables()}
    assert used | {"COMPOSE_PROFILES"} == set(example())


@pytest.mark.parametrize(("name", "kind", "rest"), sorted(set(variables())))
def test_defaults_are_the_example_and_secrets_have_none(name: str, kind: str, rest: str) -> None:
    if SECRET.search(name):
        assert kind == "?" or (kind, rest) == ("-", "")
    if kind == "?":
        assert name in rest, "the message names the variable"
        assert example()[name] == ""
    else:
        assert example()[name] == rest


@pytest.mark.parametrize(("name", "settings"), SETTINGS.items())
def test_each_process_is_given_what_it_requires_and_nothing_that_it_does_not_know(
    name: str, settings: type[BaseSettings]
) -> None:
    fields = {field.upper(): value for field, value in settings.model_fields.items()}
    given = set(SERVICES[name]["environment"])
    assert {field for field, value in fields.items() if value.is_required()} <= given
    assert given <= set(fields)


def test_compose_itself_accepts_the_file(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    plugin = docker and subprocess.run(
        [docker, "compose", "version"], capture_output=True, check=False
    )
    if not docker or not plugin or plugin.returncode != 0:
        pytest.skip("Docker's compose plugin is not installed; the other tests read the file")
    filled = "".join(f"{name}={value or 'x1'}\n" for name, value in example().items())
    (tmp_path / "env").write_text(filled)
    arguments = ["--env-file", str(tmp_path / "env"), "--profile", "demo", "config", "-q"]
    subprocess.run([docker, "compose", *arguments], cwd=ROOT, check=True, capture_output=True)
