"""Kubernetes runs what docker-compose.yml and the local start run.

The same processes, with the same commands, settings and secrets, each with its own database role
only. Pure but for `compose` and the edge's files.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from deploy.k8s.rendering import Resource, find, labels_of, of_kind, template_of
from deploy.local.layout import ROOT
from deploy.local.processes import PROCESSES

NOT_HERE = {"demo", "sandbox"}
"""What stands in for LINE belongs into no cluster, and a first shop is made by hand."""

LOGINS = {"RABBITMQ_USERNAME", "POSTGRES_USER"}
"""Names that come with a password: in compose they stand in the URL."""

OVERLAYS_SAY = {
    "PUBLIC_URL",
    "LINE_LOGIN_CHANNEL_ID",
    "LIFF_ID",
    "LINE_BASIC_ID",
    "LINE_API_BASE",
}
"""Settings that name an installation; every other one has the default of compose."""

EDGE = ROOT / "deploy" / "edge"

FOR_BACKUPS = {"BACKUP_RECIPIENTS"}
"""In compose a backup runs in `migrate`, here in a CronJob of its own, where there is one."""

_VARIABLE = re.compile(r"^\$\{(?P<name>\w+):(?P<kind>[-?])(?P<rest>[^}]*)\}$")
_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY(_OLD)?$")
_REFERENCE = re.compile(r"\$\((\w+)\)")


def compose() -> dict[str, dict[str, Any]]:
    """The services of docker-compose.yml."""
    services: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
        "services"
    ]
    return services


def problems(resources: list[Resource], services: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Where the two say different things, each with where."""
    for process in PROCESSES:
        if process.name in NOT_HERE:
            continue
        kind = "Job" if process.one_shot else "Deployment"
        workload = find(resources, kind, process.name)
        if workload is None:
            yield f"{kind}/{process.name}: missing; docker-compose.yml runs it"
            continue
        for problem in _workload(workload, services[process.name], resources):
            yield f"{kind}/{process.name}: {problem}"
    doctor = find(resources, "CronJob", "doctor")
    for problem in _workload(doctor, services["doctor"], resources) if doctor else ["missing"]:
        yield f"CronJob/doctor: {problem}"
    backup = find(resources, "CronJob", "backup")
    if backup is not None:
        given = _given(template_of(backup)["spec"]["containers"][0], resources)
        for name in sorted(FOR_BACKUPS - set(given)):
            yield f"CronJob/backup: is not given {name}, as `migrate` in docker-compose.yml"
        if find(resources, "CronJob", "erased") is None:
            yield "CronJob/erased: missing; docs/backup.md runs it each hour beside the backups"
    yield from _nobody_else(resources)
    yield from _servers(resources, services)


def _servers(resources: list[Resource], services: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The servers are those of compose: their version, and what they are told at their start."""
    for name, image in _images(resources):
        if _release(image) != _release(services[name]["image"]):
            yield f"{name}: image {image}, docker-compose.yml {services[name]['image']}"
    server = find(resources, "StatefulSet", "postgres")
    said = {word for word in _plain(services["postgres"]["command"]) if "archive" not in word}
    if server is not None:
        told = set(server["spec"]["template"]["spec"]["containers"][0]["args"])
        for word in sorted(told ^ (said - {"postgres"})):
            yield f"StatefulSet/postgres: {word} stands here or in docker-compose.yml only"


def _images(resources: list[Resource]) -> Iterator[tuple[str, str]]:
    """Each server with its image, whether it is ours to start or an operator's."""
    for workload in of_kind(resources, "Deployment", "StatefulSet"):
        if name := labels_of(workload).get("tamaru/server"):
            yield name, workload["spec"]["template"]["spec"]["containers"][0]["image"]
    for cluster in of_kind(resources, "Cluster"):
        yield "postgres", cluster["spec"]["imageName"]
    for cluster in of_kind(resources, "RabbitmqCluster"):
        yield "rabbitmq", cluster["spec"]["image"]


def _release(image: str) -> str:
    found = re.search(r":(\d+(?:\.\d+)+)", image)
    return found[1] if found else image


def _plain(words: list[str]) -> list[str]:
    """Words of compose with the defaults in place of variables."""
    return [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word) for word in words]


def _nobody_else(resources: list[Resource]) -> Iterator[str]:
    known = {process.name for process in PROCESSES}
    for resource in of_kind(resources, "Deployment", "Job"):
        labels = resource["metadata"].get("labels", {})
        name = resource["metadata"]["name"]
        if labels.get("app.kubernetes.io/component") != "server" and name not in known:
            yield f"{resource['kind']}/{name}: no such process in deploy/local/processes.py"


