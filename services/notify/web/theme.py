"""`/v1/messages/theme`: the colours that messages are drawn in."""

from fastapi import APIRouter, Request

from services.notify.store import templates as store
from services.notify.templates import theme
from services.notify.web import templates_schemas as schemas
from shared import clock
from shared.web.acting import acting, audited
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/messages", tags=["templates"])


@router.get("/theme", response_model=schemas.MessageTheme)
async def look(request: Request, key: Caller) -> schemas.MessageTheme:
    """The colours that messages are drawn in."""
    async with request.app.state.process.pool.acquire() as connection:
        chosen = await store.theme(connection)
    return _theme(chosen)


@router.put("/theme", response_model=schemas.MessageTheme)
async def paint(
    request: Request, key: Owner, body: schemas.MessageThemePut
) -> schemas.MessageTheme:
    """Draw messages in another colour from now on, in every process within seconds."""
    async with acting(request) as batch:
        await store.lock(batch.connection)
        chosen = await store.theme(batch.connection)
        before, after = {"brand": _theme(chosen).brand}, {"brand": body.brand.upper()}
        audited(request, "message_theme", before=before, after=after)
        if chosen is None or chosen.brand.upper() != body.brand.upper():
            brand, by = body.brand.upper(), key.actor
            chosen = await store.save_theme(batch.connection, brand, by, clock.now())
    return _theme(chosen)


def _theme(chosen: store.Theme | None) -> schemas.MessageTheme:
    brand = chosen.brand if chosen else theme.DEFAULT_BRAND
    number = chosen.version if chosen else 0
    return schemas.MessageTheme(brand=brand, version=number, colors=dict(theme.colours(brand)))
