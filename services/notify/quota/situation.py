"""The month as it stands, read from the database in a few queries."""

from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.notify.program_zone import DEFAULT_ZONE, zone_named
from services.notify.quota import budget, forecast, months, plan
from services.notify.quota.budget import Limits, Taken
from services.notify.quota.forecast import Forecast
from services.notify.quota.plan import Plan
from services.notify.store import program as store_program
from services.notify.store import quota as store
from services.notify.store.quota import Month
from shared.bus.handling import Connection


class Standing(NamedTuple):
    """A month, its limits, and what is taken of it. `own` is our part of that, by category."""

    zone: ZoneInfo
    today: date
    plan: Plan
    month: Month
    limits: Limits
    taken: Taken

    @property
    def starts(self) -> datetime:
        """The month's first moment."""
        return months.starts(self.month.month, self.zone)

    @property
    def ends(self) -> datetime:
        """The first moment of the next one."""
        return months.starts(months.after(self.month.month), self.zone)


async def standing(connection: Connection, now: datetime) -> Standing:
    """How the month of `now` stands."""
    zone = zone_named(await store_program.time_zone(connection) or DEFAULT_ZONE)
    today = months.day_of(now, zone)
    month = await store.month(connection, months.first_of(today))
    return await of_month(connection, zone, today, month)


async def of_month(connection: Connection, zone: ZoneInfo, today: date, month: Month) -> Standing:
    """The same for a month that is known, locked perhaps."""
    in_force = await store.plan(connection)
    own = await store.by_category(connection, month.month, months.after(month.month))
    most = plan.quota(in_force, month.line)
    limits = budget.limits(in_force, most, refused=month.refused_at is not None)
    taken = Taken(sum(own.values()) + plan.elsewhere(month.line), own)
    return Standing(zone, today, in_force, month, limits, taken)


async def ahead(connection: Connection, standing: Standing) -> Forecast:
    """When the month's messages run out."""
    start = standing.month.month - months.DAY * forecast.WEEK
    return forecast.forecast(
        standing.today,
        standing.taken.total,
        standing.limits.quota,
        await store.by_day(connection, start),
        await store.since(connection),
    )
