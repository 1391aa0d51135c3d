"""What several pages of the program show in the same way: differences, a document for a script."""

import json
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from services.points.rules.differences import Difference
from services.points.web.pages import PAGES
from shared.web.language import language_of
from shared.web.staff import Staff


def changes_shown(request: Request, found: list[Difference]) -> HTMLResponse:
    """Differences as a fragment."""
    return PAGES.render(request, "program/changes.html", **told(request, found))


def told(request: Request, found: list[Difference]) -> dict[str, Any]:
    """What `program/changes.html` shows."""
    nothing = "同じ内容です。" if language_of(request) == "ja" else "They say the same."
    written = [
        {"path": e.path, "text": e.text, "before": _json(e.before), "after": _json(e.after)}
        for e in found
    ]
    return {"found": written, "nothing": nothing}


def may_edit(staff: Staff) -> bool:
    """Who changes rules, rather than only reading them."""
    return staff.role in ("owner", "manager")


def embedded(value: Any) -> Markup:
    """A value as JSON for a script to read in the page, its names in their order; nothing in it
    can end the element that it stands in."""
    text = json.dumps(value, ensure_ascii=True)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - nothing in it is markup any more


def offset(moment: datetime) -> str:
    """How far the shop's clock is from UTC: `+09:00`."""
    return moment.isoformat()[-6:]


def _json(value: Any) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)
