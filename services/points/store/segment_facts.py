"""What segments look at of members, as SQL: balances, what expires, purchases, what ranks measure.

What is due counts as done, as in `accounts.standing`: due lots are added and taken off here, except
for the few whom `accounts` must work out by itself (`Odd`). Everything is of the members after `$1`
up to `$2`, and every value a parameter.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from services.points.rules.lots import midnight
from services.points.rules.program import Level

IN_RANGE = "{0}.member_id > $1 AND {0}.member_id <= $2"
_OPEN = f"WHERE l.unit = 'point' AND l.remaining > 0 AND {IN_RANGE.format('l')}"
_LOTS = f"FROM lots l {_OPEN}"
_SLIDING = f"""FROM lots l JOIN accounts o ON o.member_id = l.member_id AND o.unit = 'point'
{_OPEN} AND l.sliding_months IS NOT NULL"""
_WHOSE = """SELECT id, id FROM members WHERE id > $1 AND id <= $2
    UNION ALL SELECT merged_into, id FROM members WHERE merged_into > $1 AND merged_into <= $2"""
_GIFTS = """SELECT w.id, sum(e.amount) AS points FROM whose w
    JOIN entries e ON e.member_id = w.ledger AND e.unit = 'point' AND e.source = 'rank'
    GROUP BY w.id"""
_EVER = """SELECT m.id, m.points_earned - coalesce(g.points, 0) AS points_earned, m.amount_spent,
        m.visits
    FROM (SELECT member_id AS id, earned AS points_earned, amount_spent, visits FROM accounts x
        WHERE unit = 'point' AND x.member_id > $1 AND x.member_id <= $2) AS m
    LEFT JOIN gifts g ON g.id = m.id"""


class AsOf(Struct, frozen=True):
    """The moment, and what the shop's rules are at it. `since` is where the window of ranks begins
    (None: ever); `sliding`: some points expire by inactivity."""

    now: datetime
    zone: Any
    levels: tuple[Level, ...]
    since: datetime | None
    sliding: bool

    @property
    def today(self) -> date:
        """The shop's day."""
        return self.now.astimezone(self.zone).date()

    def days(self, count: int) -> datetime:
        """When the last `count` days began, today being the last of them."""
        return midnight(self.today - timedelta(days=count - 1), self.zone)

    def horizon(self, days: int) -> datetime:
        """The last moment of what is `days` days ahead, as warnings of expiry count them."""
        return midnight(self.today + timedelta(days=days), self.zone)


class Odd(Struct, frozen=True):
    """Members whose debts are paid by points that have just become active: their balances, and
    what expires when (soonest first)."""

    balances: Mapping[UUID, int] = {}
    expiring: Mapping[UUID, Sequence[tuple[datetime, int]]] = {}


