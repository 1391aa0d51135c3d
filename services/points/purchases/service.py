"""Service points: given by staff with a reason, such as a rainy day, within the program's limits.

They are earned like any others: they expire, wait and count for ranks as the program says. What an
owner's key gives has no limit here; `adjusting` is for corrections, which count for no rank.
"""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points.accounts.books import Book, Terms, open_books
from services.points.errors import MemberGone, ServiceRefused
from services.points.programs.rulebook import Edition, Rulebook
from services.points.rules import lots
from services.points.rules.program import Program
from services.points.store import service as store
from shared.bus.handling import Batch
from shared.events import Event, PointsEarned, new_event

SOURCE = "/points/service"
SERVICE = "service"


class Wish(Struct, frozen=True):
    """What staff want to give: `points`, or what the program's service rule `rule` gives. A rule's
    name is a reason too. `by_till`: within the limits for tills and staff; `given_today` is what
    the giver gave to everybody so far, where that counts."""

    points: int | None
    rule: str | None
    reason: str | None
    store: str | None
    by_till: bool
    given_today: int = 0


async def give(
    batch: Batch, rulebook: Rulebook, member_id: UUID, wish: Wish, *, cause: UUID, actor: str
) -> str:
    """Give a member that there is service points; returns the id of the entry.

    Raises ServiceRefused, which says what the program would have to allow, and MemberGone for who
    has left.
    """
    books = await open_books(batch.connection, rulebook, [member_id])
    book, edition = books[member_id], books.edition
    if book.account.status == "left":
        raise MemberGone("left", None)
    points, reason = granted(edition.program, wish)
    if wish.by_till:
        since, until = today(books.now, books.zone)
        given = await store.given_by_tills(batch.connection, member_id, since, until)
        require_left(edition.program, given)
        require_budget(edition.program, wish.given_today, points)
    explanation = {"points": points, "reason": reason, "rule": wish.rule, "store": wish.store}
    terms = _terms(edition, books.now)
    entry = book.post(
        "earn",
        points,
        cause=cause,
        source=SERVICE,
        actor=actor,
        explanation={name: value for name, value in explanation.items() if value is not None},
        terms=terms,
    )
    book.movement.earned += points
    books.tell(_earned(book, entry.id, points, reason, wish.store, books.now, terms.active_at))
    await books.write(batch)
    return str(entry.id)


def granted(program: Program, wish: Wish) -> tuple[int, str]:
    """The points and the reason that the program lets staff give. Raises ServiceRefused."""
    if wish.rule is not None:
        rule = next((each for each in program.service.rules if each.id == wish.rule), None)
        if rule is None:
            raise ServiceRefused(f"the program has no service rule {wish.rule!r}; use one it has")
        return rule.points, wish.reason or rule.name or rule.id
    points, most = wish.points or 0, program.service.maximum_points
    if wish.by_till and points > most:
        raise ServiceRefused(
            f"a till may give at most {most} service points; give fewer, use a service rule or an "
            "owner key, or raise service.maximum_points in the program"
        )
    return points, wish.reason or ""


def require_left(program: Program, given: int) -> None:
    """Raise ServiceRefused when tills have given a member enough for a day."""
    most = program.service.per_day
    if given >= most:
        raise ServiceRefused(
            f"tills may give a member service points {most} time(s) a day, and did; come back "
            "tomorrow, or use an owner key"
        )


def require_budget(program: Program, given: int, points: int) -> None:
    """Raise ServiceRefused for more than one giver may give in a day to everybody together."""
    most = program.service.points_per_day
    if most is not None and given + points > most:
        raise ServiceRefused(
            f"{max(most - given, 0)} of the {most} service points that one giver may give in a day "
            "are left; give fewer, or ask a manager"
        )


def _terms(edition: Edition, now: datetime) -> Terms:
    of = Terms.of(edition, now)
    active_at = lots.active_from(edition.program, now)
    waits = active_at if active_at > now else None
    return Terms(waits, of.expires_at, of.sliding_months)


def today(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The calendar day of a moment: from when, and until before when."""
    day = now.astimezone(zone).date()
    return lots.midnight(day, zone), lots.midnight(day + timedelta(days=1), zone)


def _earned(
    book: Book,
    entry: UUID,
    points: int,
    reason: str,
    at: str | None,
    now: datetime,
    usable_from: datetime | None,
) -> Event[PointsEarned]:
    earned = PointsEarned(
        member_id=book.member_id,
        entry_id=entry,
        source=SERVICE,
        points=points,
        balance=book.balance,
        occurred_at=now,
        line_user_id=book.account.line_user_id,
        store=at,
        reason=reason,
        usable_from=usable_from,
    )
    return new_event(SOURCE, earned, subject=str(book.member_id))
