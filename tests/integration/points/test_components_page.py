"""The page of all components: complete, in both languages, for owners alone."""

import re
from pathlib import Path

import pytest

from tests.integration.points.shop import Points
from tests.staff import signed_in

PARTS = Path(__file__).parents[3] / "services" / "points" / "pages" / "templates"
SHARED = Path(__file__).parents[3] / "shared" / "web" / "templates"
UNSEEN = {"attributes", "chart_table"}  # of a field and of a chart, no parts of their own


async def test_every_part_is_shown(points: Points) -> None:
    macros = re.findall(r"macro (\w+)\(", (SHARED / "components.html").read_text())
    page = (PARTS / "components_page.html").read_text()
    missing = [name for name in macros if not re.search(rf"(\{{\{{|call) {name}\(", page)]
    assert set(missing) == UNSEEN
    answer = await points.client.get("/console/components", **signed_in("owner"))
    assert answer.status_code == 200
    assert "部品" in answer.text
    icons = re.findall(r'^"([a-z]+)":', (SHARED / "icons.html").read_text(), re.MULTILINE)
    assert [name for name in icons if f"<code>{name}</code>" not in answer.text] == []


@pytest.mark.parametrize("role", ["manager", "viewer", "staff"])
async def test_it_is_for_owners(points: Points, role: str) -> None:
    answer = await points.client.get("/console/components", **signed_in(role))
    assert answer.status_code == 403


async def test_others_sign_in_first(points: Points) -> None:
    answer = await points.client.get("/console/components")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/session/renew?next=%2Fconsole%2Fcomponents"
