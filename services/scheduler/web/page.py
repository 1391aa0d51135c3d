"""`/schedules`: the page for who wants to see what is due, and to steer it.

It holds nothing itself: its script asks the API with the key that the reader enters.
"""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

PAGES = Path(__file__).parent.parent / "pages"
STATIC = PAGES / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}

router = APIRouter(include_in_schema=False)


@router.get("/schedules")
async def page() -> HTMLResponse:
    """The page."""
    return HTMLResponse((PAGES / "schedules.html").read_text("utf-8"), headers=_HEADERS)
