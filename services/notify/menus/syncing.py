"""Bringing LINE's rich menus into step with the definitions: made, with an image, the default set,
old ones deleted once nobody has them; and a look now and then at what differs.

One process at a time does this, under a lease. Each step can be repeated: a menu's name at LINE
holds a hash of all there is to it, so that one that a crash left there is found and taken over.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from services.notify.menus import drawing, fonts, shipping
from services.notify.menus.areas import line_object
from services.notify.menus.client import LineRefused, LineUnavailable, Listed, MenuClient
from services.notify.menus.definition import check, parse, with_addresses
from services.notify.menus.drift import Drift, compare
from services.notify.menus.settling import walk
from services.notify.store import menu_links as store_links
from services.notify.store import menus as store
from services.notify.store.menu_links import Linked
from services.notify.store.menus import Image, Known, Menu, Progress
from shared import clock, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

PASS_SECONDS = 5.0
LEASE = timedelta(minutes=2)
LOOK_EVERY = timedelta(hours=1)
PEOPLE_A_LOOK = 500
"""How many people's menus a look asks LINE for: those asked about longest ago."""

ASTRAY_A_PAGE = 5000
LONGEST_PAUSE = 300.0


class Sync:
    """Keeps LINE in step. `addresses` are what `{card}` and `{public_url}` stand for.

    `at_start`: the shipped menus go up by themselves. Without it nothing at LINE is touched until
    the owner asks: the account may have a menu that was made elsewhere.
    """

    def __init__(
        self,
        pool: "Pool[Any]",
        line: MenuClient,
        addresses: Mapping[str, str],
        *,
        at_start: bool,
    ) -> None:
        self._at_start = at_start
        self._pool = pool
        self._line = line
        self._addresses = addresses

    async def run(self) -> None:
        """Go on until cancelled."""
        pause = PASS_SECONDS
        while True:
            try:
                await self.step()
                pause = PASS_SECONDS
            except (LineUnavailable, LineRefused) as problem:
                pause = min(pause * 2, LONGEST_PAUSE)
                log.warning("rich menus not in step yet", problem=str(problem))
            except (*UNREACHABLE, *CONFLICTS) as problem:
                log.warning("rich menus not looked at", problem=type(problem).__name__)
            await asyncio.sleep(pause)

    async def step(self) -> bool:
        """One pass, unless another process is at it; whether it was made."""
        now = clock.now()
        progress = await store.lease(self._pool, now, now + LEASE)
        if progress is None:
            return False
        try:
            await self._pass(progress)
        finally:
            await store.release(self._pool)
        return True

    async def _pass(self, progress: Progress) -> None:
        if not progress.shipped:
            if not (self._at_start or progress.asked):
                return
            await shipping.ship(self._pool)
            progress = await store.progress(self._pool) or progress
        await self._walk(progress.walk)
        await self._in_step()
        if _is_due(progress) and await self._look():
            await self._in_step()

    async def _in_step(self) -> None:
        await self._make()
        await self._set_default()
        while await store_links.astray(self._pool, clock.now(), ASTRAY_A_PAGE) == ASTRAY_A_PAGE:
            await self._go_on()
        await self._delete_retired()

    async def _walk(self, at: str | None) -> None:
        """Decide on everybody's menu anew, after the definitions changed; a page a transaction."""
        while at is not None:
            async with self._pool.acquire() as connection, connection.transaction():
                at = await walk(connection, at)
            await self._go_on()

    async def _make(self) -> None:
        """Have every menu at LINE as it is defined now."""
        known = {each.tag: each for each in await store.knows(self._pool)}
        listed: list[Listed] | None = None
        for menu in await store.every(self._pool):
            image = await self._image(menu)
            problems = check(menu.document, self._addresses)
            if problems:
                told = "; ".join(f"{path}: {text}" for path, text in problems)
                await store.complain(self._pool, menu.name, told)
                continue
            made = line_object(parse(with_addresses(menu.document, self._addresses)), image.content)
            at_line = known.get(made["name"])
            if at_line is None:
                listed = await self._line.every() if listed is None else listed
                try:
                    at_line = await self._made(menu.name, made, image, listed)
                except LineRefused as refusal:
                    await store.complain(self._pool, menu.name, str(refusal))
                    continue
            await store.switch(self._pool, menu.name, at_line.line_id)

    async def _made(
        self, name: str, menu: dict[str, Any], image: Image, listed: Sequence[Listed]
    ) -> Known:
        """A menu at LINE with its image: the one that a crash left there, or a new one."""
        tag = menu["name"]
        left_there = next((each.line_id for each in listed if each.tag == tag), None)
        line_id = left_there or await self._line.create(menu)
        if left_there is None or not await self._line.has_image(line_id):
            await self._line.upload(line_id, image.content, image.media_type)
        known = Known(line_id, name, tag)
        await store.know(self._pool, known, clock.now())
        await self._go_on()
        log.info("rich menu made", menu=name, line_id=line_id)
        return known

    async def _image(self, menu: Menu) -> Image:
        """The menu's image, drawn anew where words were left out for want of a font."""
        if menu.wordless and fonts.japanese():
            drawn = await asyncio.to_thread(drawing.draw, parse(menu.document))
            image = Image(drawn.content, drawn.media_type)
            await store.redraw(self._pool, menu.name, image, menu.changed_at)
        found = await store.image(self._pool, menu.name)
        return found or Image(b"", menu.media_type)

    async def _set_default(self) -> None:
        menus = await store.every(self._pool)
        ids = [
            menu.line_id for menu in menus if (menu.document.get("applies") or {}).get("default")
        ]
        wanted = ids[0] if ids else None
        progress = await store.progress(self._pool)
        if progress is not None and progress.default_id != wanted:
            await self._line.set_default(wanted)
            await store.default(self._pool, wanted)

    async def _delete_retired(self) -> None:
        """Delete what was replaced or removed, once nobody has it."""
        for retired in await store.retired(self._pool):
            await self._line.delete(retired.line_id)
            await store.forget(self._pool, retired.line_id)
        await store.clear(self._pool)

    async def _look(self) -> bool:
        """Compare with what is at LINE, and note what differs, for the next steps to mend; whether
        anything does."""
        progress = await store.progress(self._pool)
        told_default = progress.default_id if progress else None
        known = await store.knows(self._pool)
        listed = await self._line.every()
        found_default = await self._line.default()
        people = await store_links.unchecked(self._pool, PEOPLE_A_LOOK)
        found = await self._menus_of(people)
        pairs = {
            before.line_user_id: (before.linked, after.linked)
            for before, after in zip(people, found, strict=True)
            if any(before.linked == line_id for line_id, _ in listed)
        }
        ids = [each.line_id for each in known]
        drift = compare(ids, listed, (told_default, found_default), pairs)
        for line_id in drift.strays:
            await self._line.delete(line_id)
        await self._note(drift, found, found_default)
        return bool(drift.words())

    async def _menus_of(self, people: Sequence[Linked]) -> list[Linked]:
        found = []
        for number, person in enumerate(people):
            if number % 100 == 0:
                await self._go_on()
            try:
                has = await self._line.of_user(person.line_user_id) or ""
            except LineRefused:  # LINE knows nobody of this id any more
                has = person.linked
            found.append(Linked(person.line_user_id, has))
        return found

    async def _note(self, drift: Drift, found: Sequence[Linked], default: str | None) -> None:
        now = clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            for line_id in drift.lost:
                await store.lost(connection, line_id)
            if drift.default:
                await store.default(connection, default)
            await store_links.checked(connection, found, now)
            await store.looked(connection, now, len(found), drift.words())
        if drift.words():
            log.warning("rich menus at LINE differed; mending", found=drift.words())

    async def _go_on(self) -> None:
        await store.renew(self._pool, clock.now() + LEASE)


def _is_due(progress: Progress) -> bool:
    """Once an hour, or when somebody asks; never before the first menus were made."""
    if progress.looked_at is None or progress.asked:
        return True
    return abs(clock.now() - progress.looked_at) >= LOOK_EVERY
