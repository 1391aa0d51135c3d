"""`/v1/messages/menus`: the rich menus, what stands at LINE for them, who has them.

Nothing here calls LINE: the process `broadcasts` brings it into step within seconds.
"""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response

from services.notify.menus import fonts, images
from services.notify.menus.addresses import addresses
from services.notify.menus.definition import NAME, Definition, Found, without_nulls
from services.notify.store import menu_links, menus
from services.notify.store.menu_links import Counts
from services.notify.store.menus import Image
from services.notify.web import menus_schemas as schemas
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem, invalid
from shared.web.acting import acting, audited
from shared.web.auth import Caller, Owner
from shared.web.schemas import ProblemField

MOST_MENUS = 100
LOOKS = 10
RESERVED = ("check", "preview", "sync")

router = APIRouter(prefix="/v1/messages/menus", tags=["rich menus"])

Document = Annotated[dict[str, Any], Body(description="A definition: docs/rich-menus.md.")]
Name = Annotated[str, Path(pattern=f"^{NAME}$")]
_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("image/png", "image/jpeg")
        },
        "description": "The image.",
    }
}


@router.get("", response_model=schemas.MenuPage)
async def listed(request: Request, key: Caller) -> schemas.MenuPage:
    """All rich menus, how many people have each, and what the last looks at LINE found."""
    return await every(request)


async def every(request: Request) -> schemas.MenuPage:
    """All of them, for the API and for the page."""
    async with request.app.state.process.pool.acquire() as connection:
        counts = await menu_links.counts(connection)
        found = await menus.every(connection)
        progress = await menus.progress(connection)
        looks = await menus.looks(connection, LOOKS)
    return schemas.MenuPage(
        items=[_menu(each, counts) for each in found],
        looked_at=progress.looked_at if progress else None,
        looks=[schemas.MenuLook(**each._asdict()) for each in looks],
    )


@router.post("/check", response_model=schemas.MenuChecked)
async def check(request: Request, key: Caller, document: Document) -> schemas.MenuChecked:
    """Everything that is wrong with a definition, its image too. Nothing is kept."""
    _, found = await _checked(request, document)
    errors = [ProblemField(path=path, message=message) for path, message in found]
    return schemas.MenuChecked(ok=not errors, errors=errors)


@router.post("/preview", response_class=Response, responses=_IMAGE)
async def preview(request: Request, key: Caller, document: Document) -> Response:
    """The image that a definition would get. Nothing is kept."""
    drawn = await asyncio.to_thread(images.image_of, await _right(request, document))
    return Response(drawn.content, media_type=drawn.media_type)


@router.post("/sync", status_code=202, response_model=schemas.MenuAsked)
async def sync(request: Request, key: Owner) -> schemas.MenuAsked:
    """Have LINE compared with the definitions now, and mended where it differs."""
    async with acting(request) as batch:
        await menus.ask(batch.connection)
        audited(request, "rich_menus", before=None, after={"asked": True})
    return schemas.MenuAsked()


@router.get("/{name}", response_model=schemas.Menu)
async def one(request: Request, key: Caller, name: Name) -> schemas.Menu:
    """A rich menu."""
    async with request.app.state.process.pool.acquire() as connection:
        return await _found(connection, name)


@router.get("/{name}/image", response_class=Response, responses=_IMAGE)
async def image(request: Request, key: Caller, name: Name) -> Response:
    """The image of a rich menu, given or drawn."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await menus.image(connection, name)
    if found is None:
        raise _no_menu()
    return Response(found.content, media_type=found.media_type)


@router.put("/{name}", response_model=schemas.Menu)
async def put(request: Request, key: Owner, name: Name, document: Document) -> schemas.Menu:
    """Keep a definition, new or changed. LINE shows it within seconds, and everybody for whom it is
    gets it. Without `image`, one is drawn."""
    definition = await _right(request, {**document, "name": document.get("name", name)})
    if definition.name != name or name in RESERVED:
        raise invalid([("name", f"must be {name} as in the address, and none of {RESERVED}")])
    drawn = await asyncio.to_thread(images.image_of, definition)
    kept = {key: value for key, value in without_nulls(document).items() if key != "image"}
    async with acting(request) as batch:
        await menus.lock(batch.connection)
        await _unless_another_default(batch.connection, definition)
        known = await menus.one(batch.connection, name)
        before = known.document if known else None
        audited(request, f"rich_menu:{name}", before=before, after={**kept, "name": name})
        await menus.save(
            batch.connection,
            name,
            {**kept, "name": name},
            Image(drawn.content, drawn.media_type),
            clock.now(),
            wordless=drawn.wordless,
            given=definition.image is not None,
        )
        return await _found(batch.connection, name)


@router.delete("/{name}", status_code=204, response_class=Response)
async def delete(request: Request, key: Owner, name: Name) -> Response:
    """Take a rich menu from everybody, and delete it at LINE once nobody has it."""
    async with acting(request) as batch:
        await menus.lock(batch.connection)
        known = await menus.one(batch.connection, name)
        if known is None or not await menus.remove(batch.connection, name, clock.now()):
            raise _no_menu()
        audited(request, f"rich_menu:{name}", before=known.document, after=None)
    return Response(status_code=204)


async def _checked(request: Request, document: dict[str, Any]) -> tuple[Definition | None, Found]:
    known = addresses(request.app.state.settings)
    return await asyncio.to_thread(images.checked, document, known)


async def _right(request: Request, document: dict[str, Any]) -> Definition:
    definition, found = await _checked(request, document)
    if definition is None:
        raise invalid(found)
    return definition


async def _unless_another_default(connection: Connection, definition: Definition) -> None:
    others = [menu for menu in await menus.every(connection) if menu.name != definition.name]
    defaults = [name for name, applies in await menus.whom(connection) if applies.default]
    if definition.applies.default and set(defaults) - {definition.name}:
        raise Problem(
            409,
            "another-default",
            f"{defaults[0]} is the default already. Delete it, or give it ranks, states or "
            "languages first.",
        )
    if len(others) >= MOST_MENUS:
        raise Problem(409, "too-many-menus", f"There are {MOST_MENUS} menus. Delete one first.")


async def _found(connection: Connection, name: str) -> schemas.Menu:
    menu = await menus.one(connection, name)
    if menu is None:
        raise _no_menu()
    return _menu(menu, await menu_links.counts(connection))


def _menu(menu: menus.Menu, counts: dict[str, Counts]) -> schemas.Menu:
    is_default = bool((menu.document.get("applies") or {}).get("default"))
    people = counts.get("" if is_default else menu.name, Counts(0, 0, 0))
    state = "stuck" if menu.problem else "shown" if menu.line_id else "making"
    return schemas.Menu(
        name=menu.name,
        state=state,
        problem=menu.problem or (fonts.MISSING if menu.wordless else None),
        line_id=menu.line_id,
        default=is_default,
        people=schemas.MenuPeople(**people._asdict()),
        changed_at=menu.changed_at,
        document=menu.document,
        image_given=menu.given,
    )


def _no_menu() -> Problem:
    return Problem(404, "no-menu", "There is no rich menu of this name. The list has all of them.")
