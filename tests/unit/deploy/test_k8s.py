"""deploy/k8s: the overlays are right, and what checks them says so when they are not."""

import copy
import json
import os
import re
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy.k8s import agreement, check, pods, references, rollout, schemas, traffic
from deploy.k8s.rendering import (
    OVERLAYS,
    WORKLOADS,
    DoesNotRender,
    Resource,
    find,
    labels_of,
    of_kind,
    overlay,
    render,
    template_of,
)
from services.notify.__main__ import PROCESSES as NOTIFY
from services.points.__main__ import PROCESSES as POINTS

ROOT = Path(__file__).parents[3]
SERVICES = agreement.compose()
DEFAULT_POOL = 4
OWN_CONNECTIONS = 20
"""Of the database's: its own, an administrator's, the migrations'."""

Change = Callable[[list[Resource]], object]


@cache
def rendered(name: str) -> list[Resource]:
    """Shared by all tests: to be copied before it is changed."""
    return overlay(name)


@pytest.fixture(params=OVERLAYS)
def resources(request: pytest.FixtureRequest) -> list[Resource]:
    return copy.deepcopy(rendered(request.param))


def deployment(resources: list[Resource], name: str) -> Resource:
    found = find(resources, "Deployment", name)
    assert found is not None, name
    return found


def pod(resources: list[Resource], name: str = "points-web") -> dict[str, Any]:
    spec: dict[str, Any] = deployment(resources, name)["spec"]["template"]["spec"]
    return spec


def container(resources: list[Resource], name: str = "points-web") -> dict[str, Any]:
    first: dict[str, Any] = pod(resources, name)["containers"][0]
    return first


def without_variable(resources: list[Resource], name: str, of: str) -> None:
    held = container(resources, of)
    held["env"] = [each for each in held["env"] if each["name"] != name]


def without_setting(resources: list[Resource], name: str) -> None:
    for settings in of_kind(resources, "ConfigMap"):
        settings["data"].pop(name, None)


def without(resources: list[Resource], kind: str, name: str) -> None:
    resources.remove(find(resources, kind, name))  # type: ignore[arg-type]


def with_secret(resources: list[Resource], name: str, of: str) -> None:
    reference = {"secretKeyRef": {"name": "tamaru", "key": name}}
    container(resources, of)["env"].append({"name": name, "valueFrom": reference})


def setting(resources: list[Resource], name: str, value: str) -> None:
    for settings in of_kind(resources, "ConfigMap"):
        if name in settings["data"]:
            settings["data"][name] = value


def test_nothing_is_wrong(resources: list[Resource]) -> None:
    assert list(check.problems(resources)) == []


