"""Who meets a segment's conditions, worked out one member at a time from what the API says of them:
the independent computation that counts are held against. Knows no SQL of segments."""

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from services.points.accounts import standing
from services.points.programs.rulebook import Rulebook
from services.points.rules.profiles import Profile
from services.points.segments import conditions as c
from services.points.store import profiles, refunds
from services.points.web import schemas, summary
from shared import clock


class Person(Struct, frozen=True):
    """A member as the API shows one, with attributes, purchases and how they came."""

    id: UUID
    shown: schemas.Member
    expiring: Sequence[tuple[datetime, int]]
    profile: Profile
    amount_spent: int
    line_user_id: str | None
    friend: bool
    route: str | None
    purchases: Sequence["Bought"]


class Bought(Struct, frozen=True):
    """A purchase and what is left of it."""

    at: datetime
    store: str
    kept: int
    visits: int
    whole: bool
    lines: Sequence[dict[str, Any]]


async def everybody(pool: Any, zone: ZoneInfo) -> list[Person]:
    """All who are members now, each looked at by themselves."""
    rows = await pool.fetch("SELECT * FROM members WHERE status IN ('active', 'suspended')")
    people = []
    async with pool.acquire() as connection:
        for row in rows:
            (shown,) = await summary.members(connection, Rulebook(), [row["id"]])
            known = await profiles.find(connection, row["id"])
            holds = await standing.of_members(connection, [row["id"]], zone, clock.now())
            spent = await pool.fetchval(
                "SELECT amount_spent FROM accounts WHERE member_id = $1", row["id"]
            )
            people.append(
                Person(
                    row["id"],
                    shown,
                    holds[row["id"]].expiring,
                    known or Profile(),
                    spent,
                    row["line_user_id"],
                    row["friend"],
                    row["route"],
                    await _bought(connection, pool, row["id"]),
                )
            )
    return people


async def _bought(connection: Any, pool: Any, member: UUID) -> list[Bought]:
    found = []
    for row in await pool.fetch("SELECT * FROM purchases WHERE member_id = $1", member):
        lines = msgspec.json.decode(row["purchase"]).get("lines", [])
        back = await refunds.of_purchase(connection, member, row["id"])
        for each in back:
            for unit in msgspec.json.decode(each.lines or "[]"):
                line = lines[unit["line"]]
                line["quantity"] = line.get("quantity", 1) - unit["quantity"]
        found.append(
            Bought(
                row["occurred_at"],
                row["store"],
                row["total"] - sum(each.amount for each in back),
                row["visits"],
                bool(back) and sum(each.amount for each in back) == row["total"],
                [line for line in lines if line.get("quantity", 1) > 0],
            )
        )
    return found


class Judge:
    """Says of each person whether they meet a definition, on the shop's day at `now`."""

    def __init__(self, now: datetime, zone: ZoneInfo) -> None:
        self._now, self._zone = now, zone
        self._today = now.astimezone(zone).date()

    def meets(self, person: Person, wanted: c.Definition) -> bool:
        """Whether this is one of them."""
        match wanted:
            case c.All(of):
                return all(self.meets(person, each) for each in of)
            case c.Either(of):
                return any(self.meets(person, each) for each in of)
            case c.Not(of):
                return not self.meets(person, of)
        return bool(_JUDGED[type(wanted)](self, person, wanted))

    def ago(self, at: datetime) -> int:
        """How many of the shop's days ago something was."""
        return (self._today - at.astimezone(self._zone).date()).days

    def ahead(self, at: datetime) -> int:
        return -self.ago(at)

    def age(self, born: date) -> int:
        had = (self._today.month, self._today.day) >= (born.month, born.day)
        return self._today.year - born.year - (not had)

    def month(self, wanted: Any) -> int:
        first = self._today.replace(day=1)
        following = (first + timedelta(days=32)).month
        return {"this": first.month, "next": following}.get(wanted, wanted)

    def within(self, person: Person, days: int | None) -> list[Bought]:
        """Purchases in the last days, today included; without days, ever."""
        return [each for each in person.purchases if days is None or self.ago(each.at) < days]


def _between(value: int, wanted: Any) -> bool:
    least = wanted.min if wanted.min is not None else value
    most = wanted.max if wanted.max is not None else value
    return bool(least <= value <= most)


def _near(person: Person, wanted: c.NextRank) -> bool:
    following = person.shown.next_rank
    if following is None:
        return False
    near = True
    if wanted.within is not None:
        near = all(gap <= wanted.within.get(name, 0) for name, gap in following.missing.items())
    return near and (wanted.progress is None or following.progress >= wanted.progress)


