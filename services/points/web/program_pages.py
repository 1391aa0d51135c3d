"""`/console/program`: the rules in plain sentences, their editor, their history."""

import unicodedata
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from services.points.errors import NoSuchVersion
from services.points.programs import publishing, timeline
from services.points.programs.trial import Imagined, Tried, trial
from services.points.rules import differences, program_file
from services.points.rules import program as programs
from services.points.rules.program import Program
from services.points.rules.sentences import Sentence, sentences
from services.points.store import actors, drafts, terminals
from services.points.store import programs as store
from services.points.store.drafts import Draft
from services.points.store.programs import Version
from services.points.web.pages import PAGES
from services.points.web.program_shown import changes_shown, embedded, may_edit, offset
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.language import language_of
from shared.web.staff import Manager, Viewer

router = APIRouter(prefix="/console/program", include_in_schema=False)
EXAMPLE = 1_000
MOST_AMOUNT = 10**9
SHOWN = 30
_TOKYO = ZoneInfo("Asia/Tokyo")


class Group(NamedTuple):
    """Sentences that belong together, under a heading."""

    ja: str
    en: str
    paths: tuple[str, ...]
    link: str = ""
    sentences: tuple[Sentence, ...] = ()


_GROUPS = (
    Group("ポイントの付き方", "What earns points", ("accrual.rules",)),
    Group("倍率・キャンペーン", "Multipliers and campaigns", ("accrual.multipliers",)),
    Group("対象・端数・上限", "What counts, rounding, caps", ("accrual",)),
    Group("有効期限と使い方", "Expiry and use", ("pending", "expiry", "redemption", "refunds")),
    Group("ランク", "Ranks", ("ranks",), "/console/ranks"),
    Group("入会・スタッフが付けるポイント", "Joining, points by staff", ("welcome", "service")),
    Group("そのほか", "Other", ("waiting",)),
)


class Example(NamedTuple):
    """What a purchase earns with a rank."""

    name: str
    points: int
    why: Any


class Setting(NamedTuple):
    """What the pages of the program begin from: the version in force, as rules too, the draft."""

    version: Version | None
    program: Program | None
    draft: Draft | None
    stores: dict[str, str]

    @property
    def zone(self) -> ZoneInfo:
        return self.program.zone if self.program else _TOKYO

    @property
    def number(self) -> int:
        return self.version.version if self.version else 0


async def setting(connection: Connection) -> Setting:
    """As it is now."""
    version = await store.in_force(connection, clock.now())
    program = programs.read(version.document) if version else None
    stores = {each.code: each.name for each in await terminals.every_store(connection)}
    return Setting(version, program, await drafts.read(connection), stores)


@router.get("")
async def now(request: Request, staff: Viewer) -> HTMLResponse:
    """The rules in force."""
    async with request.app.state.process.pool.acquire() as connection:
        it = await setting(connection)
        said = await store.after(connection, 0)
        version = it.version
        by = await actors.names(connection, [version.published_by]) if version else {}
    moment = clock.now()
    scheduled = [e for e in timeline.timeline(said, moment) if e.state == "scheduled"]
    program = it.program
    return PAGES.render(
        request,
        "program/now.html",
        may_edit=may_edit(staff),
        draft=it.draft if it.draft and _unpublished(it) else None,
        zone=it.zone,
        program=program,
        version=version,
        scheduled=scheduled,
        groups=_grouped(sentences(program, it.stores)) if program else [],
        example_amount=f"{EXAMPLE:,}",
        examples=_examples(program, EXAMPLE, moment) if program else [],
        document_text=program_file.text(program.document) if program else "",
        published_by=by.get(version.published_by, "") if version else "",
    )


@router.get("/example")
async def example(request: Request, staff: Viewer, amount: str = "") -> HTMLResponse:
    """The fragment with what an amount earns today."""
    async with request.app.state.process.pool.acquire() as connection:
        it = await setting(connection)
    found = _examples(it.program, _amount(amount), clock.now()) if it.program else []
    return PAGES.render(request, "program/example.html", examples=found)


@router.get("/edit")
async def edit(request: Request, staff: Manager) -> HTMLResponse:
    """The editor of the draft, which begins as the rules in force."""
    return await editor(request, "")


