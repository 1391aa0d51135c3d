"""The program as a file: one way of writing, the same rules; and names given twice are found."""

import json
from typing import Any

import pytest

from services.points.rules import program_file
from services.points.rules.program import DEMO, parse
from services.points.rules.repeats import repeats
from services.points.rules.terms import ProgramInvalid

JUMBLED: dict[str, Any] = {
    "welcome": {"points": 5},
    "accrual": {
        "multipliers": [
            {"when": {"hours": "10:00-12:00", "weekdays": ["fri"]}, "id": "m", "factor": "2"}
        ],
        "rules": [{"points": 1, "per": 100, "name": "基本", "type": "spend", "id": "base"}],
    },
    "expiry": {"months": 1, "type": "fixed"},
    "time_zone": "Asia/Tokyo",
}


def test_names_stand_in_the_contracts_order() -> None:
    written = json.loads(program_file.text(JUMBLED))
    assert list(written) == ["time_zone", "accrual", "expiry", "welcome"]
    assert list(written["accrual"]["rules"][0]) == ["id", "type", "name", "per", "points"]
    assert list(written["accrual"]["multipliers"][0]["when"]) == ["weekdays", "hours"]
    assert list(written["expiry"]) == ["type", "months"]


@pytest.mark.parametrize("document", [JUMBLED, DEMO, {}])
def test_the_rules_stay_the_same(document: dict[str, Any]) -> None:
    text = program_file.text(document)
    assert json.loads(text) == document
    assert program_file.text(json.loads(text)) == text
    assert parse(text.encode()).document == document


def test_people_can_read_it() -> None:
    text = program_file.text(JUMBLED)
    assert '        "name": "基本",\n' in text
    assert text.endswith("}\n")


def test_a_window_written_short_stays_short() -> None:
    assert '"window": "lifetime"' in program_file.text({"ranks": {"window": "lifetime"}})


def test_a_name_given_twice_is_a_problem_with_its_path() -> None:
    text = (
        '{"welcome": {"points": 1}, "accrual": {"rules": [{"id": "a", "id": "b"}]}, "welcome": {}}'
    )
    assert [problem.path for problem in repeats(text)] == ["welcome", "accrual.rules[0].id"]
    with pytest.raises(ProgramInvalid) as caught:
        parse(b'{"welcome": {"points": 1, "points": 2}, "surprise": 1}')
    assert {problem.path for problem in caught.value.problems} == {"welcome.points", "surprise"}
    assert repeats("{") == []
