"""Which message an event asks for, and what stands in its slots. Pure.

One function per event type; None means that there is nothing to say. Times are told in the
program's time zone.
"""

from collections.abc import Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.notify.errors import Untellable
from services.notify.sending.link_offers import PLACEHOLDER
from services.notify.templates.moments import last_day, minute
from services.notify.templates.variables import NOTHING
from services.notify.templates.wording import LINK_REASONS, Wording
from shared.events import (
    ChatDataProvided,
    ExpiringPoints,
    LinkRefused,
    MemberJoined,
    MemberLinked,
    MemberReturned,
    MemberUnlinked,
    MissingToNext,
    PointsAdjusted,
    PointsEarned,
    PointsExpiring,
    PointsRedeemed,
    PointsReversed,
    RankChanged,
    RankExpiring,
)

MOST_ENTRIES = 5


class Said(NamedTuple):
    """A kind of message and the values of its slots; or `messages` as they are, where no template
    can say it."""

    kind: str
    values: Mapping[str, str]
    messages: str | None = None


def joined(data: MemberJoined, wording: Wording, zone: ZoneInfo) -> Said:
    """The welcome, with the welcome points if there are any, and from when they can be spent."""
    values = {
        "card": data.card,
        "points": f"{data.welcome_points:,}",
        "balance": f"{data.balance:,}",
    }
    if data.welcome_points <= 0:
        return Said("joined", values)
    if data.usable_from is not None:
        usable = minute(data.usable_from, zone)
        return Said("joined_with_pending_points", {**values, "usable": usable})
    return Said("joined_with_points", values)


def returned(data: MemberReturned, wording: Wording, zone: ZoneInfo) -> Said:
    """Welcome back: nothing was lost."""
    return Said("returned", {"card": data.card, "balance": f"{data.balance:,}"})


def earned(data: PointsEarned, wording: Wording, zone: ZoneInfo) -> Said | None:
    """The receipt of a purchase's points, or points given by staff with their reason. Welcome
    points are told by the welcome itself, a rank's by the news of the rank. Where points wait
    first, it tells from when they can be spent."""
    if data.points <= 0 or data.source not in ("purchase", "service"):
        return None
    values = {"points": f"{data.points:,}", "balance": f"{data.balance:,}"}
    kind = "earned"
    if data.source == "service":
        kind, values["reason"] = "points_given", data.reason or "-"
    else:
        values["when"] = minute(data.occurred_at, zone)
    if data.usable_from is None:
        return Said(kind, values)
    return Said(f"{kind}_pending", {**values, "usable": minute(data.usable_from, zone)})


def redeemed(data: PointsRedeemed, wording: Wording, zone: ZoneInfo) -> Said:
    """Points that were spent: whoever did not spend them notices."""
    values = {"points": f"{data.points:,}", "balance": f"{data.balance:,}"}
    return Said("redeemed", values)


def adjusted(data: PointsAdjusted, wording: Wording, zone: ZoneInfo) -> Said | None:
    """Points added or taken by hand, with the reason that was given."""
    if data.points == 0 or data.quiet:
        return None
    return Said(
        "points_added" if data.points > 0 else "points_taken",
        {
            "points": f"{abs(data.points):,}",
            "balance": f"{data.balance:,}",
            "reason": data.reason or "-",
        },
    )


def reversed_(data: PointsReversed, wording: Wording, zone: ZoneInfo) -> Said | None:
    """A refund: points taken back, points spent on the purchase that returned."""
    parts = {"refund_taken": data.points_taken_back, "refund_returned": data.points_returned}
    details = [wording.phrase(name, n=f"{points:,}") for name, points in parts.items() if points]
    if not details:
        return None
    values = {"balance": f"{data.balance:,}", "details": "\n".join(details)}
    return Said("refunded", values)


def rank_changed(data: RankChanged, wording: Wording, zone: ZoneInfo) -> Said | None:
    """A rank that was reached, with what it gave. A rank that was lost is not announced: the card
    shows it."""
    name = data.to_name or data.to_rank
    if data.direction != "up" or not name or data.quiet:
        return None
    kind = "rank_reached_with_points" if data.points > 0 else "rank_reached"
    brings = data.brings_en if wording.language == "en" else data.brings_ja
    return Said(
        kind,
        {
            "rank": name,
            "points": f"{data.points:,}",
            "brings": brings or wording.phrase("rank_brings_nothing"),
        },
    )


