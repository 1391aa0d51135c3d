"""Rich menus in PostgreSQL: definitions, what stands at LINE for them, and how far the step is.

Whoever decides on people's menus reads the definitions in the same transaction; a change of them
waits for those transactions and holds up new ones, so nobody is left with what held before. The
definitions are always touched before the row of `menu_sync`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import asyncpg
import msgspec

from services.notify.menus.definition import Applies
from shared import ids
from shared.bus.handling import Connection

AnyConnection: TypeAlias = "Connection | asyncpg.Pool[Any]"


class Menu(NamedTuple):
    """A definition, and what stands at LINE for it. `line_id` is None until it can be linked."""

    name: str
    document: dict[str, Any]
    media_type: str
    wordless: bool
    given: bool
    removed: bool
    changed_at: datetime
    line_id: str | None
    problem: str | None


class Image(NamedTuple):
    """The image of a menu, given or drawn."""

    content: bytes
    media_type: str


class Known(NamedTuple):
    """A menu at LINE that was made from here; `tag` is its name there."""

    line_id: str
    name: str
    tag: str


class Progress(NamedTuple):
    """How far the step is. `walk` is where a walk over all people is; None: there is none."""

    walk: str | None
    asked: bool
    shipped: bool
    default_id: str | None
    looked_at: datetime | None


class Look(NamedTuple):
    """What a look at LINE found: a sentence each."""

    at: datetime
    people: int
    found: list[str]


_EACH = """
SELECT name, document, media_type, wordless, given, removed, changed_at, line_id, problem FROM menus
"""
_LOCK = "LOCK TABLE menus IN ACCESS EXCLUSIVE MODE"
_SAVE = """
INSERT INTO menus (name, document, image, media_type, wordless, given, removed, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, false, $7)
ON CONFLICT (name) DO UPDATE SET document = excluded.document, image = excluded.image,
    media_type = excluded.media_type, wordless = excluded.wordless,
    given = excluded.given, removed = false, changed_at = excluded.changed_at, problem = NULL
