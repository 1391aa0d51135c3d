"""Who meets a segment's conditions, as SQL: one query over a range of members, every value of the
document a parameter.

What is due counts as done, as in `accounts.standing`: due lots are added and taken off here, except
for the few whom `accounts` must work out by itself (`Odd`). The text depends on the shape of a
definition only, so that pages of one segment are one prepared statement.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from services.points.rules.lots import midnight
from services.points.rules.program import Level
from services.points.segments import conditions as c

_MEASURES = ("points_earned", "amount_spent", "visits")


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


class Query(Struct, frozen=True):
    """`chosen` gives the ids of the members after `$1` up to `$2`, in order; `counted` how many
    there are and how many of them LINE reaches. `values` are the parameters from `$3` on."""

    chosen: str
    counted: str
    values: list[Any]


def compiled(definition: c.Definition, as_of: AsOf, odd: Odd) -> Query:
    """The definition as a query."""
    writing = _Writing(as_of, odd)
    condition = writing.condition(definition)
    parts = ", ".join(f"{name} AS ({text})" for name, text in writing.parts.items())
    head = f"WITH {parts}" if parts else ""
    joins = "\n".join(writing.joins.values())
    body = f"""FROM members m
JOIN accounts a ON a.member_id = m.id AND a.unit = 'point'
{joins}
WHERE m.id > $1 AND m.id <= $2 AND m.status IN ('active', 'suspended') AND {condition}"""
    return Query(
        f"{head}\nSELECT m.id {body}\nORDER BY m.id",
        f"{head}\nSELECT count(*), count(*) FILTER ({_REACHABLE}) {body}",
        writing.values,
    )


_REACHABLE = "WHERE m.line_user_id IS NOT NULL AND m.friend"
_IN_RANGE = "{0}.member_id > $1 AND {0}.member_id <= $2"
_LOTS = f"""FROM lots l JOIN accounts o ON o.member_id = l.member_id AND o.unit = 'point'
WHERE l.unit = 'point' AND l.remaining > 0 AND {_IN_RANGE.format("l")}"""
_LINES = """SELECT FROM json_array_elements(CASE WHEN json_typeof(p.purchase -> 'lines') = 'array'
        THEN p.purchase -> 'lines' END) WITH ORDINALITY AS line (item, place)
    WHERE ({what}) AND (p.refunded = 0 OR coalesce((item ->> 'quantity')::bigint, 1) > (
        SELECT coalesce(sum((unit ->> 'quantity')::bigint), 0) FROM refunds b,
            json_array_elements(CASE WHEN json_typeof(b.lines) = 'array' THEN b.lines END) unit
        WHERE b.member_id = p.member_id AND b.purchase_id = p.id
            AND (unit ->> 'line')::bigint = place - 1))"""
_KEPT = """(p.refunded < p.total OR p.total = 0 AND NOT EXISTS (SELECT FROM refunds b
    WHERE b.member_id = p.member_id AND b.purchase_id = p.id))"""
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


class _Writing:
    """One query on its way. Parts and joins are there once, whoever asks for them."""

    def __init__(self, as_of: AsOf, odd: Odd) -> None:
        self._as_of = as_of
        self._odd = odd
        self.values: list[Any] = []
        self.parts: dict[str, str] = {}
        self.joins: dict[str, str] = {}

    def condition(self, definition: c.Definition) -> str:
        """A definition as a condition that is true or false, never unknown."""
        match definition:
            case c.All(of):
                return f"({' AND '.join(map(self.condition, of))})"
            case c.Either(of):
                return f"({' OR '.join(map(self.condition, of))})"
            case c.Not(of):
                return f"NOT {self.condition(of)}"
        written = _WRITTEN[type(definition)](self, definition)
        return f"coalesce({written}, false)"

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
        zone = self.value(str(self._as_of.zone), "text")
        return f"""((greatest(o.last_activity_at, l.opened_at) AT TIME ZONE {zone})::date
            + make_interval(months => l.sliding_months))::date"""

    def balance(self) -> str:
        """What can be spent: as stored, and what is due."""
        if "due" not in self.parts:
            self.part("due", self._due())
            members = self.value(list(self._odd.balances), "uuid[]")
            points = self.value(list(self._odd.balances.values()), "bigint[]")
            unnested = f"unnest({members}, {points}) AS odd (member_id, points)"
            self.joins["odd"] = f"LEFT JOIN {unnested} ON odd.member_id = m.id"
        return "coalesce(odd.points, a.in_lots - a.held - a.debt + coalesce(due.points, 0))"

    def _due(self) -> str:
        now = self.value(self._as_of.now, "timestamptz")
        fixed = f"l.sliding_months IS NULL AND (l.expires_at IS NULL OR l.expires_at > {now})"
        due = [
            f"""SELECT l.member_id, l.remaining - l.held AS points {_LOTS}
                AND l.pending AND l.active_at <= {now} AND {fixed}""",
            f"""SELECT l.member_id, l.held - l.remaining {_LOTS} AND l.sliding_months IS NULL
                AND NOT l.pending AND l.expires_at IS NOT NULL AND l.expires_at <= {now}""",
        ]
        if self._as_of.sliding:
            today, last = self.value(self._as_of.today, "date"), self._lasts()
            slides = f"{_LOTS} AND l.sliding_months IS NOT NULL"
            due += [
                f"""SELECT l.member_id, l.remaining - l.held {slides}
                    AND l.pending AND l.active_at <= {now} AND {last} >= {today}""",
                f"SELECT l.member_id, l.held - l.remaining {slides} AND NOT l.pending "
                f"AND {last} < {today}",
            ]
        return f"""SELECT member_id, sum(points)::bigint AS points
            FROM ({" UNION ALL ".join(due)}) AS due GROUP BY member_id"""

    def expiring(self, days: int) -> str:
        """What expires within so many days."""
        number = len(self.parts)
        horizon = self._as_of.horizon(days)
        now, until = (self.value(at, "timestamptz") for at in (self._as_of.now, horizon))
        active = f"l.remaining > l.held AND (NOT l.pending OR l.active_at <= {now})"
        soon = [
            f"""SELECT l.member_id, l.remaining - l.held AS points {_LOTS} AND {active}
                AND l.sliding_months IS NULL AND l.expires_at > {now} AND l.expires_at <= {until}"""
        ]
        if self._as_of.sliding:
            today, last = self.value(self._as_of.today, "date"), self._lasts()
            soon.append(f"""SELECT l.member_id, l.remaining - l.held {_LOTS} AND {active}
                AND l.sliding_months IS NOT NULL AND {last} >= {today}
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
                FROM purchases p WHERE {_IN_RANGE.format("p")}
                    AND p.occurred_at >= {self.value(self._as_of.days(days), "timestamptz")}
                GROUP BY p.member_id""",
            )
        return name

    def metrics(self) -> str:
        """What ranks look at, as `store.ranks` measures it."""
        if "metrics" not in self.parts:
            self.parts["whose (id, ledger)"] = _WHOSE
            if self._as_of.since is None:
                self.parts["gifts"] = _GIFTS
                self.part("metrics", _EVER, "id")
            else:
                self.part("metrics", self._since(), "id")
        return "metrics"

    def _since(self) -> str:
        since = self.value(self._as_of.since, "timestamptz")
        return f"""SELECT id, sum(points_earned)::bigint AS points_earned,
                sum(amount_spent)::bigint AS amount_spent, sum(visits)::bigint AS visits
            FROM (
                SELECT w.id, e.amount AS points_earned, 0 AS amount_spent, 0 AS visits FROM whose w
                JOIN entries e ON e.member_id = w.ledger AND e.unit = 'point' AND e.kind = 'earn'
                    AND e.source <> 'rank' AND e.occurred_at >= {since}
                UNION ALL SELECT p.member_id, -p.points_back, p.total - p.refunded, p.visits
                FROM purchases p WHERE {_IN_RANGE.format("p")} AND p.occurred_at >= {since}
            ) AS facts GROUP BY id"""

    def rank(self) -> None:
        """The rank as `r`."""
        self.joins["ranks"] = "LEFT JOIN ranks r ON r.member_id = m.id"

    def profile(self) -> None:
        """The attributes as `f`."""
        self.joins["profiles"] = "LEFT JOIN profiles f ON f.member_id = m.id"

    @property
    def as_of(self) -> AsOf:
        return self._as_of


def _points(writing: _Writing, points: c.Points) -> str:
    return writing.between(writing.balance(), points.min, points.max)


def _rank(writing: _Writing, rank: c.Rank) -> str:
    writing.rank()
    codes = writing.value([code for code in rank.in_ if code is not None], "text[]")
    none = " OR r.code IS NULL" if None in rank.in_ else ""
    return f"(coalesce(r.code = ANY({codes}), false){none})"


def _next_rank(writing: _Writing, wanted: c.NextRank) -> str:
    """The first level above the member's own that is not earned yet, if it is near enough."""
    levels = writing.as_of.levels
    if not levels:
        return "false"
    writing.rank()
    writing.metrics()
    places = " ".join(
        f"WHEN {writing.value(level.code, 'text')} THEN {place}"
        for place, level in enumerate(levels)
    )
    place = f"(CASE r.code {places} ELSE -1 END)"
    cases = []
    for index, level in enumerate(levels):
        required = {
            name: writing.value(needed, "bigint")
            for name in _MEASURES
            if (needed := getattr(level.requires, name)) is not None
        }
        if required:
            unmet = " OR ".join(f"{_have(name)} < {needed}" for name, needed in required.items())
            near = " AND ".join(_near(writing, wanted, *each) for each in required.items())
            cases.append(f"WHEN {place} < {index} AND ({unmet}) THEN {near}")
    return f"(CASE {' '.join(cases)} ELSE false END)" if cases else "false"


