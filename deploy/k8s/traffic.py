"""Who may talk to whom: nobody, but for what compose's networks and each process's settings say.

Pods say what they reach by labels, and the policies go by those. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.k8s.rendering import WORKLOADS, Resource, find, labels_of, name_of, of_kind, template_of
from deploy.local.processes import PROCESSES

OUTSIDE = {"tamaru/reaches-line", "tamaru/reaches-hooks"}
SERVERS = {"postgres", "rabbitmq", "valkey"}


def problems(resources: list[Resource], services: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What is open that should be shut, or the other way around."""
    yield from _shut_by_default(resources)
    for process in PROCESSES:
        workload = find(resources, "Deployment", process.name)
        if workload is not None and process.name != "edge":
            for problem in _labels(workload, services[process.name]):
                yield f"Deployment/{process.name}: {problem}"
    for job in of_kind(resources, "Job", "CronJob"):
        labels = template_of(job)["metadata"].get("labels", {})
        if labels.get("app.kubernetes.io/component") != "admin":
            yield f"{name_of(job)}: label app.kubernetes.io/component must be admin"
    yield from _selectors(resources)


def _shut_by_default(resources: list[Resource]) -> Iterator[str]:
    whole = [
        policy["spec"]
        for policy in of_kind(resources, "NetworkPolicy")
        if policy["spec"]["podSelector"] == {}
    ]
    shut = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    if shut not in whole:
        yield "NetworkPolicy: none shuts every pod in both directions"
    for spec in whole:
        for rule in spec.get("egress", []) + spec.get("ingress", []):
            if {port.get("port") for port in rule.get("ports", [])} != {53}:
                yield "NetworkPolicy: one opens more than name resolution for every pod"


def _labels(workload: Resource, service: Mapping[str, Any]) -> Iterator[str]:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    said = {key for key, value in labels.items() if value == "true"}
    networks = set(service["networks"])
    for label, wanted, why in (
        ("tamaru/web", "front" in networks, "the edge asks it"),
        ("tamaru/reaches-cache", "REDIS_URL" in service["environment"], "it has REDIS_URL"),
    ):
        if wanted != (label in said):
            yield f"label {label} is {'missing' if wanted else 'wrong'}: in compose {why}"
    if ("outside" in networks) != bool(said & OUTSIDE):
        yield f"one of {sorted(OUTSIDE)} exactly if compose's network `outside` is given"
    if labels.get("app.kubernetes.io/component") != "process":
        yield "label app.kubernetes.io/component must be process: the servers let in no other"


def _selectors(resources: list[Resource]) -> Iterator[str]:
    """A policy whose selector finds no pod opens nothing, and a typo looks like that."""
    pods = [template_of(each)["metadata"]["labels"] for each in of_kind(resources, *WORKLOADS)]
    pods += [_operators_pods(each) for each in of_kind(resources, "Cluster", "RabbitmqCluster")]
    for policy in of_kind(resources, "NetworkPolicy"):
        spec = policy["spec"]
        peers = [
            peer["podSelector"]
            for rule in spec.get("ingress", []) + spec.get("egress", [])
            for peer in rule.get("from", []) + rule.get("to", [])
            if "podSelector" in peer
        ]
        for selector in [spec["podSelector"], *peers]:
            wanted = selector.get("matchLabels", {})
            solver = any(key.startswith("acme.cert-manager.io/") for key in wanted)
            if not solver and not any(wanted.items() <= labels.items() for labels in pods):
                yield f"NetworkPolicy/{policy['metadata']['name']}: {wanted} are no pod's labels"


def _operators_pods(resource: Resource) -> dict[str, str]:
    """The labels that an operator gives to the pods which it makes."""
    name = resource["metadata"]["name"]
    if resource["kind"] == "RabbitmqCluster":
        own = {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "rabbitmq"}
        return labels_of(resource) | own
    inherited: dict[str, str] = resource["spec"].get("inheritedMetadata", {}).get("labels", {})
    return inherited | {"cnpg.io/cluster": name}
