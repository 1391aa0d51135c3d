"""What people see between midnight and the night: what is due counts as done."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from shared import clock
from shared.events import ChatDataRequested, MemberRef, new_event
from tests.integration.points.ranking_shop import publish
from tests.integration.points.shop import PLAIN, Points, eventually, owner, submitted

USER = "U" + "4" * 32


@pytest.fixture(autouse=True)
def steady_clock() -> Iterator[None]:
    """A test moves the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


async def seen(points: Points, member: str) -> dict[str, object]:
    """The member's points as the API says them."""
    answer = await points.client.get(f"/v1/members/{member}", headers=owner())
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["points"])


async def test_expired_points_cannot_be_spent_and_due_ones_can(points: Points) -> None:
    rules = {**PLAIN, "expiry": {"type": "fixed", "days": 3}, "pending": {"days": 1}}
    await publish(points, rules)
    await points.follow(USER)
    member = await points.member(USER)
    clock.set_offset(timedelta(days=2))
    event = submitted(MemberRef(card=member["card"]), total=1000)
    await points.publish(event)
    await points.status(event.id, "awarded")
    usable = (event.data.purchase.occurred_at + timedelta(days=1)).isoformat()
    (earned,) = (e for e in await points.told("points.earned.v1") if e["source"] == "purchase")
    assert datetime.fromisoformat(earned["usable_from"]).isoformat() == usable
    (joined,) = await points.told("member.joined.v1")
    assert joined["balance"] == 0 < joined["welcome_points"]
    assert datetime.fromisoformat(joined["usable_from"]) > clock.now() - timedelta(days=2)
    now = await seen(points, member["id"])
    assert (now["balance"], now["pending"]) == (50, 10)
    assert [each["points"] for each in now["expiring"]] == [50]  # type: ignore[attr-defined]
    clock.set_offset(timedelta(days=4))
    now = await seen(points, member["id"])
    assert (now["balance"], now["pending"]) == (10, 0)
    assert [each["points"] for each in now["expiring"]] == [10]  # type: ignore[attr-defined]
    stored = await points.pool.fetchrow("SELECT in_lots, pending FROM accounts")
    assert tuple(stored) == (0, 60)
    await points.publish(new_event("/notify", ChatDataRequested(USER, "balance")))
    answer = (await eventually(lambda: points.told("chat.data_provided.v1"), "no answer"))[0]
    assert (answer["balance"], answer.get("pending", 0)) == (10, 0)
