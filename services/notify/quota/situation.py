"""The month as it stands, read from the database in a few queries."""

from collections.abc import Mapping
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
    """A month, its limits, what is taken of it, and our own count of that by category."""

    zone: ZoneInfo
    today: date
    plan: Plan
    month: Month
    limits: Limits
    taken: Taken
    own: Mapping[str, int]

    @property
    def starts_on(self) -> date:
        """The month's first day."""
        return self.month.month

    @property
    def ends_on(self) -> date:
        """The first day of the next one."""
        return months.after(self.month.month)

    @property
    def starts(self) -> datetime:
        """The month's first moment."""
        return months.starts(self.starts_on, self.zone)

    @property
    def ends(self) -> datetime:
        """The first moment of the next one."""
        return months.starts(self.ends_on, self.zone)


async def zone_of(connection: Connection) -> ZoneInfo:
    """The program's time zone."""
    return zone_named(await store_program.time_zone(connection) or DEFAULT_ZONE)


async def standing(connection: Connection, now: datetime) -> Standing:
    """How the month of `now` stands."""
    zone = await zone_of(connection)
    today = months.day_of(now, zone)
    month = await store.month(connection, months.first_of(today))
    return await of_month(connection, zone, today, month)


async def of_month(connection: Connection, zone: ZoneInfo, today: date, month: Month) -> Standing:
    """The same for a month that is known, locked perhaps."""
    in_force = await store.plan(connection)
    own = await store.by_category(connection, month.month, months.after(month.month))
    most = plan.quota(in_force, month.line)
    limits = budget.limits(in_force, most, refused=month.refused_at is not None)
    taken = Taken(
        sum(own.values()) + plan.elsewhere(month.line),
        {
            name: own.get(name, 0) + month.uncounted.get(name, 0)
            for name in own.keys() | month.uncounted.keys()
        },
    )
    return Standing(zone, today, in_force, month, limits, taken, own)


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
