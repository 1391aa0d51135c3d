"""The metrics that the code has, read from its text: nothing is started for it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
KINDS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram"}


class Metric(NamedTuple):
    """A metric as it is read: a counter's name has its `_total`."""

    name: str
    kind: str
    labels: tuple[str, ...]

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its time series."""
        if self.kind == "histogram":
            return tuple(self.name + each for each in ("_bucket", "_sum", "_count"))
        return (self.name,)


def metrics() -> list[Metric]:
    """All of them, in the order of their names."""
    files = [*(ROOT / "shared").rglob("*.py"), *(ROOT / "services").rglob("*.py")]
    return sorted(metric for file in files for metric in _in(ast.parse(file.read_text())))


def _in(tree: ast.AST) -> Iterator[Metric]:
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        kind, first = KINDS.get(call.func.id), call.args[:1]
        if kind and first and isinstance(first[0], ast.Constant):
            name, labels = first[0].value, call.args[2:3]
            suffix = "_total" if kind == "counter" else ""
            yield Metric(name + suffix, kind, tuple(ast.literal_eval(labels[0]) if labels else ()))
