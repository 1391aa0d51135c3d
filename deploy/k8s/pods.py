"""What every pod must be: held in, watched, limited, and given time to end. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from deploy.k8s.rendering import WORKLOADS, Resource, name_of, of_kind, template_of
from shared.process import DRAIN_SECONDS

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
MAY_WRITE = {"StatefulSet/rabbitmq": "the image writes beside its settings"}
MAY_ADD = {"Deployment/edge": ["NET_BIND_SERVICE"]}
"""Caddy carries this capability in the file system; the restricted profile allows no other."""
VOLUMES = {"name", "emptyDir", "configMap", "secret", "persistentVolumeClaim"}
PINNED = re.compile(r"[^:]+:\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?")
OURS = "registry.invalid/tamaru"
"""The product's own image, under a name that no registry has: an installation gives its own."""


def problems(resources: list[Resource]) -> Iterator[str]:
    """What is wrong with any pod, each with where."""
    for workload in of_kind(resources, *WORKLOADS):
        where = name_of(workload)
        pod = template_of(workload)["spec"]
        for problem in _pod(where, pod):
            yield f"{where}: {problem}"
        for container in pod.get("initContainers", []) + pod["containers"]:
            for problem in _container(where, container):
                yield f"{where}: container {container['name']}: {problem}"
        if workload["kind"] not in ("Job", "CronJob"):
            for container in pod["containers"]:
                for problem in _lasting(container):
                    yield f"{where}: container {container['name']}: {problem}"


def _pod(where: str, pod: dict[str, Any]) -> Iterator[str]:
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
        yield "securityContext must have runAsNonRoot and the id of a user that is not root"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "securityContext must have seccompProfile RuntimeDefault"
    if pod.get("automountServiceAccountToken") is not False:
        yield "automountServiceAccountToken must be false: no process of ours asks the cluster"
    if pod.get("enableServiceLinks") is not False:
        yield "enableServiceLinks must be false: its variables would be taken for settings"
    for word in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(word):
            yield f"{word} is not for us"
    for volume in pod.get("volumes", []):
        if unknown := set(volume) - VOLUMES:
            yield f"volume {volume['name']} is of a kind that nothing here needs: {unknown}"
        if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
            yield f"volume {volume['name']} needs a sizeLimit"
    yield from _ending(where, pod)


def _ending(where: str, pod: dict[str, Any]) -> Iterator[str]:
    """A process drains for at most 20 s after what a hook waits before."""
    if where.startswith(("Job/", "CronJob/")):
        return
    hooks = [each.get("lifecycle", {}).get("preStop", {}) for each in pod["containers"]]
    needed = DRAIN_SECONDS + max(hook.get("sleep", {}).get("seconds", 0) for hook in hooks)
    if pod.get("terminationGracePeriodSeconds", 30) <= needed:
        yield f"terminationGracePeriodSeconds must be more than the {needed} s it may take to end"


def _container(where: str, container: dict[str, Any]) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False:
        yield "securityContext must have allowPrivilegeEscalation false"
    capabilities = context.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"]:
        yield "securityContext must drop ALL capabilities"
    if capabilities.get("add", []) != MAY_ADD.get(where, []):
        yield f"securityContext adds capabilities: {capabilities['add']}"
    if not context.get("readOnlyRootFilesystem") and where not in MAY_WRITE:
        yield "securityContext must have readOnlyRootFilesystem"
    if context.get("privileged"):
        yield "privileged is not for us"
    resources = container.get("resources", {})
    for kind in ("requests", "limits"):
        for what in ("cpu", "memory"):
            if not resources.get(kind, {}).get(what):
                yield f"resources must have {kind}.{what}"
    image = container.get("image", "")
    if image != OURS and not PINNED.fullmatch(image):
        yield f"image {image} is not pinned to a release"


def _lasting(container: dict[str, Any]) -> Iterator[str]:
    """What only a container that runs on must have."""
    for probe in PROBES:
        if probe not in container:
            yield f"no {probe}"
    names = {port["name"] for port in container.get("ports", [])}
    for probe in PROBES:
        for way in ("httpGet", "tcpSocket"):
            port = container.get(probe, {}).get(way, {}).get("port")
            if port is not None and port not in names:
                yield f"{probe} asks port {port}, which is none of {sorted(names)}"