def _have(measure: str) -> str:
    return f"coalesce(metrics.{measure}, 0)"


def _near(writing: _Writing, wanted: c.NextRank, measure: str, needed: str) -> str:
    """One requirement of a level: met, or as near as is wanted."""
    have, near = _have(measure), []
    if wanted.within is not None:
        gap = writing.value(wanted.within.get(measure, 0), "bigint")
        near.append(f"{have} >= {needed} - {gap}")
    if wanted.progress is not None:
        share = writing.value(wanted.progress, "bigint")
        near.append(f"({have} >= {needed} OR 100 * greatest({have}, 0) >= {share} * {needed})")
    return " AND ".join(near)


def _last_visit(writing: _Writing, visit: c.LastVisit) -> str:
    found = []
    if visit.before_days is not None:
        at = writing.value(writing.as_of.days(visit.before_days), "timestamptz")
        found.append(f"a.last_visit_at < {at}")
    if visit.within_days is not None:
        at = writing.value(writing.as_of.days(visit.within_days), "timestamptz")
        found.append(f"a.last_visit_at >= {at}")
    seen = " AND ".join(found)
    never = ["a.last_visit_at IS NULL"] if visit.never else []
    return f"({' OR '.join([*([f'({seen})'] if seen else []), *never])})"


def _visits(writing: _Writing, visits: c.Visits) -> str:
    what = "a.visits"
    if visits.days is not None:
        what = f"coalesce({writing.purchases(visits.days)}.visits, 0)"
    return writing.between(what, visits.min, visits.max)


