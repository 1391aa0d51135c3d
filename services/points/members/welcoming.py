"""Welcome points: once in a lifetime, as the ledger itself remembers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.points.accounts.postings import credit, movement_of
from services.points.programs.rulebook import Edition
from services.points.store.ledger import Account, Movement, Posting
from shared import ids
from shared.events import Event, PointsEarned, new_event

SOURCE = "/points/members"
WELCOME = "welcome"


def posting(
    account: Account, movements: dict[UUID, Movement], edition: Edition, now: datetime
) -> Posting | None:
    """The entry that welcomes a member, whose account must be locked; None if the program has no
    welcome. The entry's cause lets a member have but one."""
    points = edition.program.welcome.points
    if not points:
        return None
    return credit(
        account,
        movement_of(movements, account),
        edition.program,
        id=ids.new_id(),
        kind="earn",
        points=points,
        cause=ids.derived_id("welcome", str(account.member_id)),
        occurred_at=now,
        now=now,
        source=WELCOME,
        actor="program",
        version=edition.version,
        explanation={"points": points},
    )


def told(posting: Posting, account: Account, cause: Event[Any] | None) -> Event[PointsEarned]:
    """What is said of it."""
    earned = PointsEarned(
        member_id=account.member_id,
        entry_id=posting.id,
        source=WELCOME,
        points=posting.amount,
        balance=account.balance,
        occurred_at=posting.occurred_at,
        line_user_id=account.line_user_id,
        usable_from=posting.active_at,
    )
    return new_event(SOURCE, earned, subject=str(account.member_id), cause=cause)
