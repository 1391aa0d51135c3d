"""Broadcasts from the draft to the report, on real servers: each gets it once, whatever happens."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify.__main__ import broadcasts
from services.notify.broadcasts import posting, upkeep
from services.notify.preferences.rules import MessageRules
from services.notify.store import templates
from shared import clock
from shared.events import MemberErased, SegmentPerson, new_event
from tests.integration.notify.broadcast_house import (
    BOTH,
    LATER,
    OWNER_KEY,
    PERSONAL,
    READ_KEY,
    Office,
    crowd,
    office,
    user,
)

FAST = {"line_multicast_rate_per_second": 200}


@pytest.fixture
async def shop(servers: Any, notify: Any) -> AsyncIterator[Office]:
    async with notify.publishing() as publisher, office(servers, notify, publisher) as open_office:
        yield open_office


@pytest.fixture(autouse=True)
def quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(posting, "LOOK_SECONDS", 0.02)


def got(line: Any) -> Counter[str]:
    """How often each user received something."""
    return Counter(each["to"] for each in line.delivered)


async def know(shop: Office, number: int, language: str = "ja", *, blocked: bool = False) -> None:
    await shop.pool.execute(
        "INSERT INTO recipients (line_user_id, language, blocked, changed_at) "
        "VALUES ($1, $2, $3, $4)",
        user(number),
        language,
        blocked,
        clock.now(),
    )


async def stop_campaigns(shop: Office, number: int) -> None:
    await shop.pool.execute(
        "INSERT INTO preferences VALUES ($1, 'campaign', true, $2, 'chat')",
        user(number),
        clock.now(),
    )


async def test_each_gets_it_once_in_their_language_and_the_rest_are_accounted_for(
    notify: Any, line: Any, shop: Office
) -> None:
    await know(shop, 1, "en")
    await know(shop, 2, blocked=True)
    await stop_campaigns(shop, 3)
    people = [*crowd(1204), SegmentPerson(UUID(int=9999), "9")]
    async with notify.running(broadcasts, **FAST):
        path = await shop.draft(BOTH)
        ready = await shop.counted(path, people)
        assert ready["counted"]["left_out"] == {"no_line": 1, "blocked": 1, "opted_out": 1}
        assert (ready["counted"]["people"], ready["counted"]["recipients"]) == (1205, 1202)
        assert (ready["counted"]["calls"], ready["counted"]["seconds"]) == (4, 1)
        assert (ready["cost"]["fits"], ready["cost"]["fitting"]) == (True, 1202)
        await shop.do("POST", f"{path}/confirm", {"revision": ready["revision"]})
        sent = await shop.reach(path, "sent")
    assert got(line) == {user(n): 1 for n in range(1, 1205) if n not in (2, 3)}
    texts = {each["to"]: each["messages"][0]["text"] for each in line.delivered}
    assert (texts[user(1)], texts[user(4)]) == ("Sale", "セールです")
    assert {tuple(each["customAggregationUnits"]) for each in line.delivered} == {(sent["unit"],)}
    assert len({key for call, key in line.calls if call == "multicast"}) == 4
    report = await shop.do("GET", f"{path}/report", key=READ_KEY)
    assert (report["planned"], report["delivered"], report["open"]) == (1202, 1202, 0)
    assert {each["reason"]: each["count"] for each in report["left_out"]} == {
        "no_line": 1, "blocked": 1, "opted_out": 1,
    }  # fmt: skip
    assert await shop.pool.fetchval("SELECT count(*) FROM broadcast_people") == 0
    acts = [each["act"] for each in sent["acts"]]
    assert acts == ["create", "count", "counted", "confirm", "start", "finish"]


async def test_personal_ones_are_pushed_each_with_their_own_words(
    notify: Any, line: Any, shop: Office
) -> None:
    line.script = ["lost", "500", "rate"]
    async with notify.running(broadcasts):
        path = await shop.confirmed(crowd(40), PERSONAL)
        await shop.reach(path, "sent")
    assert got(line) == {user(n): 1 for n in range(1, 41)}
    assert {each["kind"] for each in line.delivered} == {"push"}
    texts = {each["to"]: each["messages"][0]["text"] for each in line.delivered}
    assert texts[user(7)] == "残り7ポイント"


async def test_misfortunes_send_nothing_twice_and_lose_nothing(
    notify: Any, line: Any, shop: Office
) -> None:
    line.script = ["lost", "500", "rate", "lost", "hang", "500", "rate"]
    async with notify.running(broadcasts, **FAST):
        path = await shop.confirmed(crowd(2600))
        await shop.reach(path, "sent")
    assert got(line) == {user(n): 1 for n in range(1, 2601)}
    assert await shop.statuses(path) == {"delivered": 2600}


async def test_killed_at_any_moment_it_goes_on_without_a_double(
    notify: Any, line: Any, shop: Office
) -> None:
    line.always = "hang"
    path = await shop.draft()
    async with notify.running(broadcasts, **FAST) as first:
        ready = await shop.counted(path, crowd(6000))
        await shop.do("POST", f"{path}/confirm", {"revision": ready["revision"]})
        await shop_until(lambda: line.waiting >= 3)
        await first.crash()
    line.always = None
    line.released.set()
    await end_leases(shop)
    async with notify.running(broadcasts, **FAST), notify.running(broadcasts, **FAST):
        await shop.reach(path, "sent")
    assert got(line) == {user(n): 1 for n in range(1, 6001)}


async def end_leases(shop: Office) -> None:
    """As if the crashed process's leases had ended."""
    for table in ("multicasts", "deliveries"):
        await shop.pool.execute(
            f"UPDATE {table} SET due_at = $1 WHERE due_at IS NOT NULL", clock.now()
        )


