"""Is a version replaced without a gap? Pure.

New pods wait for their migrations, are ready once the servers answered, and only then an old one
goes; web ones are told of it after the edge has stopped asking them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.k8s.rendering import Resource, labels_of, of_kind

NO_GAP = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def problems(resources: list[Resource]) -> Iterator[str]:
    """Deployments of ours that would be replaced with a gap, each with where."""
    for deployment in of_kind(resources, "Deployment"):
        labels = labels_of(deployment)
        kind = labels.get("app.kubernetes.io/component")
        if kind in ("process", "edge"):
            for problem in _deployment(deployment, kind, labels):
                yield f"Deployment/{deployment['metadata']['name']}: {problem}"


def _deployment(deployment: Resource, kind: str, labels: Mapping[str, str]) -> Iterator[str]:
    pod = deployment["spec"]["template"]["spec"]
    if deployment["spec"].get("strategy") != NO_GAP:
        yield "strategy must be RollingUpdate with maxSurge 1 and maxUnavailable 0"
    web = "tamaru/web" in labels
    if (web or kind == "edge") and not _sleeps(pod["containers"][0]):
        yield "a pod that is asked over HTTP needs a preStop that sleeps"
    if kind == "process":
        yield from _probes(pod["containers"][0], web)
        yield from _waits(pod, labels.get("tamaru/service", ""))


def _sleeps(container: Mapping[str, Any]) -> bool:
    hook = container.get("lifecycle", {}).get("preStop", {})
    return bool(hook.get("sleep", {}).get("seconds", 0) > 0)


def _probes(container: Mapping[str, Any], web: bool) -> Iterator[str]:
    """docs/decisions/0024: a shared server that is away must not take all web pods away."""
    wanted = {
        "startupProbe": "/readyz",
        "readinessProbe": "/healthz" if web else "/readyz",
        "livenessProbe": "/healthz",
    }
    for probe, path in wanted.items():
        asked = container.get(probe, {}).get("httpGet", {}).get("path")
        if asked != path:
            yield f"{probe} must ask {path}, not {asked}"


def _waits(pod: Mapping[str, Any], service: str) -> Iterator[str]:
    commands = [each.get("command") for each in pod.get("initContainers", [])]
    if ["tamaru", "wait-migrated", service] not in commands:
        yield f"no init container waits for the migrations of {service}"
