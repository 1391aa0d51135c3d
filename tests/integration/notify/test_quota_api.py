"""The owner's plan and the month's figures over HTTP."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.notify.quota import releasing
from services.notify.quota.plan import LineQuota
from services.notify.store import quota as store
from services.notify.store.quota import Sent
from shared import clock, ids
from tests.integration.notify.links_house import READ_KEY, House, house

NOW = datetime(2025, 4, 10, 15, 30, tzinfo=UTC)  # the 11th in Japan
APRIL, TODAY = date(2025, 4, 1), date(2025, 4, 11)
QUOTA = "/v1/messages/quota"
PLAN = {
    "price": "light",
    "budgets": {"campaign": {"percent": 60}, "receipt": {"messages": 100}},
    "reserve": {"messages": 300},
    "when_used_up": {"campaign": {"then": "drop"}},
}


@pytest.fixture
async def shop(notify: Any, servers: Any, database: Any, namespace: str) -> AsyncIterator[House]:
    clock.set_offset(NOW - datetime.now(UTC))
    async with contextlib.AsyncExitStack() as stack:
        yield await stack.enter_async_context(house(servers, database, namespace))


async def ok(shop: House, method: str, path: str = "", **more: Any) -> Any:
    answer = await shop.ask(method, f"{QUOTA}{path}", **more)
    assert answer.is_success, answer.text
    return answer.json()


async def test_a_plan_is_put_shown_in_full_and_only_by_the_owner(shop: House) -> None:
    assert (await ok(shop, "GET", "/plan"))["price"] is None
    put = await ok(shop, "PUT", "/plan", json=PLAN)
    assert put == await ok(shop, "GET", "/plan", key=READ_KEY)
    assert put["preset"] == "light"
    assert put["price"] == {
        "monthly_yen": 5_000, "included": 5_000, "extra_thousandths_of_yen": None
    }  # fmt: skip
    again = {name: value for name, value in put.items() if name != "preset"}
    assert await ok(shop, "PUT", "/plan", json=again) == put, "what is shown can be put back"
    refused = await shop.ask("PUT", f"{QUOTA}/plan", READ_KEY, json=PLAN)
    assert refused.status_code == 403
    for wrong in ({"budgets": {"campaign": {}}}, {"price": "gold"}, {"budgets": {"news": {}}}):
        answer = await shop.ask("PUT", f"{QUOTA}/plan", json=wrong)
        assert answer.status_code == 422, wrong


async def test_the_month_so_far_adds_up(shop: House) -> None:
    broadcast = ids.new_id()
    async with shop.pool.acquire() as connection, connection.transaction():
        await store.locked_month(connection, APRIL)
        sent = [
            Sent(TODAY - timedelta(days=1), "receipt", "earned", None, 70),
            Sent(TODAY, "campaign", "broadcast", broadcast, 2_000),
        ]
        await store.count(connection, sent, NOW)
        line = LineQuota(5_000, 2_100, 2_070, NOW)
        await store.read(connection, APRIL, line, uncounted={})
    await ok(shop, "PUT", "/plan", json=PLAN)
    await _delivery(shop, "held", datetime(2025, 4, 30, 15, tzinfo=UTC))
    await _delivery(shop, "dropped", None)
    month = await ok(shop, "GET", key=READ_KEY)
    assert (month["quota"], month["used"], month["left"]) == (5_000, 2_100, 2_900)
    assert (month["own"], month["elsewhere"], month["difference"]) == (2_070, 30, 30)
    assert month["bill"] == {
        "yen": 5_000, "fee_yen": 5_000, "extra_yen": 0, "unused_yen": 2_900
    }  # fmt: skip
    campaign = next(each for each in month["categories"] if each["category"] == "campaign")
    assert (campaign["budget"], campaign["left"], campaign["yen"]) == (3_000, 1_000, 2_000)
    assert campaign["dropped"] == month["dropped"] == 1
    assert month["broadcasts"] == [{"broadcast": str(broadcast), "sent": 2_000, "yen": 2_000}]
    costs = sum(each["yen"] for each in month["kinds"]) + month["elsewhere_yen"]
    assert costs == month["bill"]["yen"] - month["bill"]["unused_yen"]
    assert month["held"] == [
        {"category": "campaign", "messages": 1, "until": "2025-04-30T15:00:00Z"}
    ]
    expected = {"runs_out_by_rate": None, "runs_out_by_weekday": None, "month_end": 3_430}
    assert month["forecast"] == expected, "70 on each of 19 days"
    months = await ok(shop, "GET", "/months")
    assert [each["month"] for each in months["items"]] == ["2025-04-01"]
    assert (months["items"][0]["used"], months["next"]) == (2_100, None)
    assert (await shop.ask("GET", f"{QUOTA}/months?cursor=x")).status_code == 400


async def test_release_lets_go_what_is_held_and_forgets_lines_refusal(shop: House) -> None:
    async with shop.pool.acquire() as connection, connection.transaction():
        await store.locked_month(connection, APRIL)
        await store.note_refused(connection, APRIL, NOW)
    await _delivery(shop, "held", datetime(2025, 4, 30, 15, tzinfo=UTC))
    assert (await ok(shop, "GET"))["left"] == 0
    assert await ok(shop, "POST", "/release") == {"released": 1}
    due = await shop.pool.fetchval("SELECT due_at FROM deliveries")
    assert due <= clock.now() + releasing.SETTLED
    assert (await ok(shop, "GET"))["refused_at"] is None


async def _delivery(shop: House, status: str, due_at: datetime | None) -> None:
    await shop.pool.execute(
        """INSERT INTO deliveries (line_user_id, event_id, id, kind, category, priority, status,
            messages, tries, due_at, created_at, finished_at)
        VALUES ('U', gen_random_uuid(), gen_random_uuid(), 'broadcast', 'campaign', 3, $1, '[]', 0,
            $2, $3, $4)""",
        status,
        due_at,
        NOW,
        None if due_at else NOW,
    )
