"""`/console/audit`: who did what, in words, with what was before and after."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from services.points.staff import spoken
from services.points.staff.act_words import Words, words_of
from services.points.staff.field_words import TARGETS, VALUES
from services.points.staff.spoken import Place
from services.points.store import audit as audit_store
from services.points.store import staff as store
from services.points.store import terminals
from services.points.store.audit import COMMAND, KEY, Act, Wanted
from services.points.store.staff import Person
from services.points.store.terminals import Listed
from services.points.web.card_shown import zone_of
from services.points.web.pages import PAGES
from shared import clock
from shared.bus.handling import Connection
from shared.web.staff import Manager

router = APIRouter(include_in_schema=False)

ROWS = 50
MOST_KEYS = 200
KEYS = "key:"
FIRST = UUID(int=0)
KINDS = (
    "member",
    "program",
    "segment",
    "broadcast",
    "template",
    "rich_menu",
    "schedule",
    "store",
    "terminal",
    "staff",
    "webhook",
    "import",
    "export",
)
"""What the page can be narrowed to."""


class Row(NamedTuple):
    """An act as the page shows it. `made`, `gone`: there was nothing before, is nothing after."""

    act: Act
    words: Words
    role: Words
    subject: Words | None
    changes: list[spoken.Change]

    @property
    def made(self) -> bool:
        return all(each.before is None for each in self.changes)

    @property
    def gone(self) -> bool:
        return all(each.after is None for each in self.changes)


class Actors(NamedTuple):
    """Who may have done something, and what codes and ids are called."""

    people: Sequence[Person]
    keys: Sequence[Listed]
    names: Mapping[str, str]


@router.get("/console/audit")
async def log(
    request: Request,
    staff: Manager,
    who: str = "",
    kind: str = "",
    target: str = "",
    since: str = "",
    until: str = "",
    cursor: Annotated[UUID | None, Query()] = None,
) -> HTMLResponse:
    """What was changed, newest first; with a cursor only the older rows."""
    zone = zone_of(request)
    wanted = Wanted(
        staff=_uuid(who),
        key=_uuid(who.removeprefix(KEYS)) if who.startswith(KEYS) else None,
        target=target.strip()[:200].replace("\x00", "") or kind.replace("\x00", "") or None,
        since=_midnight(since, zone, 0),
        until=_midnight(until, zone, 1),
    )
    async with request.app.state.process.pool.acquire() as connection:
        found = await audit_store.newest(connection, wanted, cursor, ROWS)
        actors = await actors_of(connection)
    template = "audit_rows.html" if cursor else "audit.html"
    given = {"who": who, "kind": kind, "target": target, "since": since, "until": until}
    return PAGES.render(
        request,
        template,
        acts=rows(request, found, actors),
        next=found[-1].id if len(found) == ROWS else None,
        people=actors.people,
        keys=[each for each in actors.keys if each.kind == "owner"],
        kinds={kind: TARGETS[kind] for kind in KINDS},
        given=given,
        filtered=any(given.values()),
        stores=actors.names,
        zone=zone,
    )


def rows(request: Request, acts: Sequence[Act], actors: Actors) -> list[Row]:
    """Acts in words."""
    rulebook = request.app.state.rulebook
    currency = "JPY" if rulebook.empty else rulebook.current().program.currency
    place = Place(zone_of(request), actors.names, currency)
    return [
        Row(
            act=act,
            words=words_of(act.act),
            role=ROLES.get(act.role) or Words(act.role, act.role),
            subject=spoken.subject(act.target, actors.names),
            changes=spoken.changes(act.target, act.before, act.after, place),
        )
        for act in acts
    ]


async def actors_of(connection: Connection) -> Actors:
    """Everybody and every key, those who are not here any more too."""
    people = await store.every(connection)
    keys = await terminals.page(connection, clock.now(), FIRST, None, True, MOST_KEYS)
    shops = await terminals.every_store(connection)
    names = {str(each.id): each.name for each in people}
    names |= {str(each.id): each.name for each in keys}
    names |= {each.code: each.name for each in shops}
    return Actors(people, keys, names)


ROLES = {
    **VALUES,
    KEY: Words("APIキー", "API key"),
    COMMAND: Words("運用コマンド", "Operator's command"),
}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _midnight(text: str, zone: ZoneInfo, days: int) -> datetime | None:
    """The beginning of a day on the shop's clock, `days` later; None for no day."""
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return datetime.combine(day, time(), zone) if 2000 < day.year < 2200 else None