async def shop_until(condition: Any) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.01)


async def test_paused_it_stops_resumed_it_goes_on(notify: Any, line: Any, shop: Office) -> None:
    async with notify.running(broadcasts, line_multicast_rate_per_second=4):
        path = await shop.confirmed(crowd(6000))
        await shop_until(lambda: line.delivered)
        await shop.do("POST", f"{path}/pause")
        paused = await shop.reach(path, "paused")
        assert 0 < len(line.delivered) < 6000
        calls = len(line.calls)
        await stop_campaigns(shop, 5999)
        await asyncio.sleep(0.6)  # at this pace two more calls would have been made
        assert len(line.calls) <= calls + 1
        assert paused["progress"]["by_status"]["waiting"] > 0
        again = await shop.ask("POST", f"{path}/pause")
        assert again.status_code == 409
    async with notify.running(broadcasts, **FAST):
        await shop.do("POST", f"{path}/resume", {})
        await shop.reach(path, "sent")
    assert got(line) == {user(n): 1 for n in range(1, 6001) if n != 5999}


@pytest.mark.parametrize("content", [BOTH, PERSONAL], ids=["multicast", "personal"])
async def test_cancelled_half_way_it_says_who_got_it(
    notify: Any, line: Any, shop: Office, content: Any
) -> None:
    line.script = ["lost"]
    slow = {"line_multicast_rate_per_second": 4, "line_rate_per_second": 100}
    async with notify.running(broadcasts, **slow):
        path = await shop.confirmed(crowd(5200), content)
        await shop_until(lambda: len(line.delivered) > 20)
        await shop.do("POST", f"{path}/cancel")

        async def settled() -> bool:
            return "waiting" not in await shop.statuses(path) and await shop.pool.fetchval(
                "SELECT settled_at IS NOT NULL FROM broadcasts WHERE id = $1", UUID(path[1:])
            )

        async with asyncio.timeout(15):
            while not await settled():
                await asyncio.sleep(0.02)
    report = await shop.do("GET", f"{path}/report")
    assert report["delivered"] + report["cancelled"] == 5200
    listed, cursor = [], None
    while True:
        params = {"status": "delivered", "limit": 200} | ({"cursor": cursor} if cursor else {})
        page = await shop.do("GET", f"{path}/recipients", params=params)
        listed += [each["line_user_id"] for each in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert Counter(listed) == got(line)
    assert 0 < len(listed) < 5200


async def test_each_step_says_how_it_stood_before_once(shop: Office) -> None:
    path = await shop.draft()
    key = {"Idempotency-Key": "the same"}
    for _ in range(2):
        await shop.do("POST", f"{path}/count", headers=key)
    await shop.do("POST", f"{path}/cancel")
    made, *steps = await shop.emitted("key.acted.v1")
    assert made["target"] == f"broadcast:{path[1:]}" and made["before"] is None
    assert made["after"]["name"]
    assert [(each["before"]["state"], each["after"]["state"]) for each in steps] == [
        ("draft", "counting"),
        ("counting", "cancelled"),
    ]


async def test_nobody_confirms_a_number_that_they_did_not_see(
    notify: Any, line: Any, shop: Office
) -> None:
    async with notify.running(broadcasts, **FAST):
        path = await shop.draft()
        early = await shop.ask("POST", f"{path}/confirm", {"revision": 1})
        assert (early.status_code, "Count it first" in early.text) == (409, True)
        seen = (await shop.counted(path, crowd(10)))["revision"]
        await shop.counted(path, crowd(11))
        late = await shop.ask("POST", f"{path}/confirm", {"revision": seen})
        assert (late.status_code, late.json()["type"]) == (409, "urn:tamaru:problem:out-of-date")
        assert "11 recipients" in late.text
        forbidden = await shop.ask("POST", f"{path}/confirm", {"revision": seen}, key=READ_KEY)
        assert forbidden.status_code == 403
        fresh = (await shop.do("GET", path))["revision"]
        key = {"Idempotency-Key": "the same"}
        body = {"revision": fresh}
        await shop.do("POST", f"{path}/confirm", body, headers=key)
        await shop.do("POST", f"{path}/confirm", body, headers=key)
        await shop.reach(path, "sent")
    assert len(line.delivered) == 11


async def test_for_later_it_is_counted_anew_and_asks_again_if_it_grew(
    notify: Any, line: Any, shop: Office
) -> None:
    async with notify.running(broadcasts, **FAST):
        path = await shop.draft()
        ready = await shop.counted(path, crowd(100))
        at = (clock.now() + LATER).isoformat()
        body = {"revision": ready["revision"], "at": at}
        scheduled = await shop.do("POST", f"{path}/confirm", body)
        assert scheduled["state"] == "scheduled"
        (asked,) = await shop.emitted("schedule.requested.v1")
        assert (asked["key"], asked["event_type"]) == (f"broadcast:{path[1:]}", "broadcast.due.v1")
        revision = asked["data"]["revision"]
        await shop.come_due(path, revision - 1)  # of a revision before
        clock.set_offset(LATER)
        await shop.come_due(path, revision)
        await shop.reach(path, "recounting")
        await shop.answer(path, crowd(121))
        asks = await shop.reach(path, "paused")
        assert asks["counted"]["difference"] == 21
        assert "121" in asks["problem"]["en"]
        assert not line.delivered
        blind = await shop.ask("POST", f"{path}/resume", {})
        assert blind.status_code == 409
        await shop.do("POST", f"{path}/resume", {"revision": asks["revision"]})
        sent = await shop.reach(path, "sent")
        assert sent["confirmed_recipients"] == 121
    assert len(line.delivered) == 121


async def test_a_stream_that_was_cut_off_counts_for_nothing(
    notify: Any, line: Any, shop: Office
) -> None:
    async with notify.running(broadcasts, **FAST):
        path = await shop.draft()
        await shop.do("POST", f"{path}/count")
        await shop.answer(path, crowd(1500), cut=2)
        await shop.answer(path, crowd(700))
        ready = await shop.reach(path, "ready")
        assert ready["counted"]["people"] == 700
        await shop.answer(path, crowd(900))
        await shop.do("POST", f"{path}/confirm", {"revision": ready["revision"]})
        await shop.reach(path, "sent")
    assert len(line.delivered) == 700


async def test_who_is_erased_before_it_goes_out_gets_nothing_and_is_forgotten(
    notify: Any, line: Any, shop: Office
) -> None:
    async with notify.running(broadcasts, **FAST), notify.running():
        path = await shop.draft()
        ready = await shop.counted(path, crowd(5))
        gone = MemberErased(UUID(int=3), clock.now() + timedelta(seconds=1), user(3))
        await shop.tell(new_event("/points", gone))
        query = "SELECT count(*) FROM broadcast_people"
        async with asyncio.timeout(15):
            while await shop.pool.fetchval(query) != 4:
                await asyncio.sleep(0.02)
        await shop.do("POST", f"{path}/confirm", {"revision": ready["revision"]})
        await shop.reach(path, "sent")
    assert got(line) == {user(n): 1 for n in (1, 2, 4, 5)}


async def test_a_segment_that_cannot_be_computed_is_told(
    notify: Any, line: Any, shop: Office
) -> None:
    async with notify.running(broadcasts):
        path = await shop.draft(definition={"nonsense": 1})
        await shop.do("POST", f"{path}/count")
        await shop.refuse(path)
        told = await shop.reach(path, "draft")
    assert told["problem"] == {"ja": "できません", "en": "cannot"}


async def test_what_line_would_refuse_is_said_when_it_is_saved(shop: Office) -> None:
    content = {"messages": {"ja": [{"type": "text", "text": "{pionts}"}], "en": [{"type": "x"}]}}
    refused = await shop.ask("POST", "", {"name": "n", "content": content})
    assert refused.status_code == 422
    assert [each["path"] for each in refused.json()["errors"]] == [
        "content.messages.ja[0].text", "content.messages.en[0].type",
    ]  # fmt: skip


@pytest.mark.parametrize("odd", ['"\\ud800"', "1e999", "NaN"])
async def test_what_is_no_json_in_utf_8_is_refused(shop: Office, odd: str) -> None:
    for part in (
        f'"definition": {{"points": {odd}}}, "content": {{"template": "t"}}',
        f'"content": {{"messages": {{"ja": [{{"type": "text", "text": {odd}}}]}}}}',
    ):
        headers = {"Content-Type": "application/json"}
        body = f'{{"name": "n", {part}}}'
        answer = await shop.ask("POST", "", headers=headers, content=body)
        assert answer.status_code == 422, answer.text


async def test_it_is_tried_on_one_member_before_it_goes_to_many(
    notify: Any, line: Any, shop: Office
) -> None:
    member = UUID(int=77)
    await know(shop, 7)
    path = await shop.draft(PERSONAL)
    nobody = await shop.ask("POST", f"{path}/test", {"member": str(member)})
    assert (nobody.status_code, nobody.json()["type"]) == (409, "urn:tamaru:problem:no-line")
    await shop.pool.execute("UPDATE recipients SET member_id = $1", member)
    async with notify.running():
        await shop.do("POST", f"{path}/test", {"member": str(member)})
        await shop_until(lambda: line.delivered)
    (tried,) = line.delivered
    assert (tried["to"], tried["messages"][0]["text"]) == (user(7), "残り1,234ポイント")


async def test_a_template_that_was_saved_is_said_and_its_links_are_counted(
    notify: Any, line: Any, shop: Office
) -> None:
    button = {"type": "uri", "label": "見る", "uri": "https://ec.example.jp/sale"}
    quick = {"items": [{"type": "action", "action": button}]}
    words = [{"type": "text", "text": "セール", "quickReply": quick}]
    async with shop.pool.acquire() as connection:
        for language in ("ja", "en"):
            await templates.save(
                connection, "sale", language, json.dumps(words), note=None, by="t", now=clock.now()
            )
    refused = await shop.ask("POST", "", {"name": "n", "content": {"template": "none"}})
    assert refused.json()["errors"][0]["path"] == "content.template"
    async with notify.running(broadcasts, **FAST):
        path = await shop.confirmed(crowd(3), {"template": "sale"})
        sent = await shop.reach(path, "sent")
    assert sent["languages"] == ["ja", "en"]
    shown = {
        each["messages"][0]["quickReply"]["items"][0]["action"]["uri"] for each in line.delivered
    }
    (address,) = shown
    assert address.startswith("https://shop.example.jp/r/")
    await shop.pool.execute(
        "INSERT INTO link_clicks (link_id, hour, clicks) SELECT id, $1, 4 FROM links", clock.now()
    )
    assert (await shop.do("GET", f"{path}/report"))["clicks"] == 4


async def test_a_change_makes_it_a_draft_again(notify: Any, line: Any, shop: Office) -> None:
    async with notify.running(broadcasts):
        path = await shop.draft()
        ready = await shop.counted(path, crowd(3))
        at = (clock.now() + LATER).isoformat()
        await shop.do("POST", f"{path}/confirm", {"revision": ready["revision"], "at": at})
        changed = await shop.do("PATCH", path, {"content": PERSONAL})
    assert (changed["state"], changed["personal"], changed["at"]) == ("draft", True, None)
    assert await shop.emitted("schedule.cancelled.v1") == [{"key": f"broadcast:{path[1:]}"}]
    listed = await shop.do("GET", params={"state": "draft"}, key=OWNER_KEY)
    assert [each["id"] for each in listed["items"]] == [path[1:]]


async def test_at_night_it_waits_for_the_morning(
    notify: Any, line: Any, shop: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    morning = clock.now() + timedelta(hours=5)

    def quiet(_: MessageRules, category: str, now: datetime) -> datetime | None:
        return morning if category == "campaign" and now < morning else None

    monkeypatch.setattr(MessageRules, "quiet_until", quiet)
    async with notify.running(broadcasts, **FAST):
        path = await shop.confirmed(crowd(3))
        query = "SELECT count(*) FROM multicasts WHERE due_at = $1 AND reason = 'quiet hours'"
        async with asyncio.timeout(15):
            while not await shop.pool.fetchval(query, morning):
                await asyncio.sleep(0.02)
        assert not line.calls
        clock.set_offset(timedelta(hours=5))
        await shop.reach(path, "sent")
    assert len(line.delivered) == 3


async def test_the_months_quota_holds_it_until_the_month_turns(
    notify: Any, line: Any, shop: Office
) -> None:
    line.script = ["monthly"]
    async with notify.running(broadcasts, **FAST):
        path = await shop.confirmed(crowd(1200))
        query = "SELECT count(*) FROM multicasts WHERE status = 'held'"
        async with asyncio.timeout(15):
            while await shop.pool.fetchval(query) != 3:
                await asyncio.sleep(0.02)
        calls = [call for call, _ in line.calls if call == "multicast"]
        assert len(calls) <= 3
        clock.set_offset(timedelta(days=31))
        await shop.reach(path, "sent")
    assert got(line) == {user(n): 1 for n in range(1, 1201)}
