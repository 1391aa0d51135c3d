"""What tests of refunds do at the till and ask of the shop."""

from typing import Any

import httpx

from services.points.programs.rulebook import Rulebook
from services.points.purchases import refunding
from shared import ids, outbox
from shared.events import MemberRef
from tests.integration.points.shop import PLAIN, Points, owner, pos, submitted


async def publish(points: Points, **changes: Any) -> None:
    answer = await points.client.put(
        "/v1/program", json={**PLAIN, **changes}, headers=owner(ids.new_id().hex)
    )
    assert answer.status_code == 200, answer.text


async def bought(points: Points, member: Any, total: int = 1000, **purchase: Any) -> str:
    """The id of an awarded purchase."""
    event = submitted(MemberRef(card=member["card"]), total=total, **purchase)
    await points.publish(event)
    await points.status(event.id, "awarded")
    return str(event.id)


async def refund(
    points: Points, purchase: str, body: dict[str, Any] | None = None, key: str | None = None
) -> httpx.Response:
    return await points.client.post(
        f"/v1/purchases/{purchase}/refunds", json=body or {}, headers=pos(key or ids.new_id().hex)
    )


async def refunded(
    points: Points, purchase: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    answer = await refund(points, purchase, body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def redeemed(points: Points, member: Any, amount: int) -> str:
    body = {
        "member": {"card": member["card"]},
        "store": "main",
        "points": amount,
        "capture": True,
    }
    answer = await points.client.post("/v1/redemptions", json=body, headers=pos(ids.new_id().hex))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def state(points: Points, purchase: str) -> dict[str, Any]:
    answer = await points.client.get(f"/v1/purchases/{purchase}", headers=owner())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def lifetime(points: Points, member: Any) -> dict[str, int]:
    answer = await points.client.get(f"/v1/members/{member['id']}", headers=owner())
    found: dict[str, int] = answer.json()["lifetime"]
    return found


async def sweep(points: Points) -> None:
    await refunding.sweep(points.pool, outbox.Relay(points.pool, points.bus.publisher), Rulebook())