def rank_expiring(data: RankExpiring, wording: Wording, zone: ZoneInfo) -> Said | None:
    """A rank that will be lost, the last day on which it is sure, and what keeps it."""
    missing = data.missing.en if wording.language == "en" else data.missing.ja
    if not missing:
        return None
    day = last_day(data.keep_until, zone)
    return Said("rank_expiring", {"rank": data.name, "when": day, "missing": missing})


def points_expiring(data: PointsExpiring, wording: Wording, zone: ZoneInfo) -> Said | None:
    """Points that are about to expire: how many, and the last day of each; all dates together."""
    dates = [ExpiringPoints(data.points, data.expires_at, data.days), *data.later]
    told = [
        (f"{each.points:,}", last_day(each.expires_at, zone)) for each in dates if each.points > 0
    ]
    if not told:
        return None
    entries = [
        wording.phrase("expiring", points=points, when=day) for points, day in told[:MOST_ENTRIES]
    ]
    points, day = told[0]
    values = {"points": points, "when": day, "balance": f"{data.balance:,}"}
    return Said("points_expiring", {**values, "entries": "\n".join(entries)})


def chat_answer(data: ChatDataProvided, wording: Wording, zone: ZoneInfo) -> Said:
    """The answer to a question in chat. Raises Untellable for a topic that nobody asked about."""
    if data.topic == "balance":
        return _balance(data, wording)
    if data.topic == "why":
        if not data.entries:
            return Said("why_nothing", {})
        return Said("why", {"entries": _entries(data, wording, zone)})
    if data.topic == "link":
        return Said("link_offer", {"link": PLACEHOLDER})
    raise Untellable(f"no words for the topic {data.topic!r}")


def linked(data: MemberLinked, wording: Wording, zone: ZoneInfo) -> Said:
    """A card was linked: its number from now on, and all the points."""
    kind = "linked_with_points" if data.welcome_points > 0 else "linked"
    values = {
        "card": data.card,
        "points": f"{data.welcome_points:,}",
        "balance": f"{data.balance:,}",
    }
    return Said(kind, values)


def unlinked(data: MemberUnlinked, wording: Wording, zone: ZoneInfo) -> Said:
    """A link was taken back."""
    return Said("unlinked", {"card": data.card, "balance": f"{data.balance:,}"})


def link_refused(data: LinkRefused, wording: Wording, zone: ZoneInfo) -> Said:
    """Why a card was not linked, and what to do. A reason that is newer than this is told in
    general words."""
    reason = data.reason if data.reason in LINK_REASONS else "expired"
    return Said("link_refused", {"text": wording.phrase(f"link_{reason}")})


def _balance(data: ChatDataProvided, wording: Wording) -> Said:
    """The balance, with the way to the next rank where there is one to tell of."""
    values = {
        "balance": f"{data.balance:,}",
        "card": data.card,
        "rank": data.rank or NOTHING,
        "details": _details(data, wording),
    }
    following = data.next_rank
    if following is None or not (missing := _to_next(following, wording)):
        return Said("balance", values)
    progress = str(max(0, min(following.progress, 100)))
    values |= {"next_rank": following.name, "missing": missing, "progress": progress}
    return Said("balance_next_rank", values)


def _details(data: ChatDataProvided, wording: Wording) -> str:
    """Pending points and rank, each a line of its own; something to do where there is neither."""
    lines = []
    if data.status == "suspended":
        lines.append(wording.phrase("suspended"))
    if data.pending:
        lines.append(wording.phrase("pending", n=f"{data.pending:,}"))
    if data.rank:
        lines.append(wording.phrase("rank", rank=data.rank))
    return "\n".join(lines) or wording.phrase("balance_alone")


def _to_next(missing: MissingToNext, wording: Wording) -> str:
    return missing.en if wording.language == "en" else missing.ja


def _entries(data: ChatDataProvided, wording: Wording, zone: ZoneInfo) -> str:
    return "\n\n".join(
        wording.phrase(
            "entry",
            when=minute(entry.occurred_at, zone),
            points=f"{entry.points:+,}",
            text=entry.en if wording.language == "en" else entry.ja,
        )
        for entry in data.entries[:MOST_ENTRIES]
    )
