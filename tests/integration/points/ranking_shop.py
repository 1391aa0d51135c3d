"""What tests of ranks say and ask: buy, let a night pass, look at a rank."""

from typing import Any
from uuid import UUID

from shared import clock, ids
from shared.events import MemberRef, ScheduleTicked, new_event
from tests.integration.points.shop import PLAIN, Points, eventually, owner, submitted

BRONZE = {"code": "bronze", "name": "ブロンズ", "requires": {"visits": 1}}
SILVER = {"code": "silver", "name": "シルバー", "requires": {"visits": 2}}
GOLD = {"code": "gold", "name": "ゴールド", "requires": {"visits": 3}}


def rules(*levels: Any, **ranks: Any) -> dict[str, Any]:
    """The plain program with these levels."""
    return {**PLAIN, "ranks": {**PLAIN["ranks"], "levels": list(levels), **ranks}}


async def publish(points: Points, program: dict[str, Any]) -> None:
    """Publish a program."""
    answer = await points.client.put("/v1/program", json=program, headers=owner())
    assert answer.status_code == 200, answer.text


async def join(points: Points) -> Any:
    """A member without LINE and without points, as the API shows one."""
    body = {"external_id": ids.new_id().hex}
    answer = await points.client.post("/v1/members", json=body, headers=owner(ids.new_id().hex))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def look(points: Points, member: Any) -> Any:
    """The member as the API shows one now."""
    answer = await points.client.get(f"/v1/members/{member['id']}", headers=owner())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def buy(points: Points, member: Any, total: int = 1000, **purchase: Any) -> UUID:
    """A purchase, awarded; its id."""
    event = submitted(MemberRef(card=member["card"]), total=total, **purchase)
    await points.publish(event)
    await points.status(event.id, "awarded")
    return event.id


async def becomes(points: Points, member: Any, code: str | None) -> None:
    """Wait until a member has a rank."""
    query = "SELECT code IS NOT DISTINCT FROM $2 FROM ranks WHERE member_id = $1"

    async def found() -> Any:
        return await points.pool.fetchval(query, UUID(member["id"]), code)

    await eventually(found, f"the rank did not become {code}")


async def night(points: Points) -> None:
    """The nightly evaluation of everybody, done."""
    tick = new_event("/scheduler", ScheduleTicked("nightly", clock.now(), clock.now()))
    await points.publish(tick)

    async def finished() -> Any:
        query = "SELECT finished_at FROM nights WHERE id = $1"
        return await points.pool.fetchval(query, tick.id)

    await eventually(finished, "the night did not end")


async def years_pass(points: Points) -> None:
    """What was done and what is kept is two years ago."""
    past = "occurred_at = occurred_at - '2 years'::interval"
    await points.pool.execute(f"UPDATE purchases SET {past}")
    await points.pool.execute("UPDATE ranks SET keep_until = keep_until - '2 years'::interval")


async def gifts(points: Points, member: Any) -> list[int]:
    """What ranks gave the member, in order."""
    rows = await points.pool.fetch(
        "SELECT amount FROM entries WHERE member_id = $1 AND source = 'rank' ORDER BY id",
        UUID(member["id"]),
    )
    return [row["amount"] for row in rows]