def _seen(judge: Judge, person: Person, wanted: c.LastVisit) -> bool:
    at = person.shown.last_visit_at
    if at is None:
        return wanted.never
    if wanted.before_days is None and wanted.within_days is None:
        return False
    long_ago = wanted.before_days is None or judge.ago(at) >= wanted.before_days
    return long_ago and (wanted.within_days is None or judge.ago(at) < wanted.within_days)


def _visits(judge: Judge, person: Person, wanted: c.Visits) -> bool:
    if wanted.days is None:
        return _between(person.shown.lifetime.visits, wanted)
    return _between(sum(each.visits for each in judge.within(person, wanted.days)), wanted)


def _spent(judge: Judge, person: Person, wanted: c.Spent) -> bool:
    if wanted.days is None:
        return _between(person.amount_spent, wanted)
    return _between(sum(each.kept for each in judge.within(person, wanted.days)), wanted)


def _bought_it(judge: Judge, person: Person, wanted: c.Bought) -> bool:
    for each in judge.within(person, wanted.days):
        if each.whole or (wanted.stores and each.store not in wanted.stores):
            continue
        if not (wanted.skus or wanted.categories):
            return True
        for line in each.lines:
            if line.get("sku") in wanted.skus or line.get("category") in wanted.categories:
                return True
    return False


def _expires(judge: Judge, person: Person, wanted: c.Expiring) -> bool:
    soon = [points for at, points in person.expiring if judge.ahead(at) <= wanted.days]
    return sum(soon) >= wanted.min


def _line(_: Judge, person: Person, wanted: c.Line) -> bool:
    linked = person.line_user_id is not None
    return {
        "linked": linked,
        "none": not linked,
        "reachable": linked and person.friend,
        "blocked": linked and not person.friend,
    }[wanted.state]


def _joined(judge: Judge, person: Person, wanted: c.Joined) -> bool:
    ago = judge.ago(person.shown.joined_at)
    return (
        (wanted.days is None or ago < wanted.days)
        and (wanted.before_days is None or ago >= wanted.before_days)
        and (not wanted.routes or person.route in wanted.routes)
    )


_JUDGED: dict[type[Any], Callable[[Judge, Person, Any], bool]] = {
    c.Everybody: lambda *_: True,
    c.One: lambda _, person, it: person.id == it.id,
    c.Points: lambda _, person, it: _between(person.shown.points.balance, it),
    c.Rank: lambda _, person, it: (person.shown.rank and person.shown.rank.code) in it.in_,
    c.NextRank: lambda _, person, it: _near(person, it),
    c.LastVisit: _seen,
    c.Visits: _visits,
    c.Spent: _spent,
    c.Bought: _bought_it,
    c.Expiring: _expires,
    c.BirthdayMonth: lambda judge, person, it: (
        person.profile.birthday is not None
        and person.profile.birthday.month == judge.month(it.month)
    ),
    c.Age: lambda judge, person, it: (
        person.profile.birthday is not None and _between(judge.age(person.profile.birthday), it)
    ),
    c.Gender: lambda _, person, it: person.profile.gender in it.in_,
    c.Area: lambda _, person, it: person.profile.area in it.in_,
    c.Tags: lambda _, person, it: (
        (not it.any or bool({*it.any} & {*person.profile.tags}))
        and {*it.all} <= {*person.profile.tags}
    ),
    c.Joined: _joined,
    c.Line: _line,
}


async def attributes(pool: Any, members: Sequence[UUID], chance: random.Random) -> None:
    """Give members what the shop may know of them, or not."""
    await pool.execute(
        """INSERT INTO routes (code, name, kind, active, created_at, changed_at)
        VALUES ('poster', 'ポスター', 'poster', true, $1, $1)""",
        clock.now(),
    )
    for member in members:
        born = date(1960, 1, 1) + timedelta(days=chance.randrange(18_000))
        joined_at = clock.now() - timedelta(hours=chance.randrange(100 * 24))
        route = chance.choice(("poster", None))
        await pool.execute(
            """UPDATE members SET birthday = $2, joined_at = $3, friend = friend AND $4,
            status = $5, route = $6, route_at = $7
            WHERE id = $1 AND status = 'active'""",
            member,
            chance.choice((born, None, born.replace(year=1988, month=2, day=29))),
            joined_at,
            chance.random() < 0.7,
            chance.choice(("active", "active", "suspended")),
            route,
            joined_at if route else None,
        )
        if chance.random() < 0.7:
            await pool.execute(
                """INSERT INTO profiles (member_id, gender, area, fields, consent, tags, names)
                VALUES ($1, $2, $3, '{}', '{}', $4, '')""",
                member,
                chance.choice(("f", "m", None)),
                chance.choice(("東京", "大阪", None)),
                chance.sample(["a", "b", "c"], chance.randrange(4)),
            )
