"""What deploy/k8s promises elsewhere: in docs/kubernetes.md, docs/operate.md, to the database."""

import json
import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest
import yaml

from deploy.k8s import check, pods, references
from deploy.k8s.rendering import (
    OVERLAYS,
    WORKLOADS,
    Resource,
    find,
    labels_of,
    of_kind,
    render,
    template_of,
)
from services.notify.__main__ import PROCESSES as NOTIFY
from services.points.__main__ import PROCESSES as POINTS
from tests.unit.deploy.overlays import container, rendered

ROOT = Path(__file__).parents[3]
DEFAULT_POOL = 4
OWN_CONNECTIONS = 20
"""Of the database's: its own, an administrator's, the migrations'."""


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


def test_other_numbers_are_a_patch_as_the_page_says(tmp_path: Path) -> None:
    overlays = os.path.relpath(ROOT / "deploy" / "k8s" / "overlays", tmp_path.resolve())
    told = f"resources: [{overlays}/production]\n" + block("numbers")
    (tmp_path / "kustomization.yaml").write_text(told)
    resources = render(tmp_path)
    web, scaled = (
        find(resources, "Deployment", "points-web"),
        find(resources, "ScaledObject", "points-awards"),
    )
    assert web is not None
    assert scaled is not None
    assert (web["spec"]["replicas"], scaled["spec"]["maxReplicaCount"]) == (4, 10)


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
            if kind == "secret" and not key.endswith("_OLD"):  # those only while a key changes
                assert key in made_in[name], (name, key)


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


def test_the_page_hands_the_alerts_over_whole(tmp_path: Path) -> None:
    (tmp_path / "tamaru").symlink_to(ROOT)
    script = block("alerts").replace("| kubectl apply -f -", "> told")
    subprocess.run(["sh", "-euc", script], cwd=tmp_path, check=True)
    told = yaml.safe_load((tmp_path / "told").read_text())
    assert told["kind"] == "PrometheusRule"
    alerts = yaml.safe_load((ROOT / "deploy" / "observe" / "alerts.yml").read_text())
    assert told["spec"] == alerts


def test_the_broker_has_the_settings_of_compose() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    held = [each["data"] for each in of_kind(rendered("small"), "ConfigMap")]
    assert {"90-tamaru.conf": compose["configs"]["rabbitmq"]["content"]} in held


TALKS = {
    "Valkey": "tamaru/reaches-cache",
    "LINE": "tamaru/reaches-line",
    "your systems": "tamaru/reaches-hooks",
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_process_reaches_what_operate_md_says(overlay: str) -> None:
    resources = rendered(overlay)
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
