"""Metrics are named as Prometheus wants it, and docs/metrics.md lists exactly those there are."""

import re

import pytest

from tests.metrics_in_code import ROOT, Metric, metrics

PAGE = (ROOT / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*) ?\|", re.MULTILINE)
COUNTED = re.compile(
    r"_(messages|events|consumers|purchases|differences|sending|waiting|backlog|months)$"
)


def test_the_page_lists_the_metrics_that_there_are() -> None:
    listed = {
        Metric(name, kind, tuple(filter(None, re.split(r"[, ]+", labels.strip()))))
        for name, kind, labels in ROW.findall(PAGE)
    }
    assert listed == set(metrics())


@pytest.mark.parametrize("metric", metrics(), ids=lambda metric: metric.name)
def test_a_name_says_the_unit(metric: Metric) -> None:
    assert re.fullmatch(r"tamaru(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    if metric.kind == "histogram":
        assert metric.name.endswith("_seconds")
    if metric.kind == "gauge":
        unit = metric.name.endswith("_seconds") or COUNTED.search(metric.name)
        assert unit or metric.name in ("tamaru_ready", "tamaru_notify_line_token_refused")
