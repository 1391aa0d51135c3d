"""What the table of the benchmarks says of a figure."""

import msgspec
import pytest

from deploy.bench.results import Line, as_json, table


@pytest.mark.parametrize(
    ("line", "met"),
    [
        (Line("a", 50, beside=100, yardstick="bare", target=0.5), True),
        (Line("a", 49, beside=100, yardstick="bare", target=0.5), False),
        (Line("a", 50, beside=100, yardstick="bare"), None),
        (Line("a", 40, unit="ms", target=40, most=True), True),
        (Line("a", 41, unit="ms", target=40, most=True, beside=400), False),
        (Line("a", 41, target=0.5), False),
    ],
)
def test_a_target_is_of_the_ratio_or_a_most_of_the_figure(line: Line, met: bool | None) -> None:
    assert line.met is met


def test_the_table_shows_each_figure_beside_its_yardstick() -> None:
    lines = [
        Line("awards", 12_345, yardstick="bare SQL", beside=20_000, target=0.5, note="warm"),
        Line("p99", 41.25, unit="ms", target=40, most=True),
    ]

    text = table(lines).splitlines()

    assert " ".join(text[2].split()) == "awards* 12,345 /s bare SQL 20,000 0.62 >= 0.5 yes"
    assert " ".join(text[3].split()) == "p99 41.2 ms <= 40 NO"
    assert text[4] == "* awards: warm"


def test_the_json_has_ratio_and_verdict() -> None:
    written = msgspec.json.decode(as_json([Line("awards", 5, beside=10, target=1)], scale=1.0))

    assert written["scale"] == 1.0
    assert written["figures"][0]["ratio"] == 0.5
    assert written["figures"][0]["met"] is False
