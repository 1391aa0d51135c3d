"""Figures by the hour are kept, so that a page need not add up years of rows.

An hour is kept once it is over and whoever was still booking is done (`GRACE`). What is told of it
later, such as by a till that was offline, by a refund of a whole purchase or by a merge, is found
within a minute, and its days are derived again. Points are kept by when they were booked: the
ledger only ever grows at its end, so what was owed on a day never changes. All of it follows from
the rows; whoever awards knows nothing of it.
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.points.nights import pacing
from services.points.programs.rulebook import Rulebook
from services.points.rules import lots
from services.points.store import figures as store
from services.points.store.figures import State
from shared import clock, ids
from shared.bus.handling import Connection
from shared.db import Pool

LOOK_SECONDS = 30.0
"""Between two looks for what came late."""

GRACE = timedelta(minutes=10)
"""From its end until an hour is kept."""

OVERLAP = timedelta(minutes=2)
"""What was booked so long before the last look is looked at again: its transaction may have ended
after it."""

AGAIN = timedelta(hours=24)
"""When an hour is kept, all that was booked so long before is looked at once more, whatever took
its transaction so long."""

CHUNK = timedelta(days=31)
"""At most so much is derived in one transaction."""

DEFAULT_ZONE = "Asia/Tokyo"
"""Of a shop that has no program yet."""


class Keeper:
    """Keeps figures; any number of processes may, one at a time does."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._asked = asyncio.Event()

    async def run(self, pool: "Pool") -> None:
        """Keep hours as they end and look for what came late, until cancelled."""
        await pacing.work("figures", lambda: self.page(pool), self._asked, LOOK_SECONDS)

    async def page(self, pool: "Pool") -> bool:
        """Keep what is over, a chunk at most; true when there is more."""
        async with pool.acquire() as connection, connection.transaction():
            if not await store.may_work(connection):
                return False
            await self._rulebook.refresh(connection)
            zone = zone_of(self._rulebook)
            state = await store.state(connection)
            if state is None or state.zone != zone:
                await _begin(connection, zone)
                return True
            return await _go_on(connection, state)


def zone_of(rulebook: Rulebook) -> str:
    """The zone of the shop's days."""
    return DEFAULT_ZONE if rulebook.empty else rulebook.current().program.time_zone


async def late(
    connection: Connection, state: State, back: timedelta, until: datetime
) -> list[datetime]:
    """The kept hours that something booked since the last look concerns."""
    milliseconds = int(back.total_seconds() * 1000)
    after = state.after_member.int - (milliseconds << 80)  # ids begin with their time
    return await store.touched(
        connection,
        state._replace(after_member=UUID(int=max(after, 0))),
        state.looked_at - back,
        until,
    )


async def differences(connection: Connection) -> int:
    """Kept hours that the rows do not say so; those that are to be derived again anyway count as
    right."""
    state = await store.state(connection)
    if state is None:
        return 0
    until = clock.now() + AGAIN
    hours = await late(connection, state, OVERLAP, until)
    imported = await store.imported(connection, state.looked_at - OVERLAP, until)
    return await store.differences(connection, state, hours, joins=not imported)


async def _begin(connection: Connection, zone: str) -> None:
    now, newest = clock.now(), ids.new_id()
    first = await store.first_moment(connection)
    begin = await store.hour_of(connection, min(first or now, now), zone)
    await store.begin(connection, State(zone, begin, now, newest))


async def _go_on(connection: Connection, state: State) -> bool:
    now, newest = clock.now(), ids.new_id()
    over = await store.hour_of(connection, now - GRACE, state.zone)
    chunk = await store.hour_of(connection, state.kept_until + CHUNK, state.zone)
    until = max(state.kept_until, min(over, chunk))
    ended = until > state.kept_until
    back = AGAIN if ended else OVERLAP
    await _derive_again(connection, state, await late(connection, state, back, now + AGAIN))
    if await store.imported(connection, state.looked_at - back, now + AGAIN):
        await store.keep_joins(connection, store.BEGINNING, state.kept_until, state.zone)
    if ended:
        await store.keep_sales(connection, state.kept_until, until, state.zone)
        await store.keep_joins(connection, state.kept_until, until, state.zone)
        again = await store.hour_of(connection, state.kept_until - AGAIN, state.zone)
        await store.keep_points(connection, again, until, state.zone)
    await store.set_state(connection, State(state.zone, until, now, newest))
    return until < over


async def _derive_again(connection: Connection, state: State, hours: list[datetime]) -> None:
    """Derive the days of these hours again, as far as they are kept."""
    zone = ZoneInfo(state.zone)
    for day in sorted({hour.astimezone(zone).date() for hour in hours}):
        since, until = lots.midnight(day, zone), lots.midnight_after(day, zone)
        kept = min(until, state.kept_until)
        await store.keep_sales(connection, since, kept, state.zone)
        await store.keep_joins(connection, since, kept, state.zone)
