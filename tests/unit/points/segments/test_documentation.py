"""docs/segments.md: every document in it is one, and every condition is in it."""

import json
import re
from pathlib import Path

from services.points.segments.definition import _NAMES, parse
from services.points.segments.presets import PRESETS

PAGE = (Path(__file__).parents[4] / "docs" / "segments.md").read_text()


def test_documents_on_the_page_can_be_read() -> None:
    documents = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    documents += re.findall(r"^\| `(\{.*?\})` \|", PAGE, re.MULTILINE)
    assert len(documents) > 15
    for document in documents:
        parse(json.loads(document.replace("<id>", "01890000-0000-7000-8000-000000000000")))


def test_everything_that_there_is_stands_on_the_page() -> None:
    for name in (*_NAMES, *PRESETS):
        assert f'"{name}"' in PAGE or f"`{name}`" in PAGE, name