def _workload(
    workload: Resource, service: Mapping[str, Any], resources: list[Resource]
) -> Iterator[str]:
    pod = template_of(workload)["spec"]
    container = pod["containers"][0]
    if container.get("command") != service.get("command"):
        yield f"runs {container.get('command')}, docker-compose.yml {service.get('command')}"
    if workload["metadata"]["name"] == "edge":
        yield from _edge(container, pod, resources)
    for each in pod.get("initContainers", []) + pod["containers"]:
        yield from _order(each)
        yield from _role(each, workload["metadata"]["name"])
    given = _given(container, resources)
    wanted = {name: str(value) for name, value in service["environment"].items()}
    own = {"EDGE_ADDRESS"}  # in compose it may be a domain; here TLS ends before the edge
    for name in sorted(set(wanted) - set(given) - FOR_BACKUPS):
        yield f"is not given {name}, as in docker-compose.yml"
    for name in sorted(set(wanted) & set(given) - own - OVERLAYS_SAY):
        if (problem := _value(name, wanted[name], given[name])) is not None:
            yield problem
    yield from _secrets(container, wanted)


def _edge(
    container: Mapping[str, Any], pod: Mapping[str, Any], resources: list[Resource]
) -> Iterator[str]:
    """Compose builds its edge of Caddy and the Caddyfile; here both are taken as they are."""
    built_of = re.search(r"^FROM (\S+)$", (EDGE / "Dockerfile").read_text(), re.MULTILINE)
    if built_of is None or container["image"] != built_of[1]:
        yield f"has the image {container['image']}, deploy/edge/Dockerfile another"
    for volume in pod.get("volumes", []):
        name = volume.get("configMap", {}).get("name")
        held = find(resources, "ConfigMap", name) if name else None
        if held and held["data"].get("Caddyfile") != (EDGE / "Caddyfile").read_text():
            yield "has another Caddyfile than deploy/edge/Caddyfile"


def _order(container: Mapping[str, Any]) -> Iterator[str]:
    """$(NAME) is filled in only if NAME stands before it, in the same list."""
    seen: set[str] = set()
    for each in container.get("env", []):
        for name in _REFERENCE.findall(each.get("value", "")):
            if name not in seen:
                yield f"container {container['name']}: {each['name']} needs {name} before it"
        seen.add(each["name"])


def _role(container: Mapping[str, Any], name: str) -> Iterator[str]:
    env = {each["name"]: each for each in container.get("env", [])}
    passwords = {each for each in env if each.endswith("_DB_PASSWORD")}
    url = env.get("DATABASE_URL", {}).get("value", "")
    if name in ("migrate", "doctor", "edge"):
        return
    service = name.partition("-")[0]
    own = f"{service.upper()}_DB_PASSWORD"
    if passwords != {own}:
        yield f"container {container['name']}: has {sorted(passwords)}, may have {own} only"
    if not url.startswith(f"postgresql://tamaru_{service}:$({own})@"):
        yield f"container {container['name']}: connects as another role than tamaru_{service}"


def _given(container: Mapping[str, Any], resources: list[Resource]) -> dict[str, str]:
    """Every variable of a container, with its text; a secret's text is empty."""
    given: dict[str, str] = {}
    for source in container.get("envFrom", []):
        held = find(resources, "ConfigMap", source["configMapRef"]["name"])
        given |= held["data"] if held else {}
    return given | {each["name"]: each.get("value", "") for each in container.get("env", [])}


def _value(name: str, wanted: str, given: str) -> str | None:
    """Plain values and defaults are the same; URLs and secrets are looked at elsewhere."""
    variable = _VARIABLE.match(wanted)
    if "://" in wanted or _SECRET.search(name) or (variable and variable["kind"] == "?"):
        return None
    default = variable["rest"] if variable else wanted
    if given == default:
        return None
    return f"is given {name}={given}, by docker-compose.yml {default}"


def _secrets(container: Mapping[str, Any], wanted: Mapping[str, str]) -> Iterator[str]:
    """Every secret that compose gives it, and no other."""
    of_compose = {
        name
        for value in wanted.values()
        for name in re.findall(r"\$\{(\w+)", value)
        if _SECRET.search(name)
    }
    here = {
        each["name"]
        for each in container.get("env", [])
        if "secretKeyRef" in each.get("valueFrom", {})
    } - LOGINS
    for name in sorted(of_compose - here):
        yield f"is not given the secret {name}"
    for name in sorted(here - of_compose):
        yield f"is given the secret {name} without need"