async def editor(request: Request, which: str) -> HTMLResponse:
    """The editor of everything (""), or of one part (`ranks`)."""
    async with request.app.state.process.pool.acquire() as connection:
        it = await setting(connection)
    today = clock.now().astimezone(it.zone)
    draft, number = it.draft, it.number
    document = draft.document if draft else it.version.document if it.version else _FIRST
    base = draft.base if draft else number
    began = {"revision": draft.revision if draft else 0, "base": base}
    return PAGES.render(
        request,
        "program/edit.html",
        which=which,
        embedded=embedded({**began, "document": msgspec.json.decode(document)}),
        version=number,
        base=base,
        behind=bool(draft) and base != number,
        offset=offset(today),
        today=today.date().isoformat(),
        weekday=today.isoweekday() % 7,
        weekdays=_WEEKDAYS[language_of(request)],
        currency=it.program.currency if it.program else "JPY",
        stores=list(it.stores.items()),
    )


_FIRST = msgspec.json.encode(programs.default().document).decode()
_ENGLISH = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_WEEKDAYS = {
    "ja": [(number, f"{day}曜日") for number, day in enumerate("日月火水木金土")],
    "en": [*enumerate(_ENGLISH)],
}


@router.get("/history")
async def history(
    request: Request, staff: Viewer, before: int = Query(2**31 - 1, ge=1, le=2**31 - 1)
) -> HTMLResponse:
    """All versions, newest first."""
    async with request.app.state.process.pool.acquire() as connection:
        it = await setting(connection)
        said = await store.after(connection, 0)
        every = [*reversed(timeline.timeline(said, clock.now()))]
        older = [each for each in every if each.version.version < before]
        shown, rest = older[:SHOWN], older[SHOWN:]
        by = await actors.names(connection, [each.version.published_by for each in shown])
    versions = [{"placed": each, "by": by.get(each.version.published_by, "")} for each in shown]
    more = shown[-1].version.version if rest else None
    return PAGES.render(
        request,
        "program/history.html",
        versions=versions,
        may_edit=may_edit(staff),
        zone=it.zone,
        more=more,
    )


@router.get("/history/{version}/changes")
async def changes(request: Request, staff: Viewer, version: int) -> HTMLResponse:
    """The fragment with what a version changed."""
    async with request.app.state.process.pool.acquire() as connection:
        after = await _found(connection, version)
        before = timeline.before(await store.after(connection, 0), after)
    found = differences.between(
        programs.read(before.document if before else "{}"), programs.read(after.document)
    )
    return changes_shown(request, found)


@router.get("/history/{version}/back")
async def back(request: Request, staff: Viewer, version: int) -> HTMLResponse:
    """The fragment with what going back to a version would change."""
    async with request.app.state.process.pool.acquire() as connection:
        after = await _found(connection, version)
        it = await setting(connection)
    now = it.version.document if it.version else "{}"
    return changes_shown(
        request, differences.between(programs.read(now), programs.read(after.document))
    )


def _grouped(said: list[Sentence]) -> list[Group]:
    """The sentences under their headings, each under the first that it belongs to."""
    rest, groups = said, []
    for group in _GROUPS:
        own = tuple(each for each in rest if each.path.startswith(group.paths))
        rest = [each for each in rest if each not in own]
        if own:
            groups.append(group._replace(sentences=own))
    return groups


def _examples(program: Program, amount: int, at: datetime) -> list[Example]:
    """What an amount earns now, without a rank and with each."""
    there = at.astimezone(program.zone)

    def tried(rank: str | None) -> Tried:
        imagined = Imagined(total=amount, day=there.date(), time=there.time(), rank=rank)
        return trial(program, imagined)

    ranks = [("", None), *((each.name or each.code, each.code) for each in program.ranks.levels)]
    found = [(name, tried(code)) for name, code in ranks]
    return [Example(name, each.points, each.why) for name, each in found]


def _amount(text: str) -> int:
    """What was typed as an amount; what is none counts as nothing."""
    plain = unicodedata.normalize("NFKC", text).replace(",", "").strip()
    return min(int(plain), MOST_AMOUNT) if plain.isascii() and plain.isdigit() else 0


async def _found(connection: Connection, version: int) -> Version:
    try:
        return await publishing.find(connection, version)
    except NoSuchVersion as unknown:
        raise Problem(404, "unknown-version", f"{unknown}.") from None


def _unpublished(it: Setting) -> bool:
    """Whether the draft says something else than the rules in force."""
    there = it.version.document if it.version else "{}"
    return it.draft is not None and msgspec.json.decode(it.draft.document) != msgspec.json.decode(
        there
    )
