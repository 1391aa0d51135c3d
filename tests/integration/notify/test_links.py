"""Tracked links: where they lead, who is counted, and that nothing in a request decides either."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify.links.clicks import Clicks
from services.notify.links.tracking import Source, track
from services.notify.store import links as store
from shared import clock, ids
from tests.integration.notify.links_house import PHONE, READ_KEY, SHOP, House, house

ADDRESS = "https://ec.example.jp/sale?from=line"
BROADCAST = UUID(int=7)


@pytest.fixture
async def shop(servers: Any, database: Any, namespace: str) -> AsyncIterator[House]:
    async with house(servers, database, namespace) as open_house:
        yield open_house


def button(**action: Any) -> dict[str, Any]:
    return {"type": "button", "action": {"type": "uri", "label": "見る", **action}}


def flex(*contents: dict[str, Any]) -> dict[str, Any]:
    body = {"type": "box", "layout": "vertical", "contents": list(contents)}
    return {"type": "flex", "altText": "セール", "contents": {"type": "bubble", "body": body}}


async def tracked(shop: House, *messages: dict[str, Any], source: Source) -> list[dict[str, Any]]:
    async with shop.pool.acquire() as connection, connection.transaction():
        return await track(connection, list(messages), source, f"{SHOP}/")


async def path_of(shop: House, address: str = ADDRESS, **source: Any) -> str:
    (message,) = await tracked(shop, flex(button(uri=address)), source=Source(**source))
    action = message["contents"]["body"]["contents"][0]["action"]
    return str(action["uri"]).removeprefix(SHOP)


async def total(shop: House) -> int:
    return int(await shop.pool.fetchval("SELECT coalesce(sum(clicks), 0) FROM link_clicks"))


async def test_an_address_in_a_message_leads_over_a_link_and_is_counted(shop: House) -> None:
    path = await path_of(shop, broadcast_id=BROADCAST, template="sale", template_version=3)
    answer = await shop.tap(path)
    assert (answer.status_code, answer.headers["location"]) == (302, ADDRESS)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == b""
    await shop.write()
    listed = (
        await shop.ask("GET", "/v1/messages/links", READ_KEY, params={"template": "sale"})
    ).json()
    (link,) = listed["items"]
    assert (link["clicks"], link["broadcast"], link["template_version"]) == (1, str(BROADCAST), 3)
    assert link["url"] == SHOP + path
    assert link["address"] == ADDRESS


async def test_only_addresses_of_uri_actions_are_touched(shop: House) -> None:
    message = flex(
        button(uri=ADDRESS, altUri={"desktop": f"{ADDRESS}&pc=1"}),
        button(uri=f"{ADDRESS}&openExternalBrowser=1"),
        {"type": "text", "text": ADDRESS, "action": {"type": "uri", "linkUri": ADDRESS}},
        {"type": "image", "url": ADDRESS},
    )
    quick = {
        "type": "text",
        "text": ADDRESS,
        "quickReply": {"items": [{"action": button(uri=ADDRESS)["action"]}]},
    }
    before = json.dumps([message, quick])
    found, replied = await tracked(shop, message, quick, source=Source(segment="vip"))
    assert json.dumps([message, quick]) == before, "the original must stay as it was"
    first, second, third, fourth = found["contents"]["body"]["contents"]
    assert first["action"]["uri"].startswith(f"{SHOP}/r/")
    assert first["action"]["altUri"]["desktop"] not in (first["action"]["uri"], f"{ADDRESS}&pc=1")
    assert second["action"]["uri"].endswith("?openExternalBrowser=1")
    assert third["action"]["linkUri"] == first["action"]["uri"]
    assert (third["text"], fourth["url"], replied["text"]) == (ADDRESS, ADDRESS, ADDRESS)
    assert replied["quickReply"]["items"][0]["action"]["uri"] == first["action"]["uri"]


@pytest.mark.parametrize(
    "uri",
    ["tel:0312345678", "line://app/1", "https://liff.line.me/1-a", "https://line.me/R/ti/p/@shop",
     "https://ec.example.jp/?m={member}", "https://u:p@ec.example.jp/", f"{SHOP}/r/abc", "", 5],
)  # fmt: skip
async def test_what_a_redirect_cannot_stand_in_for_stays(shop: House, uri: Any) -> None:
    message = flex(button(uri=uri))
    assert await tracked(shop, message, source=Source()) == [message]


async def test_the_same_source_keeps_its_codes_and_another_gets_its_own(shop: House) -> None:
    one = {"broadcast_id": BROADCAST}
    paths = await asyncio.gather(*(path_of(shop, **one) for _ in range(5)))
    assert len(set(paths)) == 1
    assert await path_of(shop, broadcast_id=UUID(int=8)) != paths[0]
    assert await path_of(shop, f"{ADDRESS}2", **one) != paths[0]


@pytest.mark.parametrize(
    "more",
    [
        "?url=https://evil.example", "?next=//evil.example&u=%0d%0aLocation:%20https://evil.example",
        "#@evil.example",
    ],
)  # fmt: skip
async def test_nothing_in_a_request_decides_where_it_leads(shop: House, more: str) -> None:
    path = await path_of(shop)
    hostile = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "Referer": "https://evil.example",
        "X-Original-URL": "https://evil.example",
    }
    answer = await shop.tap(path + more, **hostile)
    assert answer.headers["location"] == ADDRESS


@pytest.mark.parametrize(
    "code",
    [
        "", "a", "https://evil.example", "//evil.example", "A" * 16, "A" * 17, "A" * 5000,
        "%00" * 16, "%0d%0aLocation:%20https://evil.example", "あ" * 16, "' OR 1=1 --xxxx",
        "..%2f..", "%5c%5cevil",
    ],
)  # fmt: skip
async def test_other_codes_get_a_page_that_leads_nowhere(shop: House, code: str) -> None:
    answer = await shop.tap(f"/r/{code}")
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "evil" not in answer.text
    assert answer.text.index("このリンクは使えません") < answer.text.index("leads nowhere")
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'sha256-"
    )
    assert await total(shop) == 0


async def test_who_is_no_person_is_led_on_but_not_counted(shop: House) -> None:
    path = await path_of(shop)
    poker = "facebookexternalhit/1.1;line-poker/1.0"
    answers = [
        await shop.client.head(path, headers=PHONE),
        await shop.client.get(path, headers={"User-Agent": poker}),
        await shop.tap(path, **{"Sec-Purpose": "prefetch"}),
    ]
    assert [(each.status_code, each.headers["location"]) for each in answers] == [
        (302, ADDRESS)
    ] * 3
    refused = await shop.client.post(path, headers=PHONE)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    await shop.write()
    assert await total(shop) == 0


async def test_many_taps_at_once_are_counted_exactly_while_others_write(
    shop: House, servers: Any, database: Any
) -> None:
    path = await path_of(shop)
    link = await shop.pool.fetchval("SELECT id FROM links")
    replicas = [Clicks(shop.pool) for _ in range(4)]

    async def taps(clicks: Clicks) -> None:
        for number in range(50):
            clicks.count(link)
            if number % 5 == 0:
                await clicks.write()
        await clicks.write()

    tapping = [shop.tap(path) for _ in range(100)]
    await asyncio.gather(*(taps(each) for each in replicas), *tapping)
    await shop.write()
    assert await total(shop) == 300


async def test_a_batch_whose_answer_was_lost_counts_once(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await path_of(shop)
    link = await shop.pool.fetchval("SELECT id FROM links")
    clicks, count = Clicks(shop.pool), store.count

    async def lost(*given: Any) -> None:
        await count(*given)
        raise ConnectionError("the answer was lost")

    clicks.count(link)
    monkeypatch.setattr(store, "count", lost)
    await clicks.close()
    monkeypatch.setattr(store, "count", count)
    clicks.count(link)
    await clicks.write()
    assert await total(shop) == 2


async def test_links_in_memory_lead_on_while_the_database_is_away(shop: House) -> None:
    path = await path_of(shop)
    assert (await shop.tap(path)).status_code == 302
    await shop.pool.close()
    assert (await shop.tap(path)).headers["location"] == ADDRESS
    answer = await shop.tap("/r/" + "A" * 16)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_an_owners_own_link(shop: House) -> None:
    given = {"name": "春のポスター", "address": "https://ec.example.jp/春"}
    key = {"Idempotency-Key": "poster-1"}
    made = await shop.ask("POST", "/v1/messages/links", json=given, headers=key)
    again = await shop.ask("POST", "/v1/messages/links", json=given, headers=key)
    assert (made.status_code, again.status_code) == (201, 201)
    assert made.json() == again.json()
    path = made.json()["url"].removeprefix(SHOP)
    assert (await shop.tap(path)).headers["location"] == "https://ec.example.jp/%E6%98%A5"
    other = await shop.ask("POST", "/v1/messages/links", json={**given, "name": "x"}, headers=key)
    assert other.status_code == 409
    reader = await shop.ask("POST", "/v1/messages/links", READ_KEY, json=given)
    assert reader.status_code == 403


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://a@b.jp/", "https://a.jp/\x00"])
async def test_an_owner_is_told_what_is_wrong_with_an_address(shop: House, address: str) -> None:
    answer = await shop.ask("POST", "/v1/messages/links", json={"name": "x", "address": address})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "address"


async def test_clicks_over_time_are_in_the_days_of_the_shop(shop: House) -> None:
    path = await path_of(shop, broadcast_id=BROADCAST, segment="vip", template="sale")
    id = await shop.pool.fetchval("SELECT id FROM links")
    midnight = clock.now().replace(hour=15, minute=0, second=0, microsecond=0) - timedelta(days=2)
    hours = {
        (id, midnight - timedelta(hours=1)): 2,
        (id, midnight): 3,
        (id, midnight + timedelta(hours=23)): 4,
    }
    async with shop.pool.acquire() as connection:
        await store.count(connection, ids.new_id(), hours, clock.now())
    days = (await shop.ask("GET", f"/v1/messages/links/{id}/clicks")).json()["items"]
    assert [each["clicks"] for each in days] == [2, 7]
    by_hour = await shop.ask("GET", f"/v1/messages/links/{id}/clicks", params={"per": "hour"})
    assert [each["clicks"] for each in by_hour.json()["items"]] == [2, 3, 4]
    for by, of in (("broadcast", str(BROADCAST)), ("segment", "vip"), ("template", "sale")):
        sums = (await shop.ask("GET", "/v1/messages/clicks", params={"by": by})).json()["items"]
        assert sums == [{"of": of, "version": None, "links": 1, "clicks": 9}]
    assert path


async def test_pages_of_links_hold_each_once(shop: House) -> None:
    for number in range(5):
        await path_of(shop, f"{ADDRESS}&n={number}")
    seen, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await shop.ask("GET", "/v1/messages/links", params=params)).json()
        seen += [each["address"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"{ADDRESS}&n={number}" for number in (4, 3, 2, 1, 0)]
