"""docs/program.md: its documents can be published, and it leaves nothing out."""

import re
from pathlib import Path

import pytest

from deploy import program_commands
from services.points.rules import program as programs
from services.points.rules.program import Rules

PAGE = (Path(__file__).parents[3] / "docs" / "program.md").read_text()
DOCUMENTS = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_it_can_be_published(document: str) -> None:
    assert programs.parse(document.encode()).document


def test_every_part_of_the_document_has_a_section() -> None:
    sections = set(re.findall(r"^## .*: `(\w+)`$", PAGE, re.MULTILINE))
    parts = set(Rules.__struct_fields__) - {"currency", "time_zone"}
    assert parts <= sections | {"accrual"}


def test_every_command_is_named() -> None:
    table = PAGE[PAGE.index("## Versions") :]
    for command in program_commands.app.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        assert re.search(rf"`{name}\b|program {name}\b", table), name
