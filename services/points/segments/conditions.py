"""The conditions of a segment as values. Pure: what each means to the day and the point stands in
docs/segments.md."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from msgspec import Struct


class All(Struct, frozen=True):
    """Who meets each of these."""

    of: "tuple[Definition, ...]"


class Either(Struct, frozen=True):
    """Who meets at least one of these."""

    of: "tuple[Definition, ...]"


class Not(Struct, frozen=True):
    """Everybody whom this does not take, so also those of whom nothing is known."""

    of: "Definition"


class Everybody(Struct, frozen=True):
    """Every member there is."""


class One(Struct, frozen=True):
    """A single member."""

    id: UUID


class Points(Struct, frozen=True):
    """Points that can be spent now; below zero in debt."""

    min: int | None = None
    max: int | None = None


class Rank(Struct, frozen=True):
    """One of these ranks, by code; None is having no rank."""

    in_: tuple[str | None, ...]


class NextRank(Struct, frozen=True):
    """On the way to the next rank: nothing more is missing than these (`within`), or each missing
    measure is met to so many percent (`progress`). Not for who stands on the highest."""

    within: Mapping[str, int] | None = None
    progress: int | None = None


class LastVisit(Struct, frozen=True):
    """When the member was last seen, in the shop's days; `never`: no visit at all."""

    before_days: int | None = None
    within_days: int | None = None
    never: bool = False


class Visits(Struct, frozen=True):
    """Visits in the last so many days, today included; without `days` ever."""

    min: int | None = None
    max: int | None = None
    days: int | None = None


class Spent(Struct, frozen=True):
    """Money spent (minor units), less refunds, in the last so many days, today included."""

    min: int | None = None
    max: int | None = None
    days: int | None = None


class Bought(Struct, frozen=True):
    """A purchase in one of the stores, with one of the products or of the categories, of which
    something was kept."""

    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    days: int | None = None


class Expiring(Struct, frozen=True):
    """Points that expire within so many days: at least `min` of them."""

    days: int
    min: int = 1


class BirthdayMonth(Struct, frozen=True):
    """Born in this month (1 to 12), or in the shop's present or next one."""

    month: int | Literal["this", "next"]


class Age(Struct, frozen=True):
    """Years of age today, in the shop's time zone."""

    min: int | None = None
    max: int | None = None


class Gender(Struct, frozen=True):
    """One of these, as the shop writes it."""

    in_: tuple[str, ...]


class Area(Struct, frozen=True):
    """One of these, as the shop writes it."""

    in_: tuple[str, ...]


class Tags(Struct, frozen=True):
    """At least one of `any`, and each of `all`."""

    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()


class Joined(Struct, frozen=True):
    """When the member joined: in the last so many days, or longer ago; by which routes, by code
    (None: by none)."""

    days: int | None = None
    before_days: int | None = None
    routes: tuple[str | None, ...] = ()


class Line(Struct, frozen=True):
    """`linked`: has a LINE account here; `reachable`: and has not blocked it; `blocked`: has;
    `none`: has none."""

    state: Literal["linked", "reachable", "blocked", "none"]


Condition = (
    Everybody
    | One
    | Points
    | Rank
    | NextRank
    | LastVisit
    | Visits
    | Spent
    | Bought
    | Expiring
    | BirthdayMonth
    | Age
    | Gender
    | Area
    | Tags
    | Joined
    | Line
)
Definition = All | Either | Not | Condition
