"""The threat model names code and tests as its proof: they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/threat-model.md").read_text()
NAMED = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
TESTS = [name for name in NAMED if re.fullmatch(r"test_\w+…?", name)]
FILES = [name for name in NAMED if "/" in name and re.fullmatch(r"\w[\w./-]+", name)]
LINKS = re.findall(r"\]\(([^)#\s]+)", PAGE)


def functions() -> set[str]:
    """The names of all tests."""
    return {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }


def test_each_test_that_it_names_is_there():
    known = functions()
    assert len(TESTS) > 30
    assert [name for name in TESTS if not any(_means(name, each) for each in known)] == []


def _means(name: str, test: str) -> bool:
    return test.startswith(name[:-1]) if name.endswith("…") else test == name


@pytest.mark.parametrize("name", FILES)
def test_each_file_that_it_names_is_there(name: str):
    assert (ROOT / name).exists() or (ROOT / "tests" / name).exists()


@pytest.mark.parametrize("link", LINKS)
def test_each_page_that_it_links_is_there(link: str):
    assert (ROOT / "docs" / link).exists()
