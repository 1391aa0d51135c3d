"""Who meets a segment's conditions, as SQL: one query over a range of members, every value of the
document a parameter.

The text depends on the shape of a definition only, so that pages of one segment are one prepared
statement.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from services.points.segments import conditions as c
from services.points.store.segment_facts import IN_RANGE, AsOf, Facts, Odd

_MEASURES = ("points_earned", "amount_spent", "visits")
_REACHABLE = "WHERE m.line_user_id IS NOT NULL AND m.friend"
_LINES = """SELECT FROM json_array_elements(CASE WHEN json_typeof(p.purchase -> 'lines') = 'array'
        THEN p.purchase -> 'lines' END) WITH ORDINALITY AS line (item, place)
    WHERE ({what}) AND (p.refunded = 0 OR coalesce((item ->> 'quantity')::bigint, 1) > (
        SELECT coalesce(sum((unit ->> 'quantity')::bigint), 0) FROM refunds b,
            json_array_elements(CASE WHEN json_typeof(b.lines) = 'array' THEN b.lines END) unit
        WHERE b.member_id = p.member_id AND b.purchase_id = p.id
            AND (unit ->> 'line')::bigint = place - 1))"""
_KEPT = """(p.refunded < p.total OR p.total = 0 AND p.visit IS NULL AND NOT EXISTS (
    SELECT FROM refunds b WHERE b.member_id = p.member_id AND b.purchase_id = p.id))"""


class Query(Struct, frozen=True):
    """`chosen` gives the ids of the members after `$1` up to `$2`, in order; `counted` how many
    there are and how many of them LINE reaches. `values` are the parameters from `$3` on."""

    chosen: str
    counted: str
    values: list[Any]


def compiled(definition: c.Definition, as_of: AsOf, odd: Odd) -> Query:
    """The definition as a query."""
    facts = Facts(as_of, odd)
    condition = _condition(facts, definition)
    parts = ", ".join(f"{name} AS ({text})" for name, text in facts.parts.items())
    head = f"WITH {parts}" if parts else ""
    joins = "\n".join(facts.joins.values())
    body = f"""FROM members m
{joins}
WHERE m.id > $1 AND m.id <= $2 AND m.status IN ('active', 'suspended') AND {condition}"""
    return Query(
        f"{head}\nSELECT m.id {body}\nORDER BY m.id",
        f"{head}\nSELECT count(*), count(*) FILTER ({_REACHABLE}) {body}",
        facts.values,
    )


def _condition(facts: Facts, definition: c.Definition) -> str:
    """A definition as a condition that is true or false, never unknown."""
    match definition:
        case c.All(of):
            return f"({' AND '.join(_condition(facts, each) for each in of)})"
        case c.Either(of):
            return f"({' OR '.join(_condition(facts, each) for each in of)})"
        case c.Not(of):
            return f"NOT {_condition(facts, of)}"
    return f"coalesce({_WRITTEN[type(definition)](facts, definition)}, false)"


def _points(facts: Facts, points: c.Points) -> str:
    return facts.between(facts.balance(), points.min, points.max)


def _rank(facts: Facts, rank: c.Rank) -> str:
    facts.rank()
    return _one_of(facts, "r.code", rank.in_)


def _one_of(facts: Facts, column: str, codes: Sequence[str | None]) -> str:
    named = facts.value([code for code in codes if code is not None], "text[]")
    none = f" OR {column} IS NULL" if None in codes else ""
    return f"(coalesce({column} = ANY({named}), false){none})"


def _next_rank(facts: Facts, wanted: c.NextRank) -> str:
    """The first level above the member's own that is not earned yet, if it is near enough."""
    levels = facts.as_of.levels
    if not levels:
        return "false"
    facts.rank()
    facts.metrics()
    places = " ".join(
        f"WHEN {facts.value(level.code, 'text')} THEN {place}" for place, level in enumerate(levels)
    )
    place = f"(CASE r.code {places} ELSE -1 END)"
    cases = []
    for index, level in enumerate(levels):
        required = {
            name: facts.value(needed, "bigint")
            for name in _MEASURES
            if (needed := getattr(level.requires, name)) is not None
        }
        if required:
            unmet = " OR ".join(f"{_have(name)} < {needed}" for name, needed in required.items())
            near = " AND ".join(_near(facts, wanted, *each) for each in required.items())
            cases.append(f"WHEN {place} < {index} AND ({unmet}) THEN {near}")
    return f"(CASE {' '.join(cases)} ELSE false END)" if cases else "false"


def _have(measure: str) -> str:
    return f"coalesce(metrics.{measure}, 0)"


def _near(facts: Facts, wanted: c.NextRank, measure: str, needed: str) -> str:
    """One requirement of a level: met, or as near as is wanted."""
    have, near = _have(measure), []
    if wanted.within is not None:
        gap = facts.value(wanted.within.get(measure, 0), "bigint")
        near.append(f"{have} >= {needed} - {gap}")
    if wanted.progress is not None:
        share = facts.value(wanted.progress, "bigint")
        near.append(f"({have} >= {needed} OR 100 * greatest({have}, 0) >= {share} * {needed})")
    return " AND ".join(near)


