"""Members as a takeout tells of them: with the columns that an import reads, first and under the
same headings, so that what one shop lets out another can take in."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.points.accounts import standing
from services.points.accounts.standing import Standing
from services.points.rules import lots
from services.points.rules.importing.words import FIELDS
from services.points.store import lots as lot_store
from services.points.store import takeout_sections as store
from services.points.store.lots import Holding
from shared.bus.handling import Connection

MORE = (
    *("id", "status", "line_user_id", "friend", "gender", "route", "points_pending", "points_held"),
    *("points_earned", "points_spent", "visits", "purchases", "consent", "fields"),
)
HEADINGS = (*(words.ja for words in FIELDS.values()), *MORE)
NAMES = (*FIELDS, *MORE)


async def page(
    connection: Connection, after: UUID, limit: int, zone: ZoneInfo, now: datetime
) -> tuple[UUID | None, list[list[Any]]]:
    """Members after one as rows of `NAMES`, and the last one's id (None: there are no more)."""
    found = await store.people(connection, after, limit)
    if not found:
        return None, []
    holdings = await lot_store.holdings(connection, [row["id"] for row in found])
    rows = [_row(row, holdings[row["id"]], zone, now) for row in found]
    return found[-1]["id"], rows


def _row(row: Any, holding: Holding, zone: ZoneInfo, now: datetime) -> list[Any]:
    shown = standing.standing(holding, zone, now, dates=len(holding.lots) or 1)
    fields = row["fields"]
    values: dict[str, Any] = {
        "external_id": row["external_id"],
        "card": row["card"],
        "phone": row["phone"],
        "name": fields.get("name"),
        "birthday": row["birthday"],
        "area": row["area"],
        "tags": row["tags"] or [],
        "points": shown.balance,
        "points_until": _until(_last_expiry(holding, shown), zone),
        "rank": row["rank"],
        "rank_until": _until(_coming(row["rank_until"], now), zone),
        "joined": _day(row["joined_at"], zone),
        "last_visit": _day(row["last_visit_at"], zone),
        "spent": row["amount_spent"],
        "note": fields.get("note"),
        "id": row["id"],
        "status": row["status"],
        "line_user_id": row["line_user_id"],
        "friend": row["friend"],
        "gender": row["gender"],
        "route": row["route"],
        "points_pending": shown.pending,
        "points_held": shown.held,
        "points_earned": row["earned"],
        "points_spent": row["spent"],
        "visits": row["visits"],
        "purchases": row["purchases"],
        "consent": row["consent"] or "{}",
        "fields": msgspec.json.encode(fields).decode(),
    }
    return [values[name] for name in NAMES]


def _last_expiry(holding: Holding, shown: Standing) -> datetime | None:
    """Of points that expire at different times the last one, in the customer's favour; None where
    some never do. The lots have each."""
    spendable = [lot for lot in holding.lots if not lot.pending and lot.remaining > lot.held]
    if not shown.expiring or any(
        lot.expires_at is None and not lot.sliding_months for lot in spendable
    ):
        return None
    return shown.expiring[-1][0]


def _coming(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment and moment > now else None


def _day(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return moment.astimezone(zone).date().isoformat() if moment else None


def _until(moment: datetime | None, zone: ZoneInfo) -> str | None:
    """The last day before a moment at which something is over."""
    return lots.last_day(moment, zone).isoformat() if moment else None
