"""`/v1/brand`: how the shop looks on its members' card: name, colour, logo and picture.

Any colour is taken: what has to be read on it or in it is made legible, and the answer says what
was changed. Pictures are drawn anew before they are kept.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.points.brand import palette, pictures
from services.points.brand.pictures import Kind
from services.points.brand.shown import Brand, address
from services.points.store import brand as store
from services.points.store.brand import Look
from shared import clock
from shared.problems import Problem
from shared.web import schemas as common
from shared.web.acting import acting, audited
from shared.web.auth import Caller, Owner

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    412: {"model": common.Problem, "description": "Somebody changed the look meanwhile"},
    413: {"model": common.Problem, "description": "The picture is too large"},
}
router = APIRouter(prefix="/v1/brand", tags=["brand"], responses=_PROBLEMS)

Name = Annotated[
    str, StringConstraints(max_length=40, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]
_PICTURES = {
    "requestBody": {
        "required": True,
        "content": {
            f"image/{kind}": {"schema": {"type": "string", "format": "binary"}}
            for kind in ("png", "jpeg", "webp")
        },
    }
}


class BrandSettings(BaseModel):
    """How the shop is called in both languages (empty: no name is shown) and its colour.
    `revision`: the one that you know; 412 if somebody has changed the look since."""

    model_config = ConfigDict(extra="forbid")

    name_ja: Name = ""
    name_en: Name = ""
    color: Color = palette.DEFAULT
    revision: Annotated[int, Field(strict=True, ge=0)] | None = None


class BrandPicture(BaseModel):
    """A picture as it is served; its address changes with it."""

    url: str
    width: int
    height: int


class SchemeColors(BaseModel):
    """The colours in light or dark: `brand` and `deep` bear `on` as text, `accent` is text on white
    or black, `shape` a control there. `contrast`: of text on `brand`, at least 4.5."""

    brand: str
    deep: str
    on: str
    accent: str
    shape: str
    contrast: float


class Advice(BaseModel):
    """What was changed of the colour so that everybody can read, for people."""

    ja: str
    en: str


class BrandLook(BaseModel):
    """How the shop looks. `revision` is 0 until somebody has changed anything."""

    name_ja: str
    name_en: str
    color: str
    revision: int
    logo: BrandPicture | None
    picture: BrandPicture | None
    light: SchemeColors
    dark: SchemeColors
    advice: list[Advice]
    changed_at: datetime | None


@router.get("", response_model=BrandLook)
async def look(request: Request, key: Caller) -> BrandLook:
    """The look as it is."""
    async with request.app.state.process.pool.acquire() as connection:
        return described(await store.find(connection))


@router.get("/preview", response_model=BrandLook)
async def preview(request: Request, key: Caller, color: Color) -> BrandLook:
    """What the look would be in another colour; nothing is changed."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.find(connection)
    return described(found, color)


@router.put("", response_model=BrandLook)
async def change(request: Request, key: Owner, body: BrandSettings) -> BrandLook:
    """Change name and colour. Cards show it within seconds."""
    async with acting(request) as batch:
        before = await store.lock(batch.connection)
        if body.revision not in (None, before.revision):
            raise Problem(
                412, "out-of-date", "Somebody changed the look meanwhile. Read it and decide again."
            )
        now = clock.now()
        await store.put(batch.connection, body.name_ja, body.name_en, body.color, now)
        after = await store.find(batch.connection)
        audited(request, "brand", before=_told(before), after=_told(after))
    _brand(request).forget()
    return described(after)


@router.put("/{kind}", response_model=BrandLook, openapi_extra=_PICTURES)
async def change_picture(
    request: Request, key: Owner, kind: Literal["logo", "picture"]
) -> BrandLook:
    """Send a logo, shown in a square, or a picture, shown as a strip above the card (2:1), as PNG,
    JPEG or WebP of 5 MB at most. It is drawn anew; nothing else that the file holds is kept."""
    return await _replace(request, kind, await _drawn(request, kind))


@router.delete("/{kind}", response_model=BrandLook)
async def drop_picture(request: Request, key: Owner, kind: Literal["logo", "picture"]) -> BrandLook:
    """Do without the logo or the picture."""
    return await _replace(request, kind, None)


def described(found: Look, color: str | None = None) -> BrandLook:
    """The look as the API shows it, in its own colour or another one."""
    wanted = color or found.color or palette.DEFAULT
    both = palette.palette(wanted)
    return BrandLook(
        name_ja=found.name_ja or "",
        name_en=found.name_en or "",
        color=wanted,
        revision=found.revision,
        logo=_picture("logo", found.logo, found.logo_width, found.logo_height),
        picture=_picture("picture", found.picture, found.picture_width, found.picture_height),
        light=_colors(both.light),
        dark=_colors(both.dark),
        advice=[Advice(ja=ja, en=en) for ja, en in both.words],
        changed_at=found.changed_at,
    )


async def _drawn(request: Request, kind: Kind) -> pictures.Picture:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > pictures.MOST_BYTES:
            megabytes = pictures.MOST_BYTES // 1_000_000
            words = f"画像は{megabytes}MBまでです。 A picture may have {megabytes} MB at most."
            raise Problem(413, "too-large", words)
    try:
        return await asyncio.to_thread(pictures.redrawn, bytes(content), kind)
    except pictures.NotAPicture as refused:
        raise Problem(422, "not-a-picture", f"{refused.ja} {refused.en}") from None


async def _replace(request: Request, kind: Kind, drawn: pictures.Picture | None) -> BrandLook:
    """Keep the picture, or none, and let the revision grow."""
    async with acting(request) as batch:
        connection, now = batch.connection, clock.now()
        before = await store.lock(connection)
        if drawn is None:
            await store.drop_picture(connection, kind)
        else:
            size = (drawn.width, drawn.height)
            await store.put_picture(
                connection, kind, hash=drawn.hash, size=size, content=drawn.content, now=now
            )
        names = (before.name_ja or "", before.name_en or "")
        await store.put(connection, *names, before.color or palette.DEFAULT, now)
        after = await store.find(connection)
        audited(request, "brand", before=_told(before), after=_told(after))
    _brand(request).forget()
    return described(after)


def _told(found: Look) -> dict[str, Any]:
    """The look as the audit log keeps it."""
    names = ("name_ja", "name_en", "color", "logo", "picture", "revision")
    return {name: getattr(found, name) for name in names}


def _picture(
    kind: str, hash: str | None, width: int | None, height: int | None
) -> BrandPicture | None:
    url = address(kind, hash)
    if url is None or width is None or height is None:
        return None
    return BrandPicture(url=url, width=width, height=height)


def _colors(scheme: palette.Scheme) -> SchemeColors:
    return SchemeColors(
        brand=scheme.brand,
        deep=scheme.deep,
        on=scheme.on,
        accent=scheme.accent,
        shape=scheme.shape,
        contrast=round(palette.contrast(scheme.brand, scheme.on), 2),
    )


def _brand(request: Request) -> Brand:
    brand: Brand = request.app.state.brand
    return brand