class Facts:
    """What one query looks at, on its way. Parts and joins are there once, whoever asks."""

    def __init__(self, as_of: AsOf, odd: Odd) -> None:
        self.as_of = as_of
        self._odd = odd
        self.values: list[Any] = []
        self.parts: dict[str, str] = {}
        self.joins: dict[str, str] = {}

    def value(self, value: Any, kind: str) -> str:
        """A parameter."""
        self.values.append(value)
        return f"${len(self.values) + 2}::{kind}"

    def between(self, what: str, least: int | None, most: int | None) -> str:
        """A whole number within bounds."""
        bounds = [f"{what} >= {self.value(least, 'bigint')}"] if least is not None else []
        bounds += [f"{what} <= {self.value(most, 'bigint')}"] if most is not None else []
        return " AND ".join(bounds)

    def part(self, name: str, text: str, key: str = "member_id") -> str:
        """A subquery by member, joined; its name."""
        self.parts[name] = text
        self.joins[name] = f"LEFT JOIN {name} ON {name}.{key} = m.id"
        return name

    # What is needed by more than one condition.

    def _lasts(self) -> str:
        """The last day of a lot that slides."""
        zone = self.value(str(self.as_of.zone), "text")
        return f"""((greatest(o.last_activity_at, l.opened_at) AT TIME ZONE {zone})::date
            + make_interval(months => l.sliding_months))::date"""

    def balance(self) -> str:
        """What can be spent: as stored, and what is due."""
        self.account()
        if "due" not in self.parts:
            self.part("due", self._due())
            members = self.value(list(self._odd.balances), "uuid[]")
            points = self.value(list(self._odd.balances.values()), "bigint[]")
            unnested = f"unnest({members}, {points}) AS odd (member_id, points)"
            self.joins["odd"] = f"LEFT JOIN {unnested} ON odd.member_id = m.id"
        return "coalesce(odd.points, a.in_lots - a.held - a.debt + coalesce(due.points, 0))"

    def _due(self) -> str:
        now = self.value(self.as_of.now, "timestamptz")
        fixed = f"l.sliding_months IS NULL AND (l.expires_at IS NULL OR l.expires_at > {now})"
        due = [
            f"""SELECT l.member_id, l.remaining - l.held AS points {_LOTS}
                AND l.pending AND l.active_at <= {now} AND {fixed}""",
            f"""SELECT l.member_id, l.held - l.remaining {_LOTS} AND l.sliding_months IS NULL
                AND NOT l.pending AND l.expires_at IS NOT NULL AND l.expires_at <= {now}""",
        ]
        if self.as_of.sliding:
            today, last = self.value(self.as_of.today, "date"), self._lasts()
            due += [
                f"""SELECT l.member_id, l.remaining - l.held {_SLIDING}
                    AND l.pending AND l.active_at <= {now} AND {last} >= {today}""",
                f"SELECT l.member_id, l.held - l.remaining {_SLIDING} AND NOT l.pending "
                f"AND {last} < {today}",
            ]
        return f"""SELECT member_id, sum(points)::bigint AS points
            FROM ({" UNION ALL ".join(due)}) AS due GROUP BY member_id"""

    def expiring(self, days: int) -> str:
        """What expires within so many days."""
        number = len(self.parts)
        horizon = self.as_of.horizon(days)
        now, until = (self.value(at, "timestamptz") for at in (self.as_of.now, horizon))
        active = f"l.remaining > l.held AND (NOT l.pending OR l.active_at <= {now})"
        soon = [
            f"""SELECT l.member_id, l.remaining - l.held AS points {_LOTS} AND {active}
                AND l.sliding_months IS NULL AND l.expires_at > {now} AND l.expires_at <= {until}"""
        ]
        if self.as_of.sliding:
            today, last = self.value(self.as_of.today, "date"), self._lasts()
            soon.append(f"""SELECT l.member_id, l.remaining - l.held {_SLIDING} AND {active}
                AND {last} >= {today}
                AND {last} < {today} + {self.value(days, "integer")}""")
        name = self.part(
            f"expiring_{number}",
            f"""SELECT member_id, sum(points)::bigint AS points
                FROM ({" UNION ALL ".join(soon)}) AS soon GROUP BY member_id""",
        )
        theirs = {
            id: sum(points for at, points in dates if at <= horizon)
            for id, dates in self._odd.expiring.items()
        }
        members = self.value(list(theirs), "uuid[]")
        points = self.value(list(theirs.values()), "bigint[]")
        self.joins[f"odd_{number}"] = f"""LEFT JOIN unnest({members}, {points})
            AS odd_{number} (member_id, points) ON odd_{number}.member_id = m.id"""
        return f"coalesce(odd_{number}.points, {name}.points, 0)"

    def purchases(self, days: int) -> str:
        """What was bought in the last days, summed up."""
        name = f"last_{days}"
        if name not in self.parts:
            self.part(
                name,
                f"""SELECT p.member_id, sum(p.total - p.refunded)::bigint AS spent,
                    sum(p.visits)::bigint AS visits
                FROM purchases p WHERE {IN_RANGE.format("p")}
                    AND p.occurred_at >= {self.value(self.as_of.days(days), "timestamptz")}
                GROUP BY p.member_id""",
            )
        return name

    def metrics(self) -> str:
        """What ranks look at, as `store.ranks` measures it."""
        if "metrics" not in self.parts:
            self.parts["whose (id, ledger)"] = _WHOSE
            if self.as_of.since is None:
                self.parts["gifts"] = _GIFTS
                self.part("metrics", _EVER, "id")
            else:
                self.part("metrics", self._since(), "id")
        return "metrics"

    def _since(self) -> str:
        since = self.value(self.as_of.since, "timestamptz")
        return f"""SELECT id, sum(points_earned)::bigint AS points_earned,
                sum(amount_spent)::bigint AS amount_spent, sum(visits)::bigint AS visits
            FROM (
                SELECT w.id, e.amount AS points_earned, 0 AS amount_spent, 0 AS visits FROM whose w
                JOIN entries e ON e.member_id = w.ledger AND e.unit = 'point'
                    AND (e.kind = 'earn' AND e.source <> 'rank'
                        OR e.source = 'undo' AND e.amount < 0) AND e.occurred_at >= {since}
                UNION ALL SELECT p.member_id, -p.points_back, p.total - p.refunded, p.visits
                FROM purchases p WHERE {IN_RANGE.format("p")} AND p.occurred_at >= {since}
            ) AS facts GROUP BY id"""

    def account(self) -> None:
        """The sums as `a`."""
        self.joins["accounts"] = "JOIN accounts a ON a.member_id = m.id AND a.unit = 'point'"

    def rank(self) -> None:
        """The rank as `r`."""
        self.joins["ranks"] = "LEFT JOIN ranks r ON r.member_id = m.id"

    def profile(self) -> None:
        """The attributes as `f`."""
        self.joins["profiles"] = "LEFT JOIN profiles f ON f.member_id = m.id"
