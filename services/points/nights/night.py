"""The night: activate → re-rank → expire → re-rank → warn, page by page, for who has points due.

A tick starts it; the table `nights` says how far it is. A page is one transaction together with its
progress, so a night that was killed goes on where it was, and one that is run again finds nothing.
At its end it asks for a check of the whole ledger (`checking`).
One process works at a time, others wait for it. The accounts of a page are locked for that page
only. It never looks at a member who has nothing due, but for ranks, which are evaluated for all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from services.points.nights import pacing, warning
from services.points.nights.lapsing import bring_up_to_date
from services.points.programs.rulebook import Rulebook
from services.points.rankings import rank_moves
from services.points.rankings.ranking import NIGHTLY, Ranking
from services.points.rules import lots
from services.points.store import expiry_warnings, ledger_checks, rank_runs
from services.points.store import nights as store
from services.points.store.nights import START, Cursor, Night
from shared import clock, logs, outbox
from shared.bus.handling import Batch
from shared.db import Pool
from shared.events import Event, ScheduleTicked

PAGE = 100
"""Members whose books a page opens: their accounts are locked for some tens of milliseconds."""

LOOK_PAGE = 1_000
"""Dates that a page of warnings looks at; it locks nobody."""

POLL_SECONDS = 1.0

log = logs.logger(__name__)

Step = Callable[[Batch, Night], Awaitable[Night | None]]
"""Does a page; returns the night as it is then, None when nothing was left of the step."""


class StillRanking(Exception):
    """The night waits for the ranks."""


class NightShift:
    """Works through nights. `ranking` evaluates everybody's rank when it is asked."""

    def __init__(self, rulebook: Rulebook, ranking: Ranking, page: int = PAGE) -> None:
        self._rulebook = rulebook
        self._ranking = ranking
        self._page_size = page
        self._asked = asyncio.Event()
        ranking.after_run = self._asked.set
        self._steps: dict[str, Step] = {
            "activate": self._activate,
            "expire": self._expire,
            "slide": self._slide,
            "rank": self._rank,
            "warn": self._warn,
            "warn-sliding": self._warn_sliding,
            "tell": self._tell,
        }

    async def ticked(self, batch: Batch, events: list[Event[ScheduleTicked]]) -> None:
        """The nightly tick starts a night."""
        for event in events:
            if event.data.name == NIGHTLY:
                await store.start(batch.connection, event.id, next(iter(self._steps)), clock.now())
                batch.when_committed(self._asked.set)

    async def run(self, pool: "Pool", relay: outbox.Relay) -> None:
        """Work through nights, until cancelled."""
        await pacing.work("the night", lambda: self.page(pool, relay), self._asked, POLL_SECONDS)

    async def page(self, pool: "Pool", relay: outbox.Relay) -> bool:
        """Do the next page of the oldest night; false when there is none, or it waits."""
        async with pool.acquire() as connection, connection.transaction():
            night = await store.next_page(connection)
            if night is None:
                return False
            await self._rulebook.refresh(connection)
            batch = Batch(connection)
            try:
                night, finished_at = await self._advanced(batch, night)
            except StillRanking:
                return False
            await store.advance(connection, night, finished_at)
            if finished_at:
                await ledger_checks.ask(connection, night.id, finished_at)
            rows = await outbox.write(connection, batch.emitted)
        await relay.hand_over(rows)
        for act in batch.after_commit:
            act()
        if finished_at:
            _report(night, finished_at)
        return True

    async def _advanced(self, batch: Batch, night: Night) -> tuple[Night, datetime | None]:
        """The night after its next page."""
        if self._rulebook.empty:
            return night, clock.now()  # no program, no points
        if night.began_at is None:
            night = replace(night, began_at=clock.now())
        after = await self._steps[night.step](batch, night)
        if after is not None:
            return after, None
        names = list(self._steps)
        following = names.index(night.step) + 1
        if following == len(names):
            return night, clock.now()
        return replace(night, step=names[following], after=START), None

    # What becomes active or expires.

    async def _activate(self, batch: Batch, night: Night) -> Night | None:
        found = await store.waiting(batch.connection, _began(night), night.after, self._page_size)
        if not found:
            return None
        members = await bring_up_to_date(batch, self._rulebook, _members(found))
        causes = dict.fromkeys(members)
        await rank_moves.rank(batch, self._rulebook, causes, evaluation=False)
        return replace(night, after=found[-1], activated=night.activated + len(members))

    async def _expire(self, batch: Batch, night: Night) -> Night | None:
        found = await store.expired(batch.connection, _began(night), night.after, self._page_size)
        return await self._expire_found(batch, night, found)

    async def _slide(self, batch: Batch, night: Night) -> Night | None:
        until = _began(night)
        inactive_since = self._inactive_since(until)
        if inactive_since is None:
            return None
        zone = self._rulebook.current().program.time_zone
        found = await store.slid(
            batch.connection, zone, until, night.after, inactive_since, self._page_size
        )
        return await self._expire_found(batch, night, found)

    async def _expire_found(
        self, batch: Batch, night: Night, found: Sequence[Cursor]
    ) -> Night | None:
        if not found:
            return None
        members = await bring_up_to_date(batch, self._rulebook, _members(found))
        return replace(night, after=found[-1], expired=night.expired + len(members))

    def _inactive_since(self, until: datetime) -> datetime | None:
        """Who was active after this has no sliding points that expire by `until`; None where no
        version of the program ever gave any. Some days early, so that no zone matters."""
        months = self._rulebook.sliding_months
        if not months:
            return None
        zone = self._rulebook.current().program.zone
        day = lots.months_later(until.astimezone(zone).date() + timedelta(days=3), -min(months))
        return lots.midnight_after(day + timedelta(days=3), zone)

    # Ranks.

    async def _rank(self, batch: Batch, night: Night) -> Night | None:
        finished = await rank_runs.finished(batch.connection, night.id)
        if finished:
            return None
        if finished is None:
            await self._ranking.evaluate(batch, night.id)
            return night
        raise StillRanking

    # Warnings.

    async def _warn(self, batch: Batch, night: Night) -> Night | None:
        thresholds = self._thresholds(night)
        if thresholds is None:
            return None
        after = max(night.after, warning.from_now_on(_began(night)), key=_order)
        page = await expiry_warnings.mark_fixed(batch.connection, thresholds, after, LOOK_PAGE)
        if page is None:
            return None
        return replace(night, after=page.after, warned=night.warned + page.new)

    async def _warn_sliding(self, batch: Batch, night: Night) -> Night | None:
        thresholds = self._thresholds(night)
        since = self._inactive_since(thresholds.last) if thresholds else None
        if thresholds is None or since is None:
            return None
        zone = self._rulebook.current().program.time_zone
        page = await expiry_warnings.mark_sliding(
            batch.connection, thresholds, _began(night), zone, night.after, since, LOOK_PAGE
        )
        if page is None:
            return None
        return replace(night, after=page.after, warned=night.warned + page.new)

    def _thresholds(self, night: Night) -> expiry_warnings.Thresholds | None:
        return warning.thresholds(self._rulebook.current().program, _began(night))

    async def _tell(self, batch: Batch, night: Night) -> Night | None:
        zone, now = self._rulebook.current().program.zone, _began(night)
        last = await warning.tell(batch, zone, now, night.after.member, LOOK_PAGE)
        return replace(night, after=Cursor(START.at, last)) if last else None


def _began(night: Night) -> datetime:
    assert night.began_at is not None  # noqa: S101 - `_advanced` saw to it
    return night.began_at


def _members(found: Sequence[Cursor]) -> list[UUID]:
    return list({each.member for each in found})


def _order(cursor: Cursor) -> tuple[datetime, UUID]:
    return (cursor.at, cursor.member)


def _report(night: Night, finished_at: datetime) -> None:
    seconds = (finished_at - (night.began_at or finished_at)).total_seconds()
    log.info(
        "the night is over",
        night=str(night.id),
        seconds=round(seconds, 1),
        activated=night.activated,
        expired=night.expired,
        warned=night.warned,
    )