def _spent(writing: _Writing, spent: c.Spent) -> str:
    what = "a.amount_spent"
    if spent.days is not None:
        what = f"coalesce({writing.purchases(spent.days)}.spent, 0)"
    return writing.between(what, spent.min, spent.max)


def _bought(writing: _Writing, bought: c.Bought) -> str:
    conditions = [_IN_RANGE.format("p"), _KEPT]
    if bought.days is not None:
        since = writing.value(writing.as_of.days(bought.days), "timestamptz")
        conditions.append(f"p.occurred_at >= {since}")
    if bought.stores:
        conditions.append(f"p.store = ANY({writing.value(list(bought.stores), 'text[]')})")
    what = [
        f"item ->> '{name}' = ANY({writing.value(list(wanted), 'text[]')})"
        for name, wanted in (("sku", bought.skus), ("category", bought.categories))
        if wanted
    ]
    if what:
        conditions.append(f"EXISTS ({_LINES.format(what=' OR '.join(what))})")
    name = writing.part(
        f"bought_{len(writing.parts)}",
        f"SELECT DISTINCT p.member_id FROM purchases p WHERE {' AND '.join(conditions)}",
    )
    return f"{name}.member_id IS NOT NULL"


def _expiring(writing: _Writing, expiring: c.Expiring) -> str:
    return writing.between(writing.expiring(expiring.days), expiring.min, None)