"""
_REDRAW = """
UPDATE menus SET image = $2, media_type = $3, wordless = false WHERE name = $1 AND changed_at = $4
"""
_REMOVE = """
UPDATE menus SET removed = true, changed_at = $2 WHERE name = $1 AND NOT removed RETURNING name
"""
_WALK = """
INSERT INTO menu_sync (walk, shipped) VALUES ('', true)
ON CONFLICT (only_row) DO UPDATE SET walk = '', shipped = true
"""
_ASK = """
INSERT INTO menu_sync (asked) VALUES (true) ON CONFLICT (only_row) DO UPDATE SET asked = true
"""
_LEASE = """
INSERT INTO menu_sync AS known (leased_until) VALUES ($2)
ON CONFLICT (only_row) DO UPDATE SET leased_until = $2
WHERE known.leased_until IS NULL OR known.leased_until <= $1
RETURNING walk, asked, shipped, default_id, looked_at
"""
_RELEASE = "UPDATE menu_sync SET leased_until = NULL"
_WALKED = "UPDATE menu_sync SET walk = $2 WHERE walk = $1"
_LOOKED = """
UPDATE menu_sync SET looked_at = $1, asked = false, walk = coalesce(walk, '')
"""
_KNOW = """
INSERT INTO menu_ids (line_id, name, tag, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (line_id) DO NOTHING
"""
_SWITCH = """
UPDATE menus SET line_id = $2, problem = NULL
WHERE name = $1 AND (line_id, problem) IS DISTINCT FROM ($2, NULL)
"""
_RETIRED = """
SELECT line_id, name, tag FROM menu_ids i
WHERE NOT EXISTS (SELECT FROM menus m WHERE m.line_id = i.line_id AND NOT m.removed)
    AND NOT EXISTS (SELECT FROM menu_links l WHERE l.linked = i.line_id)
    AND i.line_id IS DISTINCT FROM (SELECT default_id FROM menu_sync)
"""
_GONE = """
DELETE FROM menus m WHERE removed
    AND NOT EXISTS (SELECT FROM menu_ids i WHERE i.name = m.name)
    AND NOT EXISTS (SELECT FROM menu_links l WHERE l.wanted = m.name)
"""
_LOST = "UPDATE menus SET line_id = NULL WHERE line_id = $1"
PRUNE_LOOKS = """
DELETE FROM menu_looks WHERE id IN (
    SELECT id FROM menu_looks WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def every(connection: AnyConnection, *, removed: bool = False) -> list[Menu]:
    """All menus by name, without the removed ones unless asked for."""
    rows = await connection.fetch(_EACH + "WHERE NOT removed OR $1 ORDER BY name", removed)
    return [_menu(row) for row in rows]


async def one(connection: AnyConnection, name: str) -> Menu | None:
    """The menu of this name, if it is not removed."""
    row = await connection.fetchrow(_EACH + "WHERE name = $1 AND NOT removed", name)
    return _menu(row) if row else None


async def image(connection: AnyConnection, name: str) -> Image | None:
    """The image of a menu that is not removed."""
    row = await connection.fetchrow(
        "SELECT image, media_type FROM menus WHERE name = $1 AND NOT removed", name
    )
    return Image(*row) if row else None


async def whom(connection: AnyConnection) -> list[tuple[str, Applies]]:
    """For whom each menu is, by name."""
    return [
        (menu.name, msgspec.convert(menu.document.get("applies") or {}, Applies))
        for menu in await every(connection)
    ]


async def lock(connection: Connection) -> None:
    """Wait for all who are reading definitions, and hold up those who want to."""
    await connection.execute(_LOCK)


async def save(
    connection: Connection,
    name: str,
    document: dict[str, Any],
    image: Image,
    now: datetime,
    *,
    wordless: bool,
    given: bool = False,
) -> None:
    """Keep a checked definition and have everybody looked at. Call `lock` first."""
    text = msgspec.json.encode(document).decode()
    await connection.execute(
        _SAVE, name, text, image.content, image.media_type, wordless, given, now
    )
    await connection.execute(_WALK)


async def redraw(connection: AnyConnection, name: str, image: Image, of: datetime) -> None:
    """Keep an image with words, unless the menu was changed since."""
    await connection.execute(_REDRAW, name, image.content, image.media_type, of)


async def remove(connection: Connection, name: str, now: datetime) -> bool:
    """Take a menu from people; false if there is none. Call `lock` first."""
    if await connection.fetchval(_REMOVE, name, now) is None:
        return False
    await connection.execute(_WALK)
    return True


async def ask(connection: AnyConnection) -> None:
    """Have LINE looked at now."""
    await connection.execute(_ASK)


async def progress(connection: AnyConnection) -> Progress | None:
    """How far the step is; None before its first pass."""
    row = await connection.fetchrow(
        "SELECT walk, asked, shipped, default_id, looked_at FROM menu_sync"
    )
    return Progress(*row) if row else None


async def lease(connection: AnyConnection, now: datetime, until: datetime) -> Progress | None:
    """Be the one who brings LINE into step, until then; None if somebody else is."""
    row = await connection.fetchrow(_LEASE, now, until)
    return Progress(*row) if row else None


async def renew(connection: AnyConnection, until: datetime) -> None:
    """Go on being the one."""
    await connection.execute("UPDATE menu_sync SET leased_until = $1", until)


async def release(connection: AnyConnection) -> None:
    """Let another one."""
    await connection.execute(_RELEASE)


async def walked(connection: Connection, before: str, to: str | None) -> None:
    """Note where the walk is, unless it was begun anew meanwhile."""
    await connection.execute(_WALKED, before, to)


async def knows(connection: AnyConnection) -> list[Known]:
    """All menus at LINE that were made from here."""
    return [
        Known(*row) for row in await connection.fetch("SELECT line_id, name, tag FROM menu_ids")
    ]


async def know(connection: AnyConnection, known: Known, now: datetime) -> None:
    """Note a menu that is at LINE now."""
    await connection.execute(_KNOW, *known, now)


async def switch(connection: AnyConnection, name: str, line_id: str) -> None:
    """From now on people are linked to this one at LINE."""
    await connection.execute(_SWITCH, name, line_id)


async def lost(connection: Connection, line_id: str) -> None:
    """It is not at LINE any more; a new one has to be made."""
    await connection.execute("DELETE FROM menu_ids WHERE line_id = $1", line_id)
    await connection.execute(_LOST, line_id)


async def complain(connection: AnyConnection, name: str, problem: str) -> None:
    """Note why a menu cannot be at LINE."""
    await connection.execute("UPDATE menus SET problem = $2 WHERE name = $1", name, problem)


async def default(connection: AnyConnection, line_id: str | None) -> None:
    """Note which one LINE shows to those who have none of their own."""
    await connection.execute("UPDATE menu_sync SET default_id = $1", line_id)


async def retired(connection: AnyConnection) -> list[Known]:
    """Menus at LINE that nobody has any more and nobody is to get."""
    return [Known(*row) for row in await connection.fetch(_RETIRED)]


async def forget(connection: AnyConnection, line_id: str) -> None:
    """It was deleted at LINE."""
    await connection.execute("DELETE FROM menu_ids WHERE line_id = $1", line_id)


async def clear(connection: AnyConnection) -> None:
    """Delete removed menus of which nothing is left at LINE."""
    await connection.execute(_GONE)


async def looked(connection: Connection, now: datetime, people: int, found: Sequence[str]) -> None:
    """Keep what a look found; nothing is kept of one that found nothing but that it was made."""
    await connection.execute(_LOOKED, now)
    if found:
        await connection.execute(
            "INSERT INTO menu_looks (id, at, people, found) VALUES ($1, $2, $3, $4)",
            ids.new_id(),
            now,
            people,
            msgspec.json.encode(list(found)).decode(),
        )


async def looks(connection: AnyConnection, limit: int) -> list[Look]:
    """The latest looks that found something, newest first."""
    rows = await connection.fetch(
        "SELECT at, people, found FROM menu_looks ORDER BY at DESC LIMIT $1", limit
    )
    return [Look(row[0], row[1], msgspec.json.decode(row[2])) for row in rows]


def _menu(row: asyncpg.Record) -> Menu:
    return Menu(**{**row, "document": msgspec.json.decode(row["document"])})
