"""The tables of cases once more, through the service: programs are put, purchases submitted, and
what they earned is got, over HTTP."""

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from services.points.accounts import verifying
from services.points.rules import purchase as plain
from shared import clock, ids
from shared.events import (
    Discount,
    Event,
    Line,
    MemberRef,
    Payment,
    Purchase,
    PurchaseSubmitted,
    new_event,
)
from shared.purchase_id import purchase_id
from tests.cases.tables import Case, Section, sections
from tests.integration.points.shop import PURCHASE_KEY, TERMINAL, Points, eventually, owner

BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
AFTER = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _early() -> Iterator[None]:
    """The shop opens before all cases occur; each program is put a minute after the one before."""
    _at(BEFORE)
    yield
    clock.set_offset(timedelta(0))


def _at(moment: datetime) -> None:
    clock.set_offset(timedelta(0))
    clock.set_offset(moment - clock.now())


async def test_every_case_over_http(points: Points) -> None:
    wrong = []
    for number, section in enumerate(sections(), 1):
        _at(BEFORE + timedelta(minutes=number))
        answer = await _call(points, "PUT", "/v1/program", json=section.document)
        assert answer.status_code == 200, (section.name, answer.text)
        _at(AFTER)
        wrong += await _run(points, section)
    assert wrong == []
    async with points.pool.acquire() as connection:
        assert [each async for page in verifying.verify(connection) for each in page.findings] == []


async def _run(points: Points, section: Section) -> list[str]:
    """What did not come out as the section says; members shop at the same time, each in order."""
    people: dict[str, list[Case]] = {}
    for case in section.cases:
        people.setdefault(case.member, []).append(case)
    caps = section.document.get("accrual", {}).get("caps", ())
    if any(cap["per"] == "campaign" for cap in caps):
        members = {name: await _join(points, cases[0]) for name, cases in people.items()}
        found = [
            await _shop(points, section, members[each.member], [each]) for each in section.cases
        ]
    else:
        found = await asyncio.gather(
            *(_shop(points, section, None, cases) for cases in people.values())
        )
    return [wrong for each in found for wrong in each]


async def _join(points: Points, case: Case) -> UUID:
    body = {"external_id": ids.new_id().hex}
    answer = await _call(points, "POST", "/v1/members", json=body)
    assert answer.status_code == 201, answer.text
    member = UUID(answer.json()["id"])
    if case.birthday:
        birthday = date.fromisoformat(f"1990-{case.birthday}")
        await points.pool.execute(
            "UPDATE members SET birthday = $2 WHERE id = $1", member, birthday
        )
    if case.rank:
        await points.pool.execute(
            "INSERT INTO ranks (member_id, code, own, since, keep_until) "
            "VALUES ($1, $2, $2, $3, $4)",
            member,
            case.rank,
            BEFORE,
            AFTER + timedelta(days=999),
        )
    return member


async def _shop(
    points: Points, section: Section, member: UUID | None, cases: list[Case]
) -> list[str]:
    member = member or await _join(points, cases[0])
    wrong = []
    for case in cases:
        event = _submitted(member, case.purchase)
        await points.publish(event)
        found = await _result(points, member, event.id)
        wanted = (case.points, case.visits, case.missing)
        if any(want is not None and want != got for got, want in zip(found, wanted, strict=True)):
            wrong.append(f"{section.name}, row {case.row}: {found}, the table says {wanted}")
    return wrong


async def _result(points: Points, member: UUID, id: UUID) -> tuple[int, int, int | None]:
    await points.status(id, "awarded")
    body = (await _call(points, "GET", f"/v1/purchases/{id}")).json()
    visits = await points.pool.fetchval(
        "SELECT visits FROM purchases WHERE member_id = $1 AND id = $2", member, id
    )
    return body["points"]["earned"], visits, body["explanation"].get("missing")


def _submitted(member: UUID, case: plain.Purchase) -> Event[PurchaseSubmitted]:
    made = Purchase(
        store=case.store,
        member=MemberRef(id=str(member)),
        occurred_at=case.occurred_at,
        total=case.total,
        tax=case.tax,
        lines=[Line(**msgspec.structs.asdict(line)) for line in case.lines],
        payments=[Payment(each.method, each.amount) for each in case.payments],
        discounts=[
            Discount(each.amount, [*each.lines] if each.lines else None) for each in case.discounts
        ],
    )
    key = ids.new_id().hex
    body_hash = hashlib.sha256(msgspec.json.encode(made)).hexdigest()
    data = PurchaseSubmitted(made, TERMINAL, key, body_hash, clock.now())
    return new_event("/webhook", data, id=purchase_id(PURCHASE_KEY, TERMINAL, key))


async def _call(points: Points, method: str, path: str, **request: Any) -> httpx.Response:
    """An owner's call, made again while it is told to come more slowly."""
    headers = owner(ids.new_id().hex)

    async def answered() -> httpx.Response | None:
        answer = await points.client.request(method, path, headers=headers, **request)
        return None if answer.status_code == 429 else answer

    answer: httpx.Response = await eventually(answered, "never let in")
    return answer
