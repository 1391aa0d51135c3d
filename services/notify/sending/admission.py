"""Whether a push may cost the shop money now: asked right before each call that does.

Owns the question only; the budget that answers it stands in `quota`. Replies are free and are never
asked about.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, Protocol
from uuid import UUID


class Verdict(NamedTuple):
    """`hold` puts it back until `until` (the month's turn if None), `drop` ends it; both with the
    reason, in words for the owner."""

    action: Literal["send", "hold", "drop"]
    until: datetime | None = None
    reason: str | None = None


SEND = Verdict("send")
REFUSED = Verdict("hold", None, "the month's quota of LINE messages is used up")
CLOSED = timedelta(minutes=1)


class Admission(Protocol):
    """Who decides, in memory and at once: nobody waits for a database here."""

    def admit(self, category: str, priority: int, recipients: int, now: datetime) -> Verdict:
        """Whether a push, or a multicast to so many, may go out."""

    def sent(
        self,
        category: str,
        kind: str,
        broadcast_id: UUID | None,
        recipients: int,
        now: datetime,
    ) -> None:
        """LINE took it (200, or 409 of its own retry key): told once for each call."""

    def refused_by_quota(self, now: datetime) -> None:
        """LINE answered that the month's limit is reached."""


class Everything:
    """Admits all, but for a minute after LINE refused: a shop without a budget."""

    _closed_until = datetime.min.replace(tzinfo=UTC)

    def admit(self, category: str, priority: int, recipients: int, now: datetime) -> Verdict:
        """Yes, unless LINE has just said no."""
        return SEND if now >= self._closed_until else REFUSED

    def sent(
        self,
        category: str,
        kind: str,
        broadcast_id: UUID | None,
        recipients: int,
        now: datetime,
    ) -> None:
        """Nobody counts."""

    def refused_by_quota(self, now: datetime) -> None:
        """What comes in the next minute is held until the month turns, without asking LINE."""
        self._closed_until = now + CLOSED