def _last_visit(facts: Facts, visit: c.LastVisit) -> str:
    facts.account()
    found = []
    if visit.before_days is not None:
        at = facts.value(facts.as_of.days(visit.before_days), "timestamptz")
        found.append(f"a.last_visit_at < {at}")
    if visit.within_days is not None:
        at = facts.value(facts.as_of.days(visit.within_days), "timestamptz")
        found.append(f"a.last_visit_at >= {at}")
    seen = " AND ".join(found)
    never = ["a.last_visit_at IS NULL"] if visit.never else []
    return f"({' OR '.join([*([f'({seen})'] if seen else []), *never])})"


def _visits(facts: Facts, visits: c.Visits) -> str:
    if visits.days is None:
        facts.account()
        return facts.between("a.visits", visits.min, visits.max)
    what = f"coalesce({facts.purchases(visits.days)}.visits, 0)"
    return facts.between(what, visits.min, visits.max)


def _spent(facts: Facts, spent: c.Spent) -> str:
    if spent.days is None:
        facts.account()
        return facts.between("a.amount_spent", spent.min, spent.max)
    what = f"coalesce({facts.purchases(spent.days)}.spent, 0)"
    return facts.between(what, spent.min, spent.max)


def _bought(facts: Facts, bought: c.Bought) -> str:
    conditions = [IN_RANGE.format("p"), _KEPT]
    if bought.days is not None:
        since = facts.value(facts.as_of.days(bought.days), "timestamptz")
        conditions.append(f"p.occurred_at >= {since}")
    if bought.stores:
        conditions.append(f"p.store = ANY({facts.value(list(bought.stores), 'text[]')})")
    what = [
        f"item ->> '{name}' = ANY({facts.value(list(wanted), 'text[]')})"
        for name, wanted in (("sku", bought.skus), ("category", bought.categories))
        if wanted
    ]
    if what:
        conditions.append(f"EXISTS ({_LINES.format(what=' OR '.join(what))})")
    name = facts.part(
        f"bought_{len(facts.parts)}",
        f"SELECT DISTINCT p.member_id FROM purchases p WHERE {' AND '.join(conditions)}",
    )
    return f"{name}.member_id IS NOT NULL"


def _expiring(facts: Facts, expiring: c.Expiring) -> str:
    return facts.between(facts.expiring(expiring.days), expiring.min, None)


def _birthday_month(facts: Facts, wanted: c.BirthdayMonth) -> str:
    this = facts.as_of.today.month
    month = {"this": this, "next": this % 12 + 1}.get(str(wanted.month), wanted.month)
    return f"extract(month FROM m.birthday) = {facts.value(month, 'integer')}"


def _age(facts: Facts, age: c.Age) -> str:
    found = []
    if age.min is not None:
        found.append(f"m.birthday <= {facts.value(_born_by(facts.as_of, age.min), 'date')}")
    if age.max is not None:
        born_by = _born_by(facts.as_of, age.max + 1)
        found.append(f"m.birthday > {facts.value(born_by, 'date')}")
    return " AND ".join(found)


def _born_by(as_of: AsOf, years: int) -> date:
    """The last birthday of who is so many years old; of 29 February, they are on 1 March."""
    today = as_of.today
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return date(today.year - years, 2, 28)


def _joined(facts: Facts, joined: c.Joined) -> str:
    found = []
    if joined.days is not None:
        at = facts.value(facts.as_of.days(joined.days), "timestamptz")
        found.append(f"m.joined_at >= {at}")
    if joined.before_days is not None:
        at = facts.value(facts.as_of.days(joined.before_days), "timestamptz")
        found.append(f"m.joined_at < {at}")
    if joined.routes:
        found.append(_one_of(facts, "m.route", joined.routes))
    return " AND ".join(found)


def _attribute(facts: Facts, wanted: Any) -> str:
    facts.profile()
    name = "gender" if isinstance(wanted, c.Gender) else "area"
    return f"f.{name} = ANY({facts.value(list(wanted.in_), 'text[]')})"


def _tags(facts: Facts, tags: c.Tags) -> str:
    facts.profile()
    found = [f"f.tags && {facts.value(list(tags.any), 'text[]')}"] if tags.any else []
    found += [f"f.tags @> {facts.value(list(tags.all), 'text[]')}"] if tags.all else []
    return " AND ".join(found)


_LINE = {
    "linked": "m.line_user_id IS NOT NULL",
    "reachable": "m.line_user_id IS NOT NULL AND m.friend",
    "blocked": "m.line_user_id IS NOT NULL AND NOT m.friend",
    "none": "m.line_user_id IS NULL",
}
_WRITTEN: dict[type[Any], Callable[[Facts, Any], str]] = {
    c.Everybody: lambda _, __: "true",
    c.One: lambda facts, one: f"m.id = {facts.value(one.id, 'uuid')}",
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
