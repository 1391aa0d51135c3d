"""`/static/brand.css` and `/static/brand/…`: the shop's colours and pictures, for browsers.

Each address names its content, so it may be kept for ever; a picture that is no more is not found.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response

from services.points.brand import palette, pictures, stylesheet
from services.points.store import brand as store
from shared.problems import Problem

router = APIRouter(prefix="/static", include_in_schema=False)

FOR_EVER = "public, max-age=31536000, immutable"
_NOTHING_ELSE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-site",
}


@router.get("/brand.css")
async def style(request: Request, v: str = "", color: str = "") -> Response:
    """The colours; for a preview those of another `color`. By another address than the present one
    it is asked for each time."""
    if not palette.is_color(color):
        async with request.app.state.process.pool.acquire() as connection:
            color = (await request.app.state.brand.shown(connection)).color
    kept = FOR_EVER if v == stylesheet.version(color) else "no-cache"
    headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
    return Response(stylesheet.stylesheet(color), media_type="text/css", headers=headers)


@router.get("/brand/{kind}-{hash}.webp")
async def picture(
    request: Request,
    kind: Literal["logo", "picture"],
    hash: Annotated[str, Path(pattern=r"^[0-9a-f]{24}$")],
) -> Response:
    """A picture."""
    async with request.app.state.process.pool.acquire() as connection:
        content = await store.content(connection, kind, hash)
    if content is None:
        raise Problem(404, "no-such-picture", "There is another picture by now.")
    headers = {"Cache-Control": FOR_EVER, **_NOTHING_ELSE}
    return Response(content, media_type=pictures.MEDIA_TYPE, headers=headers)
