"""Whom the counter serves: a scanned or typed code → the member's panel; sales to refund."""

from uuid import UUID

from fastapi import APIRouter, Request

from services.points.programs.rulebook import Rulebook
from services.points.purchases import quoting
from services.points.rules import counter
from services.points.store import counter_acts as store
from services.points.store import views
from services.points.web import counter_schemas as schemas
from services.points.web import counter_serving as serving
from services.points.web import naming, summary
from services.points.web.counter_schemas import Served
from services.points.web.quotes import Value
from services.points.web.schemas import Member
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.auth import Caller, Writer

router = APIRouter(prefix="/v1/counter", tags=["counter"])


@router.post("/scans", response_model=schemas.Panel)
async def scan(request: Request, key: Writer, body: schemas.Scanned) -> schemas.Panel:
    """The member behind a code that was scanned or typed. A rotating code is bound to whoever scans
    it first, for five minutes, and is spent by the act that follows."""
    try:
        way, name = counter.reading(body.code)
    except counter.Misread:
        raise Problem(
            422,
            "misread",
            "番号の読み取りを間違えています。もう一度読み取るか、確かめて入力してください。"
            " A digit of this card's number is wrong. Scan it again, or check what was typed.",
        ) from None
    async with request.app.state.process.pool.acquire() as connection, connection.transaction():
        await serving.where(connection, key, body.store)
        id = await serving.member(request, connection, key, Served(**{way: name}))
        return await _panel(request, connection, key, id, way)


@router.get("/members/{member_id}", response_model=schemas.Panel)
async def again(request: Request, key: Caller, member_id: str) -> schemas.Panel:
    """The panel of a member as it is now."""
    async with request.app.state.process.pool.acquire() as connection:
        return await _panel(request, connection, key, naming.id_of(member_id), "id")


async def _panel(
    request: Request, connection: Connection, key: Key, id: UUID, way: str
) -> schemas.Panel:
    rulebook = request.app.state.rulebook
    found = await summary.members(connection, rulebook, [id])
    if not found:
        raise naming.nobody()
    await serving.require_program(rulebook, connection)
    name = await store.name_of(connection, id)
    debt = (await views.debts(connection, [id])).get(id, 0)
    member = found[0]
    return schemas.Panel(
        member=member,
        name=name or None,
        named_by=way,
        warnings=_warnings(member.status, debt),
        usable=_usable(rulebook, member),
        gifts=_gifts(rulebook, key),
    )


def _warnings(status: str, debt: int) -> list[schemas.Warning]:
    found = [schemas.Warning(kind=status, text=_WORDS[status])] if status in _WORDS else []
    if debt:
        text = {
            "ja": f"返金などで{debt}ポイント不足しています。次に貯まる分から差し引かれます。",
            "en": f"{debt} points are owed after a refund. What is earned next pays for it first.",
        }
        found.append(schemas.Warning(kind="debt", text=text))
    return found


_WORDS = {
    "suspended": {
        "ja": "利用停止中の会員です。ポイントは付きますが、使えません。責任者に確かめてください。",
        "en": "This member is suspended: points are earned but cannot be used. Ask a manager.",
    },
    "left": {
        "ja": "退会された会員です。ポイントを付けることも使うこともできません。",
        "en": "This member has left: nothing can be given or used.",
    },
    "merged": {
        "ja": "統合済みの会員証です。新しい会員証を読み取ってください。",
        "en": "This card was merged into another one. Scan the other card.",
    },
}


def _usable(rulebook: Rulebook, member: Member) -> schemas.Usable:
    terms = rulebook.in_force(clock.now()).program.redemption
    balance = member.points.balance if member.status == "active" else 0
    offer = quoting.redeemable(terms, balance, ANY_BILL, ANY_BILL)
    return schemas.Usable(
        points=offer.maximum,
        worth=offer.maximum_value,
        minimum=terms.minimum,
        unit=terms.unit,
        maximum_percent=terms.maximum_percent,
        value=Value(points=terms.value.points, amount=terms.value.amount),
    )


ANY_BILL = 10**15
"""Larger than any bill, to ask what could be used of a balance."""


def _gifts(rulebook: Rulebook, key: Key) -> schemas.Gifts:
    terms = rulebook.in_force(clock.now()).program.service
    rules = [schemas.Gift(id=each.id, name=each.name, points=each.points) for each in terms.rules]
    free = serving.is_manager(key)
    return schemas.Gifts(rules=rules, maximum=None if free else terms.maximum_points)
