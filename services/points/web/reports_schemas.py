"""What `/v1/reports` answers."""

import datetime

from pydantic import BaseModel, ConfigDict


class PointsOfDay(BaseModel):
    """What became of points. `issued`: earned, in whatever way; `adjusted`: by hand or imported,
    signed; `used` at tills, `returned` of that by refunds; `taken_back` by refunds; `expired`,
    those of members who left too. `owed`: at the end of the day (today: now); owed the day before +
    issued + adjusted + returned - used - expired - taken_back. Null: not counted by store, or not
    yet counted."""

    model_config = ConfigDict(from_attributes=True)

    issued: int
    used: int
    returned: int
    taken_back: int
    expired: int | None
    adjusted: int | None
    owed: int | None


class DayOfShop(BaseModel):
    """A day. Money in minor units: `sales` is `gross` (purchases of the day) less `refunded`
    (refunds made on the day, whenever it was bought). `visits` leaves out purchases that were
    refunded whole. `new_members`: who joined; of a store, by its routes."""

    model_config = ConfigDict(from_attributes=True)

    day: datetime.date
    sales: int
    gross: int
    refunded: int
    purchases: int
    refunds: int
    visits: int
    new_members: int
    points: PointsOfDay


class DayPage(BaseModel):
    """Days in order, each in the program's time zone. `complete` false: after an update or a long
    standstill older rows are still being counted."""

    items: list[DayOfShop]
    next: None = None
    store: str | None
    currency: str
    time_zone: str
    as_of: datetime.datetime
    complete: bool


class HourOfShop(BaseModel):
    """An hour of the clock (0 to 23), and the same one a week ago."""

    hour: int
    sales: int
    purchases: int
    visits: int
    sales_last_week: int


class Owed(BaseModel):
    """Points that the shop owes now, and their value (minor units) when they are spent."""

    points: int
    value: int


class TodayOfShop(BaseModel):
    """Today so far; the same weekday a week ago, whole and up to this time of day; hour by hour
    (from the first to the last in which there was anything)."""

    store: str | None
    currency: str
    time_zone: str
    as_of: datetime.datetime
    complete: bool
    today: DayOfShop
    last_week: DayOfShop
    last_week_so_far: DayOfShop
    owed: Owed | None
    hours: list[HourOfShop]
