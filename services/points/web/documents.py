"""`/openapi.json` under the edge: the one document for all services' APIs, generated beforehand."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from services.points.web import card_pages

router = APIRouter(include_in_schema=False)
OPENAPI = Path(__file__).with_name("openapi.json")


@router.get("/openapi.json")
async def openapi() -> Response:
    """The union of the services' documents; `tamaru openapi` writes it, a test compares it."""
    return Response(_document(), media_type="application/json")


@router.get("/")
async def front(request: Request) -> HTMLResponse:
    """What stands behind this address, for somebody who opens it."""
    return card_pages.page(request, "front.html", await card_pages.brand_of(request))


def _document() -> bytes:
    return OPENAPI.read_bytes()