CHANGES: dict[str, tuple[Change, str]] = {
    "a process is missing": (
        lambda r: without(r, "Deployment", "points-hooks"),
        "Deployment/points-hooks: missing",
    ),
    "a process that nobody knows": (
        lambda r: deployment(r, "points-hooks")["metadata"].update(name="points-hook"),
        "Deployment/points-hook: no such process",
    ),
    "another command": (
        lambda r: container(r).update(command=["python", "-m", "services.points", "awards"]),
        "Deployment/points-web: runs",
    ),
    "a probe is missing": (lambda r: container(r).pop("livenessProbe"), "no livenessProbe"),
    "a probe asks nobody": (
        lambda r: container(r)["livenessProbe"]["httpGet"].update(port="htp"),
        "livenessProbe asks port htp",
    ),
    "web pods leave with the broker": (
        lambda r: container(r)["readinessProbe"]["httpGet"].update(path="/readyz"),
        "readinessProbe must ask /healthz",
    ),
    "a limit is missing": (
        lambda r: container(r)["resources"]["limits"].pop("memory"),
        "container process: resources must have limits.memory",
    ),
    "an init container without limits": (
        lambda r: pod(r)["initContainers"][0].pop("resources"),
        "container migrated: resources must have limits.cpu",
    ),
    "root": (
        lambda r: pod(r)["securityContext"].pop("runAsNonRoot"),
        "securityContext must have runAsNonRoot",
    ),
    "a file system that can be written": (
        lambda r: container(r)["securityContext"].pop("readOnlyRootFilesystem"),
        "must have readOnlyRootFilesystem",
    ),
    "capabilities": (
        lambda r: container(r)["securityContext"]["capabilities"].update(add=["NET_RAW"]),
        "adds capabilities",
    ),
    "no seccomp profile": (lambda r: pod(r)["securityContext"].pop("seccompProfile"), "seccomp"),
    "a token for the cluster": (
        lambda r: pod(r).pop("automountServiceAccountToken"),
        "automountServiceAccountToken must be false",
    ),
    "a host's folder": (
        lambda r: pod(r)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
        "volume x is of a kind that nothing here needs",
    ),
    "no time to drain": (
        lambda r: pod(r).update(terminationGracePeriodSeconds=25),
        "terminationGracePeriodSeconds must be more than the 25 s",
    ),
    "an image of any version": (
        lambda r: container(r, "edge").update(image="caddy:latest"),
        "image caddy:latest is not pinned",
    ),
    "a setting is missing": (
        lambda r: without_setting(r, "LINE_RATE_PER_SECOND"),
        "Deployment/notify-worker: is not given LINE_RATE_PER_SECOND",
    ),
    "another default": (
        lambda r: setting(r, "RATE_LIMIT_PER_SECOND", "5"),
        "is given RATE_LIMIT_PER_SECOND=5, by docker-compose.yml 50",
    ),
    "a secret is missing": (
        lambda r: without_variable(r, "SESSION_KEY", "points-web"),
        "Deployment/points-web: is not given the secret SESSION_KEY",
    ),
    "a secret too many": (
        lambda r: with_secret(r, "SESSION_KEY", "points-awards"),
        "Deployment/points-awards: is given the secret SESSION_KEY without need",
    ),
    "another service's password": (
        lambda r: with_secret(r, "NOTIFY_DB_PASSWORD", "points-awards"),
        "may have POINTS_DB_PASSWORD only",
    ),
    "another service's role": (
        lambda r: container(r)["env"].append(
            {"name": "DATABASE_URL", "value": "postgresql://tamaru_notify:x@postgres/tamaru"}
        ),
        "connects as another role than tamaru_points",
    ),
    "a password that is not filled in": (
        lambda r: container(r)["env"].reverse(),
        "REDIS_URL needs VALKEY_PASSWORD before it",
    ),
    "another Caddyfile": (
        lambda r: [each["data"].update(Caddyfile="") for each in of_kind(r, "ConfigMap")],
        "has another Caddyfile",
    ),
    "a gap while it is replaced": (
        lambda r: deployment(r, "points-web")["spec"].pop("strategy"),
        "strategy must be RollingUpdate",
    ),
    "requests to a pod that has gone": (
        lambda r: container(r, "edge").pop("lifecycle"),
        "needs a preStop that sleeps",
    ),
    "a start on an old schema": (
        lambda r: pod(r).pop("initContainers"),
        "no init container waits for the migrations of points",
    ),
    "everybody may talk": (
        lambda r: without(r, "NetworkPolicy", "nobody"),
        "none shuts every pod",
    ),
    "everybody may leave": (
        lambda r: find(r, "NetworkPolicy", "names")["spec"]["egress"].append({}),  # type: ignore[index]
        "opens more than name resolution",
    ),
    "a way to the internet without need": (
        lambda r: deployment(r, "points-awards")["spec"]["template"]["metadata"]["labels"].update(
            {"tamaru/reaches-line": "true"}
        ),
        "Deployment/points-awards: one of",
    ),
    "no way to the cache": (
        lambda r: deployment(r, "points-web")["spec"]["template"]["metadata"]["labels"].pop(
            "tamaru/reaches-cache"
        ),
        "label tamaru/reaches-cache is missing",
    ),
    "a policy for nobody": (
        lambda r: find(r, "NetworkPolicy", "web")["spec"].update(  # type: ignore[index]
            podSelector={"matchLabels": {"tamaru/wbe": "true"}}
        ),
        "NetworkPolicy/web: {'tamaru/wbe': 'true'} are no pod's labels",
    ),
    "a secret's value": (
        lambda r: r.append({"kind": "Secret", "metadata": {"name": "tamaru"}}),
        "Secret/tamaru: no secret's value may stand in the repository",
    ),
    "a setting of a ConfigMap that is not there": (
        lambda r: without_setting(r, "DATABASE_SERVER"),
        "has no DATABASE_SERVER",
    ),
    "a service without pods": (
        lambda r: find(r, "Service", "edge")["spec"].update(selector={"a": "b"}),  # type: ignore[index]
        "Service/edge: no pod is behind it",
    ),
}


def quick_problems(resources: list[Resource]) -> list[str]:
    """All but the schemas', which have a test of their own."""
    found = [*pods.problems(resources), *rollout.problems(resources)]
    found += references.problems(resources)
    found += agreement.problems(resources, SERVICES)
    return found + list(traffic.problems(resources, SERVICES))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_for_the_worse_is_told(change: str) -> None:
    resources = copy.deepcopy(rendered("small"))
    make, told = CHANGES[change]
    make(resources)
    found = quick_problems(resources)
    assert any(told in problem for problem in found), found