def _birthday_month(writing: _Writing, wanted: c.BirthdayMonth) -> str:
    this = writing.as_of.today.month
    month = {"this": this, "next": this % 12 + 1}.get(str(wanted.month), wanted.month)
    return f"extract(month FROM m.birthday) = {writing.value(month, 'integer')}"


def _age(writing: _Writing, age: c.Age) -> str:
    found = []
    if age.min is not None:
        found.append(f"m.birthday <= {writing.value(_born_by(writing.as_of, age.min), 'date')}")
    if age.max is not None:
        born_by = _born_by(writing.as_of, age.max + 1)
        found.append(f"m.birthday > {writing.value(born_by, 'date')}")
    return " AND ".join(found)


def _born_by(as_of: AsOf, years: int) -> date:
    """The last birthday of who is so many years old; of 29 February, they are on 1 March."""
    today = as_of.today
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return date(today.year - years, 2, 28)


def _joined(writing: _Writing, joined: c.Joined) -> str:
    found = []
    if joined.days is not None:
        at = writing.value(writing.as_of.days(joined.days), "timestamptz")
        found.append(f"m.joined_at >= {at}")
    if joined.before_days is not None:
        at = writing.value(writing.as_of.days(joined.before_days), "timestamptz")
        found.append(f"m.joined_at < {at}")
    return " AND ".join(found)


def _attribute(writing: _Writing, wanted: Any) -> str:
    writing.profile()
    name = "gender" if isinstance(wanted, c.Gender) else "area"
    return f"f.{name} = ANY({writing.value(list(wanted.in_), 'text[]')})"


def _tags(writing: _Writing, tags: c.Tags) -> str:
    writing.profile()
    found = [f"f.tags && {writing.value(list(tags.any), 'text[]')}"] if tags.any else []
    found += [f"f.tags @> {writing.value(list(tags.all), 'text[]')}"] if tags.all else []
    return " AND ".join(found)


_LINE = {
    "linked": "m.line_user_id IS NOT NULL",
    "reachable": "m.line_user_id IS NOT NULL AND m.friend",
    "blocked": "m.line_user_id IS NOT NULL AND NOT m.friend",
    "none": "m.line_user_id IS NULL",
}
_WRITTEN: dict[type[Any], Callable[[_Writing, Any], str]] = {
    c.Everybody: lambda _, __: "true",
    c.One: lambda writing, one: f"m.id = {writing.value(one.id, 'uuid')}",
    c.Points: _points,
    c.Rank: _rank,
    c.NextRank: _next_rank,
    c.LastVisit: _last_visit,
    c.Visits: _visits,
    c.Spent: _spent,
    c.Bought: _bought,
    c.Expiring: _expiring,
    c.BirthdayMonth: _birthday_month,
    c.Age: _age,
    c.Gender: _attribute,
    c.Area: _attribute,
    c.Tags: _tags,
    c.Joined: _joined,
    c.Line: lambda _, line: _LINE[line.state],
}
