"""Members by their phones, as owners, tills and the version before have to do with them."""

from typing import Any
from uuid import UUID

from services.points.nights import sealing
from shared import clock, ids
from tests.integration.points.shop import (
    Points,
    owner,
    pos,
)
from tests.integration.points.test_sealed_data import written

PHONE, OTHER, ABROAD = "09012123434", "0333334444", "+8613800138000"
NEW = "the key that comes after it, long enough"
OLD_VERSION = """
INSERT INTO members (id, card, phone, status, friend, joined_at)
VALUES ($1, $2, $3, 'active', false, $4)
"""
OF_MEMBER = "SELECT mark, moved, ends, sealed FROM member_phones WHERE member_id = $1"


async def join(points: Points, phone: str, status: int = 201, key: str = "") -> Any:
    """A member of this phone, or the refusal."""
    answer = await points.client.post(
        "/v1/members", json={"phone": phone}, headers=owner(key or f"join {phone[::-1]}")
    )
    assert answer.status_code == status, answer.text
    return answer.json()


async def clear(points: Points, *secrets: str) -> list[str]:
    """The rows in which one of these stands, as text or as bytes."""
    forms = [form for each in secrets for form in (each, each.encode().hex())]
    rows = (await written(points)).splitlines()
    return [row for row in rows if any(form in row for form in forms)]


async def who(points: Points, phone: str) -> Any:
    """Whom a till is told by a phone."""
    answer = await points.client.get("/v1/members/lookup", params={"phone": phone}, headers=pos())
    return answer.json()["id"] if answer.status_code == 200 else answer.status_code


async def phone_of(points: Points, member: str) -> Any:
    """What the owner is told of a member's phone."""
    answer = await points.client.get(f"/v1/members/{member}/profile", headers=owner())
    assert answer.is_success, answer.text
    return answer.json()["phone"]


async def merge(points: Points, kept: str, absorbed: str) -> Any:
    """The merge of two members."""
    body = {"absorb": {"id": absorbed}, "reason": "同じ人"}
    answer = await points.client.post(
        f"/v1/members/{kept}/merge", json=body, headers=owner(f"{kept} {absorbed}")
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["merge"]


async def undo(points: Points, made: Any) -> None:
    """Undo a merge."""
    answer = await points.client.post(f"/v1/merges/{made['id']}/undo", headers=owner(made["id"]))
    assert answer.is_success, answer.text


async def seal_all(points: Points) -> None:
    """All that the process `imports` has to lock away."""
    while await sealing.page(points.pool):
        pass


async def day_of_upgrade(points: Points) -> None:
    """As if this version had just come to a shop with members."""
    await points.pool.execute("INSERT INTO phones_due VALUES ($1)", UUID(int=0))
    await points.pool.execute(
        "UPDATE migrations SET applied_at = $1 WHERE version = 41", clock.now()
    )


async def old_version_joins(points: Points, phone: str) -> str:
    """A member as the version before writes one."""
    id = ids.new_id()
    await points.pool.execute(OLD_VERSION, id, f"29{id.int % 10**11:011d}", phone, clock.now())
    await points.pool.execute(
        """INSERT INTO accounts (member_id, unit, in_lots, pending, held, debt, earned, spent,
            amount_spent, purchases, visits, remainder_numerator, remainder_denominator)
        VALUES ($1, 'point', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)""",
        id,
    )
    return str(id)