SCALING: dict[str, tuple[Change, str]] = {
    "a queue that nobody reads": (
        lambda r: of_kind(r, "ScaledObject")[0]["spec"]["triggers"][0]["metadata"].update(
            queueName="tamaru.notify.mesages"
        ),
        "no process reads a queue tamaru.notify.mesages",
    ),
    "nobody to scale": (
        lambda r: of_kind(r, "ScaledObject")[0]["spec"]["scaleTargetRef"].update(name="x"),
        "there is no Deployment x",
    ),
    "a number that fights the scaling": (
        lambda r: deployment(r, "points-awards")["spec"].update(replicas=2),
        "ScaledObject/points-awards: its Deployment must not have replicas",
    ),
    "a budget that keeps a node for ever": (
        lambda r: of_kind(r, "PodDisruptionBudget")[0]["spec"].update(maxUnavailable=0),
        "maxUnavailable must be 1",
    ),
}


@pytest.mark.parametrize("change", SCALING)
def test_a_change_to_the_scaling_is_told(change: str) -> None:
    resources = copy.deepcopy(rendered("production"))
    make, told = SCALING[change]
    make(resources)
    found = list(references.problems(resources))
    assert any(told in problem for problem in found), found


BACKUPS: dict[str, tuple[Change, str]] = {
    "a volume that nobody makes": (
        lambda r: without(r, "PersistentVolumeClaim", "backups"),
        "CronJob/backup: there is no PersistentVolumeClaim backups",
    ),
    "a pod of a CronJob is held in, too": (
        lambda r: template_of(find(r, "CronJob", "backup"))["spec"].pop("securityContext"),  # type: ignore[arg-type]
        "CronJob/backup: securityContext must have runAsNonRoot",
    ),
    "no way to the database": (
        lambda r: template_of(find(r, "CronJob", "backup"))["metadata"].update(labels={}),  # type: ignore[arg-type]
        "CronJob/backup: label app.kubernetes.io/component must be admin",
    ),
}


@pytest.mark.parametrize("change", BACKUPS)
def test_a_change_to_the_backups_is_told(change: str) -> None:
    resources = copy.deepcopy(rendered("small"))
    make, told = BACKUPS[change]
    make(resources)
    found = quick_problems(resources)
    assert any(told in problem for problem in found), found


SHAPES: dict[str, tuple[Change, str]] = {
    "Kubernetes has no such field": (
        lambda r: pod(r).update(terminationGracePeriod=3),
        "Deployment/points-web: Kubernetes 1.37: spec.template.spec",
    ),
    "a wrong type": (
        lambda r: find(r, "Service", "edge")["spec"].update(ports="80"),  # type: ignore[index]
        "Service/edge: Kubernetes 1.31: spec.ports",
    ),
    "an operator has no such field": (
        lambda r: find(r, "Certificate", "edge")["spec"].update(dnsName="x"),  # type: ignore[index]
        "Certificate/edge: spec",
    ),
    "an operator's field has another type": (
        lambda r: find(r, "Cluster", "postgres")["spec"].update(instances="3"),  # type: ignore[index]
        "Cluster/postgres: spec.instances",
    ),
    "a trigger without a threshold": (
        lambda r: [
            trigger["metadata"].pop("threshold", None)
            for each in of_kind(r, "ScaledObject")
            for trigger in each["spec"]["triggers"]
        ],
        "'threshold' is a required property",
    ),
    "a trigger with a word of nobody's": (
        lambda r: of_kind(r, "ScaledObject")[0]["spec"]["triggers"][0]["metadata"].update(
            queue="x"
        ),
        "'queue' was unexpected",
    ),
    "a kind that nobody knows": (
        lambda r: find(r, "Certificate", "edge").update(kind="Certifikate"),  # type: ignore[union-attr]
        "nobody here knows cert-manager.io/v1 Certifikate",
    ),
}


@pytest.mark.parametrize("change", SHAPES)
def test_a_shape_that_no_cluster_accepts_is_told(change: str) -> None:
    resources = copy.deepcopy(rendered("production"))
    make, told = SHAPES[change]
    make(resources)
    changed = [each for each in resources if each not in rendered("production")]
    found = list(schemas.problems(changed))
    assert any(told in problem for problem in found), found


def block(mark: str) -> str:
    """The block under `<!-- mark -->` of docs/kubernetes.md."""
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    found = re.search(rf"<!-- {mark} -->\s*```\w+\n(.*?)```", page, re.DOTALL)
    assert found, mark
    return textwrap.dedent(found[1])


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_folder_that_the_page_describes_renders_as_it_says(name: str, tmp_path: Path) -> None:
    clone = os.path.relpath(ROOT, tmp_path.resolve())
    told = (
        block("overlay")
        .replace("[tamaru/", f"[{clone}/")
        .replace("overlays/small", f"overlays/{name}")
    )
    (tmp_path / "kustomization.yaml").write_text(told)
    (tmp_path / "settings.env").write_text(block("settings"))
    resources = render(tmp_path)
    assert list(check.problems(with_the_image(resources))) == []
    ingress, certificate = (
        find(resources, "Ingress", "edge"),
        find(resources, "Certificate", "edge"),
    )
    assert ingress is not None
    assert certificate is not None
    assert ingress["spec"]["rules"][0]["host"] == "points.example.jp"
    assert ingress["spec"]["tls"][0]["hosts"] == ["points.example.jp"]
    assert certificate["spec"]["dnsNames"] == ["points.example.jp"]
    settings = next(each for each in of_kind(resources, "ConfigMap") if "LIFF_ID" in each["data"])
    assert settings["data"]["LIFF_ID"] == "2000000001-ZyXwVuTs"
    assert "registry.invalid" not in str(resources)


