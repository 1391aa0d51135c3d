"""Figures of days, read from the hours that are kept (`figures`) and the rows since then."""

from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from services.points.store import figures
from shared.bus.handling import Connection

_KEPT = "(SELECT * FROM {table} WHERE hour >= $1 AND hour < $2) AS kept"
_LIVE = "({derived}) AS live"
_SALES = """
SELECT (hour AT TIME ZONE $3)::date AS day, sum(purchases)::bigint AS purchases,
    sum(gross)::bigint AS gross, sum(visits)::bigint AS visits, sum(refunds)::bigint AS refunds,
    sum(refunded)::bigint AS refunded, sum(issued)::bigint AS issued, sum(used)::bigint AS used,
    sum(returned)::bigint AS returned, sum(taken_back)::bigint AS taken_back
FROM {source} WHERE $4::text IS NULL OR store = $4 GROUP BY 1
"""
_POINTS = """
SELECT (hour AT TIME ZONE $3)::date AS day, sum(issued)::bigint AS issued,
    sum(adjusted)::bigint AS adjusted, sum(used)::bigint AS used,
    sum(returned)::bigint AS returned, sum(expired)::bigint AS expired,
    sum(taken_back)::bigint AS taken_back, sum(total)::bigint AS total
FROM {source} GROUP BY 1
"""
_JOINS = """
SELECT (hour AT TIME ZONE $3)::date AS day, sum(members)::bigint AS members FROM {source}
WHERE $4::text IS NULL OR route IN (SELECT code FROM routes WHERE store = $4) GROUP BY 1
"""
_HOURS = """
SELECT extract(hour FROM hour AT TIME ZONE $3)::integer AS hour,
    sum(gross - refunded)::bigint AS sales, sum(purchases)::bigint AS purchases,
    sum(visits)::bigint AS visits
FROM {source} WHERE $4::text IS NULL OR store = $4 GROUP BY 1
"""


def _both(statement: str, table: str, derived: str) -> tuple[str, str]:
    """A statement over the hours that are kept, and over the rows themselves."""
    kept, live = _KEPT.format(table=table), _LIVE.format(derived=derived)
    return statement.format(source=kept), statement.format(source=live)


_DAY_SALES = _both(_SALES, "hour_sales", figures.SALES)
_DAY_POINTS = _both(_POINTS, "hour_points", figures.POINTS)
_DAY_JOINS = _both(_JOINS, "hour_joins", figures.JOINS)
_DAY_HOURS = _both(_HOURS, "hour_sales", figures.SALES)
_OWED = "SELECT owed FROM hour_points WHERE hour < $1 ORDER BY hour DESC LIMIT 1"
_BOOKED = """
SELECT coalesce(sum(amount), 0)::bigint FROM entries
WHERE unit = 'point' AND recorded_at >= $1 AND recorded_at < $2
"""


class Span(NamedTuple):
    """A stretch of time, in the days of a zone; `store` None: all of them. Up to `kept_until` the
    kept hours are read, from there on the rows; both `since` and `until` may stand anywhere, but an
    end before `kept_until` is the beginning of an hour."""

    since: datetime
    until: datetime
    kept_until: datetime
    zone: str
    store: str | None = None

    @property
    def halves(self) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
        """The part that is kept and the part that is not."""
        border = min(max(self.since, self.kept_until), self.until)
        return (self.since, border), (border, self.until)


class DaySales(msgspec.Struct, frozen=True):
    """A day at the tills. Money in minor units; `gross` is before refunds."""

    purchases: int = 0
    gross: int = 0
    visits: int = 0
    refunds: int = 0
    refunded: int = 0
    issued: int = 0
    used: int = 0
    returned: int = 0
    taken_back: int = 0


class DayPoints(msgspec.Struct, frozen=True):
    """A day of the ledger; `total` is what the shop owes more after it than before it."""

    issued: int = 0
    adjusted: int = 0
    used: int = 0
    returned: int = 0
    expired: int = 0
    taken_back: int = 0
    total: int = 0


class HourSales(msgspec.Struct, frozen=True):
    """An hour at the tills; `sales` is less refunds."""

    sales: int = 0
    purchases: int = 0
    visits: int = 0


Sums = TypeVar("Sums", DaySales, DayPoints, HourSales)


async def sales(connection: Connection, span: Span) -> dict[date, DaySales]:
    """What happened at the tills, day by day; days without anything are left out."""
    return _summed(DaySales, await _read(connection, _DAY_SALES, span, span.store))


async def points(connection: Connection, span: Span) -> dict[date, DayPoints]:
    """What the ledger booked, day by day; of the whole shop."""
    return _summed(DayPoints, await _read(connection, _DAY_POINTS, span))


async def joins(connection: Connection, span: Span) -> dict[date, int]:
    """How many joined, day by day; of a store: by its routes."""
    found: dict[date, int] = {}
    for day, members in await _read(connection, _DAY_JOINS, span, span.store):
        found[day] = found.get(day, 0) + members
    return found


async def hours(connection: Connection, span: Span) -> dict[int, HourSales]:
    """What happened at the tills of one day, by the hour of the clock."""
    return _summed(HourSales, await _read(connection, _DAY_HOURS, span, span.store))


async def owed(connection: Connection, at: datetime, kept_until: datetime) -> int:
    """Points that the shop owed at a moment: all entries until then. A moment before `kept_until`
    is the beginning of an hour."""
    border = min(at, kept_until)
    kept: int = await connection.fetchval(_OWED, border) or 0
    if at > border:
        kept += await connection.fetchval(_BOOKED, border, at)
    return kept


async def _read(
    connection: Connection, statements: tuple[str, str], span: Span, *store: str | None
) -> list[Any]:
    rows: list[Any] = []
    for statement, (since, until) in zip(statements, span.halves, strict=True):
        if since < until:
            rows += await connection.fetch(statement, since, until, span.zone, *store)
    return rows


def _summed(kind: Any, rows: list[Any]) -> dict[Any, Any]:
    """Rows of one day or hour added up; the first column names it."""
    found: dict[Any, Any] = {}
    for name, *values in rows:
        found[name] = plus(found.get(name, kind()), kind(*values))
    return found


def plus(one: Sums, other: Sums) -> Sums:
    """Both added up."""
    pairs = zip(msgspec.structs.astuple(one), msgspec.structs.astuple(other), strict=True)
    return type(one)(*(a + b for a, b in pairs))
