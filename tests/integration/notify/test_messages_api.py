"""What owners set and read of messages, and the customer's switches on the card."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify.categories import CATEGORIES
from services.notify.preferences.settings import SHIPPED
from services.notify.sending.deliveries import Delivery
from services.notify.store import deliveries as store
from services.notify.store import recipients
from services.notify.store.preferences import Choice, choose
from services.notify.store.recipients import Link, Standing
from shared import clock, ids
from shared.line_login import LineLogin
from tests.integration.notify.links_house import READ_KEY, House, house

USER, MEMBER, EVENT = "U" + "7" * 32, UUID(int=70), UUID(int=71)
SETTINGS = "/v1/messages/settings"
DELIVERIES = "/v1/messages/deliveries"


@pytest.fixture
async def shop(
    servers: Any, database: Any, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    async def user(_: LineLogin, token: str) -> str:
        return token

    monkeypatch.setattr(LineLogin, "user", user)
    async with house(servers, database, namespace) as open_house:
        yield open_house


async def told(
    shop: House, number: int, category: str = "receipt", event: UUID | None = None
) -> Any:
    now = clock.now() + timedelta(seconds=number)
    delivery = Delivery(
        USER, event or ids.new_id(), ids.new_id(), "earned", "[]", now,
        category=category, priority=CATEGORIES[category].priority, language="ja",
    )  # fmt: skip
    await store.insert(shop.pool, [delivery], [None], now=now, due_at=now, taken=False)
    return delivery


async def test_settings_are_put_whole_by_revision(shop: House) -> None:
    shipped = await shop.ask("GET", SETTINGS, READ_KEY)
    assert shipped.json()["revision"] == 0
    assert shipped.headers["etag"] == '"0"'
    assert shipped.json()["settings"] == SHIPPED.model_dump(by_alias=True)
    document = {"language": "en", "categories": {"receipt": {"window_seconds": 10}}}
    first = await shop.ask("PUT", SETTINGS, json=document, headers={"If-Match": '"0"'})
    assert (first.status_code, first.json()["revision"]) == (200, 1)
    assert first.json()["settings"]["categories"]["receipt"]["window_seconds"] == 10
    again = await shop.ask("PUT", SETTINGS, json=document)
    assert again.json()["revision"] == 1, "it counts already"
    late = await shop.ask("PUT", SETTINGS, json={}, headers={"If-Match": '"0"'})
    assert (late.status_code, late.json()["type"].split(":")[-1]) == (412, "out-of-date")
    assert (await shop.ask("GET", SETTINGS)).json()["settings"]["language"] == "en"


async def test_wrong_settings_are_refused_whole_with_every_fault(shop: House) -> None:
    quiet = {"from": "25:00", "to": "09:00"}
    document = {"categories": {"receipt": {"quiet": quiet}, "chat": {}}, "language": "fr"}
    answer = await shop.ask("PUT", SETTINGS, json=document)
    assert answer.status_code == 422
    paths = {each["path"] for each in answer.json()["errors"]}
    assert paths == {"language", "categories.receipt.quiet.from", "categories.chat"}
    assert (await shop.ask("GET", SETTINGS)).json()["revision"] == 0
    assert (await shop.ask("PUT", SETTINGS, READ_KEY, json={})).status_code == 403


async def test_deliveries_are_found_by_member_event_and_state_page_by_page(shop: House) -> None:
    await recipients.link(shop.pool, [Link(USER, MEMBER, clock.now())])
    made = [await told(shop, number, event=EVENT if number == 0 else None) for number in range(5)]
    seen, cursor = [], None
    while True:
        params = {"member": str(MEMBER), "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await shop.ask("GET", DELIVERIES, READ_KEY, params=params)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == [str(each.id) for each in reversed(made)]
    (one,) = (await shop.ask("GET", DELIVERIES, params={"event": str(EVENT)})).json()["items"]
    assert (one["category"], one["status"], one["member"]) == ("receipt", "waiting", str(MEMBER))
    assert (await shop.ask("GET", f"{DELIVERIES}/{one['id']}")).json() == one
    for status, count in (("waiting", 5), ("failed", 0), ("merged", 0), ("held", 0)):
        found = (await shop.ask("GET", DELIVERIES, params={"status": status})).json()["items"]
        assert len(found) == count, status
    assert (await shop.ask("GET", f"{DELIVERIES}/{UUID(int=9)}")).status_code == 404


async def test_what_was_merged_shows_what_became_of_the_message(shop: House) -> None:
    leader, follower = await told(shop, 0), await told(shop, 1)
    await shop.pool.execute(
        "UPDATE deliveries SET status = 'merged', due_at = NULL, merged_into = $2 WHERE id = $1",
        follower.id,
        leader.id,
    )
    await shop.pool.execute(
        "UPDATE deliveries SET status = 'failed', due_at = NULL, reason = '400 no' WHERE id = $1",
        leader.id,
    )
    shown = (await shop.ask("GET", f"{DELIVERIES}/{follower.id}")).json()
    assert (shown["status"], shown["outcome"], shown["reason"]) == ("merged", "failed", "400 no")
    assert shown["merged_into"] == str(leader.id)


async def test_a_recipient_shows_language_blocks_and_wishes(shop: House) -> None:
    now = clock.now()
    await recipients.link(shop.pool, [Link(USER, MEMBER, now - timedelta(days=3))])
    await recipients.stand(shop.pool, [Standing(USER, True, now)])
    await choose(shop.pool, [Choice(USER, "campaign", True, now, "chat")], now)
    (one,) = (await shop.ask("GET", f"/v1/messages/recipients/{MEMBER}")).json()["items"]
    assert one["blocked"] is True
    assert one["blocked_since"] == now.isoformat().replace("+00:00", "Z")
    assert [(each["category"], each["stopped"]) for each in one["preferences"]] == [
        ("campaign", True)
    ]
    assert USER not in str(one)
    unknown = await shop.ask("GET", f"/v1/messages/recipients/{UUID(int=8)}")
    assert unknown.status_code == 404


async def test_the_card_shows_switches_and_moves_them(shop: House) -> None:
    headers = {"Authorization": f"Bearer {USER}"}
    await recipients.stand(shop.pool, [Standing(USER, False, clock.now())])
    waiting = await told(shop, 0, "rank")
    view = await shop.client.get("/notices/view", headers=headers)
    assert view.text.count(" checked") == 4
    assert "ランク" in view.text
    body = {"category": "rank", "receive": False}
    moved = await shop.client.post("/notices/choices", headers=headers, json=body)
    assert moved.text.count(" checked") == 3
    shown = (await shop.ask("GET", f"{DELIVERIES}/{waiting.id}")).json()
    assert (shown["status"], shown["reason"]) == ("skipped", "opted_out")
    english = await shop.client.get("/notices/view", headers={**headers, "Accept-Language": "en"})
    assert "Offers and news" in english.text
    chosen = {**headers, "Accept-Language": "ja", "Cookie": "lang=en"}
    english = await shop.client.get("/notices/view", headers=chosen)
    assert "Offers and news" in english.text, "as the card around it"


async def test_without_lines_word_nobody_sees_or_moves_a_switch(shop: House) -> None:
    assert (await shop.client.get("/notices/view")).status_code == 401
    body = {"category": "rank", "receive": False}
    assert (await shop.client.post("/notices/choices", json=body)).status_code == 401
    stranger = {"Authorization": "Bearer U" + "9" * 32}
    answer = await shop.client.post("/notices/choices", headers=stranger, json=body)
    assert answer.status_code == 404
    assert await shop.pool.fetchval("SELECT count(*) FROM preferences") == 0
    wrong = {"category": "chat", "receive": False}
    refused = await shop.client.post(
        "/notices/choices", headers={"Authorization": f"Bearer {USER}"}, json=wrong
    )
    assert refused.status_code == 422


async def test_the_script_and_style_are_served(shop: House) -> None:
    for name in ("notices.js", "notices.css"):
        assert (await shop.client.get(f"/static/notify/{name}")).status_code == 200
