"""Alerts and dashboards are code: what they ask for exists, each alert fires once by its condition,
and each has its page of what to do."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local import binaries
from deploy.local.processes import PROCESSES
from tests.metrics_in_code import ROOT, metrics

FOLDER = ROOT / "deploy" / "observe"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0][
    "rules"
]
CASES = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
RUNBOOKS = ROOT / "docs" / "runbooks"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
OTHERS = {"up", "ALERTS", "process_cpu_seconds_total", "process_resident_memory_bytes"}
"""Series of Prometheus itself and of its client library."""

LABELS = {"job", "process", "instance", "le", "severity", "alertname", "alertstate"}
"""Labels that come from scraping, from histograms and from alerts."""

WORDS = {
    *("by", "or", "and", "max", "min", "sum", "rate", "count", "absent", "time", "vector"),
    *("histogram_quantile", "clamp_min"),
}


def expressions() -> list[tuple[str, str]]:
    """(where, expression) of every alert and every panel."""
    found = [(rule["alert"], rule["expr"]) for rule in RULES]
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            found += [(panel["title"], each["expr"]) for each in panel.get("targets", [])]
    return found


def promtool() -> Path:
    found = binaries.find("promtool")
    assert found, "install the distribution's package prometheus: make test does"
    return found


def run(*words: str) -> None:
    done = subprocess.run([promtool(), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_an_expression_uses_only_metrics_and_labels_that_there_are(
    where: str, expression: str
) -> None:
    known = {series: set(metric.labels) for metric in metrics() for series in metric.series}
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\[\w+\]", "", bare)
    for name, matchers in re.findall(r"([a-zA-Z_]\w*)\{([^}]*)\}", bare):
        assert name in known or name in OTHERS, name
        for label in re.findall(r"(\w+)\s*(?:=|!=|=~|!~)", matchers):
            assert label in known.get(name, set()) | LABELS, f"{name} has no {label}"
    grouped = {
        word for each in re.findall(r"by \(([^)]*)\)", bare) for word in each.split(", ") if word
    }
    bare = re.sub(r"\{[^}]*\}|by \([^)]*\)", " ", bare)
    used = set(re.findall(r"[a-zA-Z_]\w*", bare)) - WORDS
    assert used <= set(known) | OTHERS
    assert grouped <= set().union(*(known.get(name, set()) for name in used)) | LABELS


def test_the_rules_and_all_expressions_parse(tmp_path: Path) -> None:
    run("check", "rules", str(FOLDER / "alerts.yml"))
    recorded = [
        {"record": f"tamaru:{number}", "expr": expression}
        for number, (_, expression) in enumerate(expressions())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": recorded}]}))
    run("check", "rules", "--lint=none", str(file))


def test_each_alert_fires_by_its_condition_and_none_over_a_healthy_shop() -> None:
    run("test", "rules", str(FOLDER / "alerts_test.yml"))
    names = {rule["alert"] for rule in RULES}
    healthy, *others = CASES
    assert {each["alertname"] for each in healthy["alert_rule_test"]} == names
    assert not any(each.get("exp_alerts") for each in healthy["alert_rule_test"])
    fired = Counter(
        each["alertname"]
        for case in others
        for each in case["alert_rule_test"]
        if each["exp_alerts"]
    )
    assert set(fired) == names


def test_prometheus_reads_its_configuration(tmp_path: Path) -> None:
    text = (FOLDER / "prometheus.yml").read_text()
    file = tmp_path / "prometheus.yml"
    file.write_text(text.replace("/etc/prometheus/alerts.yml", str(FOLDER / "alerts.yml")))
    run("check", "config", str(file))


def test_every_process_is_scraped_and_missed_when_it_is_gone() -> None:
    ours = {each.name for each in PROCESSES if each.role not in ("", "admin")}
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert set(config["scrape_configs"][0]["dns_sd_configs"][0]["names"]) == ours
    [down] = [rule for rule in RULES if rule["alert"] == "TamaruProcessDown"]
    assert set(re.findall(r'process="([\w-]+)"', down["expr"])) == ours


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_has_its_page(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    assert rule["labels"]["severity"] in ("page", "ticket")
    page = (RUNBOOKS / f"{name}.md").read_text()
    for part in ("**What it means.**", "## See it", "## Do", "## It is over when"):
        assert part in page, part
    assert re.search(r"[ぁ-ん]", page), "said in Japanese, too"
    assert f"[{name}]({name}.md)" in (RUNBOOKS / "README.md").read_text()


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in RUNBOOKS.glob("*.md"):
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text()):
            assert (RUNBOOKS / target).exists(), f"{page.name}: {target}"


def test_what_the_doctor_points_at_exists() -> None:
    for file in (ROOT / "deploy" / "doctor").glob("*.py"):
        for target in re.findall(r"docs/[\w/-]+\.md", file.read_text()):
            assert (ROOT / target).exists(), f"{file.name}: {target}"


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_has_panels_that_say_what_they_show(file: Path) -> None:
    board = json.loads(file.read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        assert panel["description"], panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
