"""The menus that come with the product: for everybody, for two ranks, in two languages.

They are kept like any others as soon as there is a database, once; from then on they are the
owner's, to change and to delete.
"""

import asyncio
import json
from functools import cache
from importlib import resources
from typing import Any

from services.notify.menus import drawing
from services.notify.menus.definition import parse
from services.notify.store import menus as store
from services.notify.store.menus import Image
from shared import clock
from shared.db import Pool


def documents() -> list[dict[str, Any]]:
    """The shipped documents, by name."""
    folder = resources.files("services.notify.menus").joinpath("shipped")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return [json.loads(file.read_text("utf-8")) for file in files if file.name.endswith(".json")]


@cache
def _drawn() -> list[tuple[dict[str, Any], drawing.Drawn]]:
    """The shipped documents with their images, drawn once in a process."""
    return [(each, drawing.draw(parse(each))) for each in documents()]


async def ship(pool: "Pool[Any]") -> None:
    """Keep the shipped menus, unless somebody has put menus of their own there first."""
    drawn = await asyncio.to_thread(_drawn)
    async with pool.acquire() as connection, connection.transaction():
        await store.lock(connection)
        progress = await store.progress(connection)
        if progress is not None and progress.shipped:
            return
        for document, image in drawn:
            await store.save(
                connection,
                document["name"],
                document,
                Image(image.content, image.media_type),
                clock.now(),
                wordless=image.wordless,
            )