def with_the_image(resources: list[Resource]) -> list[Resource]:
    """The same, but for the image's name, which the checks know under none."""
    text = json.dumps(resources).replace("registry.example.jp/tamaru:0.1.0", pods.OURS)
    renamed: list[Resource] = json.loads(text)
    return renamed


def test_the_page_makes_every_secret_that_an_overlay_needs() -> None:
    made = set(re.findall(r"--from-(?:literal|file)=(\w+)", block("secrets")))
    made_in = {"tamaru": made, "postgres-app": made, "rabbitmq-default-user": made}
    for workload in of_kind(rendered("small"), *WORKLOADS):
        for kind, name, key in references.named(template_of(workload)["spec"]):
            assert kind != "secret" or key in made_in[name], (name, key)


def test_what_does_not_render_is_told_in_kustomizes_words(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [nothing.yaml]\n")
    with pytest.raises(DoesNotRender, match=r"nothing\.yaml"):
        render(tmp_path)


def test_the_command_says_what_is_wrong_and_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = copy.deepcopy(rendered("small"))
    container(broken).pop("livenessProbe")
    monkeypatch.setattr(check, "overlay", lambda name: broken if name == "small" else [])
    monkeypatch.setattr(check, "OVERLAYS", ("small",))
    assert check.main() == 1
    told = "small: Deployment/points-web: container process: no livenessProbe"
    assert told in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_database_has_connections_for_all_at_their_most(name: str) -> None:
    """While they are replaced, too: one more of each."""
    resources = rendered(name)
    most = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["maxReplicaCount"]
        for each in of_kind(resources, "ScaledObject")
    }
    pools = {f"points-{mode}": rest[2] for mode, rest in POINTS.items()}
    pools |= {f"notify-{mode}": rest[2] for mode, rest in NOTIFY.items()}
    needed = OWN_CONNECTIONS
    for each in of_kind(resources, "Deployment"):
        process = each["metadata"]["name"]
        if labels_of(each)["app.kubernetes.io/component"] == "process":
            count = most.get(process, each["spec"].get("replicas", 1))
            needed += (count + 1) * pools.get(process, DEFAULT_POOL)
    assert needed <= connections(resources), needed


def connections(resources: list[Resource]) -> int:
    """What the overlay's database allows."""
    if cluster := find(resources, "Cluster", "postgres"):
        return int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    server = find(resources, "StatefulSet", "postgres")
    assert server is not None
    said = " ".join(server["spec"]["template"]["spec"]["containers"][0]["args"])
    found = re.search(r"max_connections=(\d+)", said)
    assert found
    return int(found[1])


def test_a_query_asks_for_what_some_process_shows() -> None:
    sources = [file.read_text() for file in (ROOT / "shared").rglob("*.py")]
    sources += [file.read_text() for file in (ROOT / "services").rglob("*.py")]
    shown = set(re.findall(r'"(tamaru_[a-z_]+)"', "\n".join(sources)))
    for scaled in of_kind(rendered("production"), "ScaledObject"):
        for trigger in scaled["spec"]["triggers"]:
            asked = set(re.findall(r"tamaru_[a-z_]+", trigger["metadata"].get("query", "")))
            assert asked <= shown, asked - shown


TALKS = {
    "Valkey": "tamaru/reaches-cache",
    "LINE": "tamaru/reaches-line",
    "your systems": "tamaru/reaches-hooks",
}


def test_each_process_reaches_what_operate_md_says(resources: list[Resource]) -> None:
    page = (ROOT / "docs" / "operate.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
    talks = {name: [each.strip() for each in said.split(",")] for name, said in rows}
    for each in of_kind(resources, "Deployment"):
        name, labels = each["metadata"]["name"], labels_of(each)
        if labels["app.kubernetes.io/component"] == "process":
            said = {word for word, label in TALKS.items() if labels.get(label) == "true"}
            assert set(talks[name]) == said | {"PostgreSQL", "RabbitMQ"}, name
    upstreams = {
        each["value"].partition(":")[0]
        for each in container(resources, "edge")["env"]
        if each["name"].endswith("_UPSTREAM")
    }
    assert set(talks["edge"]) == upstreams
