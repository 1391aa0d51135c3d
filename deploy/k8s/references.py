"""Does everything that one resource names exist? Pure."""

import re
from collections.abc import Iterator
from typing import Any

from deploy.k8s.rendering import WORKLOADS, Resource, find, name_of, of_kind, template_of
from shared.bus.topology import SUBSCRIPTIONS, Names

MADE_BY_HAND = {"tamaru", "postgres-app", "rabbitmq-default-user"}
"""Secrets that docs/kubernetes.md makes where no operator does (overlay small)."""


def problems(resources: list[Resource]) -> Iterator[str]:
    """Names that lead nowhere, each with where."""
    yield from _secrets_with_values(resources)
    for workload in of_kind(resources, *WORKLOADS):
        for problem in _workload(workload, resources):
            yield f"{name_of(workload)}: {problem}"
    for service in of_kind(resources, "Service"):
        yield from _service(service, resources)
    for budget in of_kind(resources, "PodDisruptionBudget"):
        yield from _budget(budget, resources)
    for scaled in of_kind(resources, "ScaledObject"):
        for problem in _scaled(scaled, resources):
            yield f"{name_of(scaled)}: {problem}"


def _secrets_with_values(resources: list[Resource]) -> Iterator[str]:
    for secret in of_kind(resources, "Secret"):
        yield f"{name_of(secret)}: no secret's value may stand in the repository"


def _known_secrets(resources: list[Resource]) -> set[str]:
    known = set(MADE_BY_HAND)
    known |= {each["spec"]["target"]["name"] for each in of_kind(resources, "ExternalSecret")}
    known |= {each["spec"]["secretName"] for each in of_kind(resources, "Certificate")}
    for cluster in of_kind(resources, "Cluster"):
        known |= {f"{cluster['metadata']['name']}-{end}" for end in ("app", "ca")}
    return known


def _workload(workload: Resource, resources: list[Resource]) -> Iterator[str]:
    pod = template_of(workload)["spec"]
    secrets = _known_secrets(resources)
    for kind, name, key in named(pod):
        held = find(resources, "ConfigMap", name)
        if kind == "secret" and name not in secrets:
            yield f"nobody makes the Secret {name}"
        if kind == "volume" and find(resources, "PersistentVolumeClaim", name) is None:
            yield f"there is no PersistentVolumeClaim {name}"
        if kind == "configMap" and held is None:
            yield f"there is no ConfigMap {name}"
        if kind == "configMap" and held and key and key not in held["data"]:
            yield f"the ConfigMap {name} has no {key}"


def named(pod: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every ("secret", "configMap" or "volume", name, key or "") that a pod refers to."""
    for volume in pod.get("volumes", []):
        if "configMap" in volume:
            yield "configMap", volume["configMap"]["name"], ""
        if "secret" in volume:
            yield "secret", volume["secret"]["secretName"], ""
        if "persistentVolumeClaim" in volume:
            yield "volume", volume["persistentVolumeClaim"]["claimName"], ""
    for container in pod.get("initContainers", []) + pod["containers"]:
        for source in container.get("envFrom", []):
            yield "configMap", source["configMapRef"]["name"], ""
        for variable in container.get("env", []):
            for kind, reference in variable.get("valueFrom", {}).items():
                yield kind.removesuffix("KeyRef"), reference["name"], reference["key"]


def _service(service: Resource, resources: list[Resource]) -> Iterator[str]:
    wanted = service["spec"]["selector"]
    for workload in of_kind(resources, "Deployment", "StatefulSet"):
        template = workload["spec"]["template"]
        if wanted.items() <= template["metadata"]["labels"].items():
            ports = {
                port["name"]
                for container in template["spec"]["containers"]
                for port in container.get("ports", [])
            }
            for port in service["spec"]["ports"]:
                if port["targetPort"] not in ports:
                    yield f"{name_of(service)}: its pods have no port {port['targetPort']}"
            return
    yield f"{name_of(service)}: no pod is behind it"


def _budget(budget: Resource, resources: list[Resource]) -> Iterator[str]:
    name = budget["metadata"]["name"]
    wanted = {"app.kubernetes.io/name": name}
    if budget["spec"]["selector"] != {"matchLabels": wanted}:
        yield f"{name_of(budget)}: selects something else than {name}"
    if not any(find(resources, kind, name) for kind in ("Deployment", "RabbitmqCluster")):
        yield f"{name_of(budget)}: there is no {name}"
    if budget["spec"].get("maxUnavailable") != 1:
        yield f"{name_of(budget)}: maxUnavailable must be 1, or a single pod keeps its node"


def _scaled(scaled: Resource, resources: list[Resource]) -> Iterator[str]:
    spec = scaled["spec"]
    target = find(resources, "Deployment", spec["scaleTargetRef"]["name"])
    if target is None:
        yield f"there is no Deployment {spec['scaleTargetRef']['name']}"
    elif "replicas" in target["spec"]:
        yield "its Deployment must not have replicas: each `apply` would undo the scaling"
    settings = next(
        each for each in of_kind(resources, "ConfigMap") if "BUS_NAMESPACE" in each["data"]
    )
    names = Names(settings["data"]["BUS_NAMESPACE"])
    queues = {names.queue(purpose) for purpose in SUBSCRIPTIONS}
    for trigger in spec["triggers"]:
        metadata = trigger["metadata"]
        if trigger["type"] == "rabbitmq" and metadata["queueName"] not in queues:
            yield f"no process reads a queue {metadata['queueName']}"
        for purpose in re.findall(r'queue="([^"]*)"', metadata.get("query", "")):
            if purpose not in SUBSCRIPTIONS:
                yield f"its query names a queue {purpose}, which there is not"
        login = trigger.get("authenticationRef", {}).get("name")
        if login and find(resources, "TriggerAuthentication", login) is None:
            yield f"there is no TriggerAuthentication {login}"
