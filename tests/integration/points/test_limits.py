"""Limits hold to the point, however many tills and processes award at the same moment."""

import asyncio
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from shared import ids
from shared.bus.handling import Batch
from shared.events import Event, MemberRef, PurchaseSubmitted
from shared.keys import Keys
from tests.integration.points.shop import PLAIN, QR_KEY, Points, owner, submitted

TILLS = 8


async def people(points: Points, count: int) -> list[UUID]:
    made = [
        await points.client.post(
            "/v1/members",
            json={"external_id": ids.new_id().hex},
            headers=owner(ids.new_id().hex),
        )
        for _ in range(count)
    ]
    return [UUID(each.json()["id"]) for each in made]


async def award(points: Points, event: Event[PurchaseSubmitted]) -> None:
    """As a process of its own would: its own memory of the program, its own transaction."""
    async with points.pool.acquire() as connection, connection.transaction():
        await Awards(Rulebook(), Keys(QR_KEY)).handle(Batch(connection), [event])


async def at_once(points: Points, members: list[UUID], each: int) -> int:
    """Purchases of ¥1,000 at the same moment, `each` for every member; what they earned."""
    events = [submitted(MemberRef(id=str(member))) for member in members for _ in range(each)]
    await asyncio.gather(*(award(points, event) for event in events))
    earned: int = await points.pool.fetchval(
        "SELECT sum(points)::bigint FROM purchases WHERE id = ANY($1)",
        [event.id for event in events],
    )
    return earned


async def rule(points: Points, **accrual: Any) -> None:
    program = {**PLAIN, "accrual": {**PLAIN["accrual"], **accrual}}
    answer = await points.client.put("/v1/program", json=program, headers=owner())
    assert answer.status_code == 200, answer.text


async def test_tills_at_once_never_give_more_than_the_limits(points: Points) -> None:
    member = (await people(points, 1))[0]
    for per in ("day", "month"):
        await rule(points, caps=[{"per": per, "points": 35}])
        await points.pool.execute("DELETE FROM purchases")
        assert await at_once(points, [member], TILLS) == 35
    visit = {"id": "v", "type": "visit", "points": 7, "limit": {"per": "hours", "hours": 2}}
    await rule(points, rules=[visit])
    other = (await people(points, 1))[0]
    assert await at_once(points, [other], TILLS) == 7


async def test_a_campaign_gives_its_budget_to_everybody_together(points: Points) -> None:
    members = await people(points, TILLS)
    await rule(points, caps=[{"per": "campaign", "points": 55}])
    assert await at_once(points, members, 2) == 55
    assert await at_once(points, members, 1) == 0


async def test_another_campaign_has_a_budget_of_its_own(points: Points) -> None:
    members = await people(points, 2)
    await rule(points, caps=[{"per": "campaign", "points": 15, "id": "spring"}])
    assert await at_once(points, members, 1) == 15
    await rule(points, caps=[{"per": "campaign", "points": 15, "id": "summer"}])
    assert await at_once(points, members, 1) == 15
    both = [
        {"per": "campaign", "points": 20, "id": "spring"},
        {"per": "campaign", "points": 99, "id": "summer"},
    ]
    await rule(points, caps=both)
    assert await at_once(points, members, 1) == 5
    given = await points.pool.fetch("SELECT name, given FROM budgets ORDER BY name")
    assert [tuple(row) for row in given] == [("spring", 20), ("summer", 20)]


async def test_only_the_first_of_many_at_once_is_the_first(points: Points) -> None:
    first = {"id": "first", "factor": "3", "when": {"first_purchase": True}}
    await rule(points, multipliers=[first])
    assert await at_once(points, await people(points, 2), 4) == 2 * (30 + 3 * 10)


async def test_a_birthday_counts_from_the_moment_it_is_known(points: Points) -> None:
    birthday = {"id": "birthday", "factor": "2", "when": {"birthday_month": True}}
    await rule(points, multipliers=[birthday])
    member = (await people(points, 1))[0]
    assert await at_once(points, [member], 1) == 10
    event = submitted(MemberRef(id=str(member)))
    day = event.data.purchase.occurred_at.astimezone(ZoneInfo("Asia/Tokyo")).date()
    born = day.replace(year=1992)
    await points.pool.execute("UPDATE members SET birthday = $1", born)
    await award(points, event)
    assert await points.pool.fetchval("SELECT points FROM purchases WHERE id = $1", event.id) == 20


async def test_what_is_missing_for_a_point_is_on_the_member_and_in_the_answer(
    points: Points,
) -> None:
    await rule(points, carry_remainder=True)
    member = (await people(points, 1))[0]
    path = f"/v1/members/{member}"
    assert (await points.client.get(path, headers=owner())).json()["points"][
        "missing_amount"
    ] == 100
    event = submitted(MemberRef(id=str(member)), total=180)
    await award(points, event)
    shown = (await points.client.get(path, headers=owner())).json()
    assert (shown["points"]["balance"], shown["points"]["missing_amount"]) == (1, 20)
    answer = await points.client.get(f"/v1/purchases/{event.id}", headers=owner())
    assert "あと20円で1ポイント" in answer.json()["explanation"]["text"]["ja"]
    assert answer.json()["explanation"]["missing"] == 20
