"""`/openapi.json` under the edge: the one document for all services' APIs, generated beforehand."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from services.points.web.card import TEMPLATES
from shared.problems import MEDIA_TYPE

router = APIRouter(include_in_schema=False)
_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
OPENAPI = Path(__file__).with_name("openapi.json")


@router.get("/openapi.json")
async def openapi() -> Response:
    """The union of the services' documents; `tamaru openapi` writes it, a test compares it."""
    return Response(_document(), media_type="application/json")


@router.get("/")
async def front(request: Request) -> HTMLResponse:
    """What stands behind this address, for somebody who opens it."""
    return HTMLResponse(TEMPLATES.get_template("front.html").render())


def problems_by_type(document: dict[str, Any]) -> dict[str, Any]:
    """The document with problems under their own media type, which FastAPI cannot be told."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for answer in operation.get("responses", {}).values():
                content = answer.get("content", {})
                if content.get("application/json") == _PROBLEM:
                    content[MEDIA_TYPE] = content.pop("application/json")
    return document


def _document() -> bytes:
    return OPENAPI.read_bytes()
