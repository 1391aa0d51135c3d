"""Which message an event asks for, and what stands in its slots. Pure.

One function per event type; None means that there is nothing to say. Times are told in the
program's time zone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.notify.errors import Untellable
from services.notify.wording import Wording
from shared.events import (
    ChatDataProvided,
    MemberJoined,
    MemberReturned,
    MissingToNext,
    PointsAdjusted,
    PointsEarned,
    RankChanged,
)

MOST_ENTRIES = 5


class Said(NamedTuple):
    """A kind of message and the values of its slots."""

    kind: str
    values: Mapping[str, str]


def joined(data: MemberJoined, wording: Wording, zone: ZoneInfo) -> Said:
    """The welcome, with the welcome points if there are any."""
    kind = "joined_with_points" if data.welcome_points > 0 else "joined"
    return Said(
        kind,
        {
            "card": data.card,
            "points": f"{data.welcome_points:,}",
            "balance": f"{data.balance:,}",
        },
    )


def returned(data: MemberReturned, wording: Wording, zone: ZoneInfo) -> Said:
    """Welcome back: nothing was lost."""
    return Said("returned", {"card": data.card, "balance": f"{data.balance:,}"})


def earned(data: PointsEarned, wording: Wording, zone: ZoneInfo) -> Said | None:
    """The receipt of a purchase's points. Welcome points are told by the welcome itself."""
    if data.source != "purchase" or data.points <= 0:
        return None
    return Said(
        "earned",
        {
            "points": f"{data.points:,}",
            "balance": f"{data.balance:,}",
            "when": _when(data.occurred_at, zone),
        },
    )


def adjusted(data: PointsAdjusted, wording: Wording, zone: ZoneInfo) -> Said | None:
    """Points added or taken by hand, with the reason that was given."""
    if data.points == 0:
        return None
    return Said(
        "points_added" if data.points > 0 else "points_taken",
        {
            "points": f"{abs(data.points):,}",
            "balance": f"{data.balance:,}",
            "reason": data.reason or "-",
        },
    )


def rank_changed(data: RankChanged, wording: Wording, zone: ZoneInfo) -> Said | None:
    """A rank that was reached. A rank that was lost is not announced: the card shows it."""
    name = data.to_name or data.to_rank
    if data.direction != "up" or not name:
        return None
    return Said("rank_reached", {"rank": name})


def chat_answer(data: ChatDataProvided, wording: Wording, zone: ZoneInfo) -> Said:
    """The answer to a question in chat. Raises Untellable for a topic that nobody asked about."""
    if data.topic == "balance":
        values = {"balance": f"{data.balance:,}", "details": _details(data, wording)}
        return Said("balance", values)
    if data.topic == "why":
        if not data.entries:
            return Said("why_nothing", {})
        return Said("why", {"entries": _entries(data, wording, zone)})
    raise Untellable(f"no words for the topic {data.topic!r}")


def _details(data: ChatDataProvided, wording: Wording) -> str:
    """Pending points, rank and what is missing to the next one; each a line of its own."""
    lines = []
    if data.pending:
        lines.append(wording.phrase("pending", n=f"{data.pending:,}"))
    if data.rank:
        lines.append(wording.phrase("rank", rank=data.rank))
    if data.next_rank:
        missing = _missing(data.next_rank, wording)
        lines.append(wording.phrase("next_rank", rank=data.next_rank.name, missing=missing))
    return "".join(f"\n{line}" for line in lines)


def _missing(missing: MissingToNext, wording: Wording) -> str:
    parts = {
        "missing_points": missing.points_earned,
        "missing_spend": missing.amount_spent,
        "missing_visits": missing.visits,
    }
    told = [wording.phrase(name, n=f"{n:,}") for name, n in parts.items() if n]
    return wording.phrase("separator").join(told)


def _entries(data: ChatDataProvided, wording: Wording, zone: ZoneInfo) -> str:
    return "\n\n".join(
        wording.phrase(
            "entry",
            when=_when(entry.occurred_at, zone),
            points=f"{entry.points:+,}",
            text=entry.en if wording.language == "en" else entry.ja,
        )
        for entry in data.entries[:MOST_ENTRIES]
    )


def _when(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.year}/{local.month:02}/{local.day:02} {local.hour:02}:{local.minute:02}"
