"""A counter to test: what staff send and are answered, by API keys of kind pos."""

from typing import Any

import httpx

from services.points import shopkeeping
from services.points.rules import qr
from shared import clock, ids, outbox
from shared.bus.handling import Batch
from tests.integration.points.shop import PLAIN, QR_KEY, Points, eventually, owner, pos

USER = "U" + "7" * 32
OTHER_KEY = "tmr_pos_other"
WELCOME = 50


async def post(shop: Points, path: str, **body: Any) -> httpx.Response:
    """An act at the counter, by the till of the shop's main store."""
    headers = body.pop("headers", None) or pos(body.pop("key", None) or ids.new_id().hex)
    return await shop.client.post(f"/v1/counter/{path}", json=body, headers=headers)


async def bought(points: Points, member: Any, total: int = 1000, **body: Any) -> dict[str, Any]:
    """A purchase that was awarded in time."""
    headers = {**pos(body.pop("key", None) or ids.new_id().hex), "Prefer": "wait=10"}
    who = {"member": {"card": member["card"]}, **body}
    answer = await post(points, "purchases", headers=headers, total=total, **who)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def undo(points: Points, act: dict[str, Any], headers: Any = None) -> httpx.Response:
    """Undo an act."""
    return await post(points, f"acts/{act['id']}/undo", headers=headers)


async def joined(points: Points, user: str = USER) -> Any:
    """A member with the welcome's 50 points."""
    await points.follow(user)
    member = await points.member(user)

    async def welcomed() -> bool:
        return await points.balance(member["id"]) == WELCOME

    await eventually(welcomed, "no welcome points")
    return member


async def another_till(points: Points, store: str | None = None) -> dict[str, str]:
    """The headers of somebody else, by default in the main store as well."""
    async with points.pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        if store:
            await shopkeeping.put_store(batch, store, store)
        await shopkeeping.put_key(batch, OTHER_KEY, "pos", "other", store or "main")
        await outbox.write(connection, batch.emitted)
    return {"Authorization": f"Bearer {OTHER_KEY}"}


def keyed(headers: dict[str, str]) -> dict[str, str]:
    """The same with a new key for an act."""
    return {**headers, "Idempotency-Key": ids.new_id().hex}


def code(member: Any) -> str:
    """The member's rotating code of this moment."""
    return qr.make(QR_KEY, member["id"], clock.now())


async def allow(points: Points, **program: Any) -> None:
    """Publish the plain program with something more."""
    answer = await points.client.put("/v1/program", json={**PLAIN, **program}, headers=owner())
    assert answer.status_code == 200, answer.text


def kind(answer: httpx.Response) -> str:
    """The word of a problem."""
    return str(answer.json()["type"].rpartition(":")[2])
