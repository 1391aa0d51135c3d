"""Purchases of unknown cards: earned when the card becomes known, unless that takes too long."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.points.accounts import verifying
from services.points.nights import sweeping
from services.points.programs.rulebook import Rulebook
from services.points.purchases import waiting
from shared import clock, outbox
from shared.events import Event, MemberRef, PurchaseSubmitted
from tests.integration.points.shop import PLAIN, Points, owner, submitted

DAYS = 10


def accepted(at: datetime, name: str) -> Event[PurchaseSubmitted]:
    event = submitted(MemberRef(external_id=name), total=1_000, occurred_at=at)
    return msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, accepted_at=at))


async def settled(points: Points, event: Event[PurchaseSubmitted]) -> Any:
    answer = await points.client.get(f"/v1/purchases/{event.id}", headers=owner())
    return answer.json()


async def test_who_comes_in_time_earns_and_who_comes_late_is_told(points: Points) -> None:
    await points.client.put(
        "/v1/program", json={**PLAIN, "waiting": {"days": DAYS}}, headers=owner()
    )
    now = clock.now()
    late = accepted(now - timedelta(days=DAYS, seconds=1), "shop-1")
    just = accepted(now - timedelta(days=DAYS - 1), "shop-1")
    await points.publish(late, just)
    for event in (late, just):
        await points.status(event.id, "waiting_for_member")
    made = await points.client.post(
        "/v1/members", json={"external_id": "shop-1"}, headers=owner("make-1")
    )
    earned = await settled(points, just)
    assert earned["status"] == "awarded"
    assert made.json()["points"]["balance"] == earned["points"]["earned"] > 0
    refused = await settled(points, late)
    assert refused["status"] == "rejected"
    assert "10日以内に会員が見つからなかった" in refused["detail"]
    assert "within 10 days" in refused["detail"]
    told = await points.told("purchase.rejected.v1")
    assert [(each["purchase_id"], each["reason"]) for each in told] == [
        (str(late.id), waiting.TOO_LATE)
    ]


async def test_the_sweep_settles_what_waited_too_long_in_pages(
    points: Points, monkeypatch: Any
) -> None:
    monkeypatch.setattr(waiting, "PAGE", 2)
    old = clock.now() - timedelta(days=31)
    late = [accepted(old, f"nobody-{number}") for number in range(5)]
    fresh = accepted(clock.now() - timedelta(days=29), "somebody")
    await points.publish(*late, fresh)
    for event in (*late, fresh):
        await points.status(event.id, "waiting_for_member")
    relay = outbox.Relay(points.pool, points.bus.publisher)
    for _ in range(2):
        for sweep in sweeping.SWEEPS:
            await sweep(points.pool, relay, Rulebook())
    await relay.join()
    assert {(await settled(points, event))["status"] for event in late} == {"rejected"}
    assert (await settled(points, fresh))["status"] == "waiting_for_member"
    told = [each["purchase_id"] for each in await points.told("purchase.rejected.v1")]
    assert sorted(told) == sorted(str(event.id) for event in late)
    assert await points.pool.fetchval("SELECT count(*) FROM waiting_purchases") == 1
    again = msgspec.structs.replace(late[0])
    await points.publish(again)
    after = submitted(MemberRef(external_id="somebody"))
    await points.publish(after)
    await points.status(after.id, "waiting_for_member")
    assert (await settled(points, late[0]))["status"] == "rejected"
    async with points.pool.acquire() as connection:
        assert [each async for page in verifying.verify(connection) for each in page.findings] == []
