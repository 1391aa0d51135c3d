"""Who is served at the counter, where, when: what every act begins with, and how it is answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request

from services.points.counter import undoing
from services.points.errors import CodeRefused, MemberGone
from services.points.members import codes
from services.points.programs.rulebook import Rulebook
from services.points.rules import counter
from services.points.store import counter_acts as store
from services.points.store import views
from services.points.store.counter_acts import Done, Listed
from services.points.web import naming, summary
from services.points.web.counter_schemas import (
    ActMember,
    CounterAct,
    CounterResult,
    Served,
    Undone,
)
from services.points.web.naming import MemberName
from services.points.web.requests import Act
from shared import clock
from shared.api_keys import Key
from shared.bus.errors import NotYet
from shared.bus.handling import Connection
from shared.events import MemberRef
from shared.problems import Problem, invalid
from shared.web.acting import audited

AHEAD = counter.AHEAD


async def where(connection: Connection, key: Key, named: str | None) -> str:
    """The store of an act: the one that is named, or that of the shift."""
    code = named or key.store
    if code is None:
        raise Problem(
            422,
            "no-store",
            "店舗を選んでください。 Choose the store that you work in.",
            errors=[("store", "name the store")],
        )
    return await naming.store(connection, key, code)


def moment(at: datetime | None, path: str = "at") -> datetime:
    """When an act was done: now, or when a device says that it did it. Raises Problem 422."""
    now = clock.now()
    if at is None:
        return now
    if not counter.in_time(at, now):
        raise Problem(
            422,
            "too-old",
            "24時間以内の操作だけ送れます。端末の時計を確かめるか、責任者に登録を頼んでください。"
            " Acts are taken within 24 hours. Check the device's clock, or ask a manager to enter "
            "it.",
            errors=[(path, "must be within the last 24 hours")],
        )
    return min(at, now)


async def member(
    request: Request,
    connection: Connection,
    key: Key,
    who: Served,
    scanned_at: datetime | None = None,
    spend_for: UUID | None = None,
) -> UUID:
    """The member who is served. A rotating code is bound to who scans it first, judged at the
    moment at which it was scanned, and spent by the act `spend_for`. Raises Problem."""
    given = who.model_dump(exclude_none=True)
    if who.qr is None:
        return await naming.member(request, connection, key, MemberName(**given))
    if given.keys() - {"qr", "id"}:
        raise Problem(422, "one-reference", "Name the member by the code, or in one other way.")
    scanned = moment(scanned_at, "scanned_at")
    try:
        shown = await _shown(request, connection, key, who.qr, scanned)
        found = await naming.find(request, connection, key, MemberRef(id=str(shown)))
        if who.id is not None and naming.id_of(who.id) not in (shown, found):
            raise CodeRefused("another-member")
        if spend_for is not None:
            await codes.spend(connection, who.qr, spend_for)
    except CodeRefused as refused:
        raise code_refused(refused) from None
    return found


async def _shown(
    request: Request, connection: Connection, key: Key, code: str, at: datetime
) -> UUID:
    keys = request.app.state.settings.qr_keys
    (admitted,) = await codes.admit(connection, keys, [codes.Shown(code, key.id, at)])
    if isinstance(admitted, CodeRefused):
        raise admitted
    return admitted


def code_refused(refused: CodeRefused) -> Problem:
    """A code that is not good: a type of its own for each reason, and words for staff."""
    return Problem(422, f"code-{refused.kind}", f"{refused.ja}。 {refused.en}.")


def way(who: Served) -> str:
    """How the member was named."""
    return "qr" if who.qr else next(iter(who.model_dump(exclude_none=True)), "id")


async def require_there(request: Request, connection: Connection, id: UUID) -> None:
    """Raise MemberGone for who has left: nothing is given or taken any more."""
    found = await views.summaries(connection, [id])
    if id not in found:
        raise naming.nobody()
    if found[id]["status"] == "left":
        raise MemberGone("left", None)


async def require_program(rulebook: Rulebook, connection: Connection) -> None:
    """Know the newest program. Raises NotYet while none was ever published."""
    await rulebook.refresh(connection)
    if rulebook.empty:
        raise NotYet("no program has been published yet")


def is_manager(key: Key) -> bool:
    """Whether somebody may undo what others did."""
    return key.kind == "owner"


def shown_act(request: Request, key: Key, act: Listed) -> CounterAct:
    """An act as the API shows it to whoever asks."""
    manager, now = is_manager(key), clock.now()
    mine = act.actor_id == key.id
    until = undoing.until(request.app.state.rulebook, act, manager=manager)
    may = until is not None and until > now and (mine or manager)
    undone = Undone(at=act.undone_at, by=act.undone_by or "") if act.undone_at else None
    return CounterAct(
        id=act.id,
        kind=act.kind,
        status=_status(act),
        store=act.store,
        by=act.actor,
        by_name=act.by_name,
        mine=mine,
        member=act_member(act.member_id, act.name, act.card),
        points=act.points,
        amount=act.amount,
        used=act.used,
        remaining=act.remaining,
        visits=act.visits,
        receipt=act.receipt,
        reason=act.reason,
        detail=act.detail if act.purchase_status == "rejected" else None,
        purchase=act.purchase_id,
        redemption=act.redemption_id,
        happened_at=act.happened_at,
        acted_at=act.acted_at,
        undo_until=until if may else None,
        undone=undone,
    )


def act_member(id: UUID, name: str | None, card: str) -> ActMember:
    """The little of a member that lists show."""
    return ActMember(id=id, name=counter.short_name(name), card_end=card[-4:])


def _status(act: Listed) -> str:
    if act.kind != "purchase":
        return "done"
    status = act.purchase_status or "accepted"
    return "done" if status == "awarded" else status


async def note(
    request: Request,
    key: Key,
    act: Act,
    kind: str,
    code: str,
    named_by: str,
    happened_at: datetime | None = None,
    **made: Any,
) -> None:
    """Write an act down, for the list and for the log of who did what."""
    now = clock.now()
    done = Done(
        member_id=act.subject,
        id=act.id,
        kind=kind,
        store=code,
        actor=key.actor,
        actor_id=key.id,
        named_by=named_by,
        happened_at=happened_at or now,
        acted_at=now,
        **made,
    )
    await store.add(act.batch.connection, done)
    told = {"act": str(act.id), "kind": kind, "named_by": named_by, **made}
    after = {name: value for name, value in told.items() if value is not None}
    audited(request, f"member:{act.subject}", before=None, after=after)


async def result(request: Request, connection: Connection, key: Key, act: Act) -> CounterResult:
    """What an act came to, in its present state."""
    return await result_of(request, connection, key, act.subject, act.id)


async def result_of(
    request: Request, connection: Connection, key: Key, member_id: UUID, id: UUID
) -> CounterResult:
    """The same of any act. Raises Problem 404."""
    listed = await store.find(connection, member_id, id)
    if listed is None:
        raise unknown_act()
    found = (await summary.members(connection, request.app.state.rulebook, [member_id]))[0]
    entry = None
    if listed.purchase_id is not None and listed.kind == "purchase":
        entry = await views.purchase(connection, member_id, listed.purchase_id)
    why = None
    if entry is not None:
        why = summary.explanation("earn", "purchase", entry["points"], entry["explanation"])
    return CounterResult(
        **shown_act(request, key, listed).model_dump(),
        balance=found.points.balance,
        pending=found.points.pending,
        rank=found.rank,
        explanation=why,
    )


def unknown_act() -> Problem:
    """404 for an act."""
    return Problem(404, "unknown-act", "この操作は見つかりません。 No act has this id.")


def refused_by(kind: str, ja: str, en: str, status: int = 422) -> Problem:
    """A refusal in both languages."""
    return Problem(status, kind, f"{ja}。 {en}.")


def visited(reason: str) -> Problem:
    """Why a visit does not count again."""
    if reason == "today":
        ja, en = "本日の来店はすでに記録されています", "Today's visit was counted already"
    else:
        ja = "前回の来店から時間がたっていないため、記録できません"
        en = "The last visit was too short a time ago to count again"
    return refused_by("visit-counted", ja, en, 409)


def require_one(points: object, rule: object, reason: object) -> None:
    """Raise Problem 422 unless a gift is either points with a reason or a rule."""
    if (points is None) == (rule is None):
        raise invalid([("points", "give either points or the id of a service rule")])
    if rule is None and not reason:
        raise invalid([("reason", "say why; the customer reads it")])
