"""deploy/k8s: the overlays are right, and what checks them says so when they are not."""

import copy
from pathlib import Path

import pytest

from deploy.k8s import agreement, check, pods, references, rollout, schemas, traffic
from deploy.k8s.rendering import (
    OVERLAYS,
    DoesNotRender,
    Resource,
    find,
    of_kind,
    render,
    template_of,
)
from tests.unit.deploy.overlays import (
    Change,
    container,
    deployment,
    pod,
    rendered,
    setting,
    with_secret,
    without,
    without_setting,
    without_variable,
)

SERVICES = agreement.compose()


@pytest.fixture(params=OVERLAYS)
def resources(request: pytest.FixtureRequest) -> list[Resource]:
    return copy.deepcopy(rendered(request.param))


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
    "a doctor that does not know whom to ask": (
        lambda r: [
            template_of(each)["spec"]["containers"][0]["env"].pop()
            for each in of_kind(r, "CronJob")
            if each["metadata"]["name"] == "doctor"
        ],
        "CronJob/doctor: is not given SCHEDULER_WEB_URL",
    ),
    "another Caddyfile": (
        lambda r: [each["data"].update(Caddyfile="") for each in of_kind(r, "ConfigMap")],
        "has another Caddyfile",
    ),
    "another Caddy": (
        lambda r: container(r, "edge").update(image="caddy:2.11.3-alpine"),
        "has the image caddy:2.11.3-alpine, deploy/edge/Dockerfile another",
    ),
    "another version of a server": (
        lambda r: container(r, "valkey").update(image="valkey/valkey:9.0.0-alpine"),
        "valkey: image valkey/valkey:9.0.0-alpine, docker-compose.yml",
    ),
    "a database without what compose tells it": (
        lambda r: template_of(find(r, "StatefulSet", "postgres"))["spec"]["containers"][0][  # type: ignore[arg-type]
            "args"
        ].remove("-cjit=off"),
        "StatefulSet/postgres: -cjit=off stands here or in docker-compose.yml only",
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
    "nobody to encrypt it to": (
        lambda r: template_of(find(r, "CronJob", "backup"))["spec"]["containers"][0].update(env=[]),  # type: ignore[arg-type]
        "CronJob/backup: is not given BACKUP_RECIPIENTS",
    ),
    "nobody to list who was erased": (
        lambda r: without(r, "CronJob", "erased"),
        "CronJob/erased: missing",
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
