"""Webhooks reach an owner's system: signed, at least once, under one id, in order, logged."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.points.hooks import client, signing
from services.points.hooks.collector import Collector
from services.points.settings import HooksSettings
from shared import clock, ids
from shared.bus.handling import Batch
from shared.events import Event, PointsEarned, new_event
from tests.integration.points.hooks.conftest import Receiver, Telling
from tests.integration.points.shop import HOOKS_KEY, until

USER = "U" + "7" * 32
MEMBER = UUID(int=1)


def earned(points: int = 1, member: UUID = MEMBER) -> Event[PointsEarned]:
    """Points of a purchase, as the ledger tells them."""
    data = PointsEarned(
        member, ids.new_id(), "purchase", points, points, clock.now(), line_user_id=USER
    )
    return new_event("/points", data, subject=str(member))


async def test_what_happens_to_a_member_is_told_signed_and_without_the_line_user(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = await telling.add(receiver, "member.*", "points.earned")
    async with telling.sending():
        await telling.points.follow(USER)
        member = await telling.points.member(USER)
        await telling.settled(webhook, 2)
    told = {each["type"]: each for each in receiver.calls}
    assert set(told) == {"member.joined.v1", "points.earned.v1"}
    assert all(each["verifying"] == receiver.secrets for each in receiver.calls)
    assert told["points.earned.v1"]["data"]["points"] == 50
    assert told["member.joined.v1"]["data"]["member_id"] == str(member["id"])
    assert not any(USER.encode() in each["body"] for each in receiver.calls)
    assert not any(b"reply" in each["body"] for each in receiver.calls)


async def test_an_endpoint_may_ask_for_the_line_user(
    telling: Telling, receiver: Receiver, second: Receiver
) -> None:
    asking = await telling.add(receiver, "points.*", include_line_user_id=True)
    other = await telling.add(second, "points.*")
    async with telling.sending():
        await telling.points.publish(earned())
        await telling.settled(asking, 1)
        await telling.settled(other, 1)
    assert receiver.calls[0]["data"]["line_user_id"] == USER
    assert receiver.calls[0]["verifying"] == receiver.secrets
    assert "line_user_id" not in second.calls[0]["data"]


async def test_lost_answers_refusals_and_time_outs_are_tried_again_under_one_id(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.script = ["500", "lost", "hang", "429wait", "redirect", "404"]
    webhook = await telling.add(receiver)
    event = earned()
    async with telling.sending():
        await telling.points.publish(event)
        rows = await telling.settled(webhook, 1)
    assert receiver.ids() == [str(event.id)] * 7
    assert len({each["body"] for each in receiver.calls}) == 1
    assert all(each["verifying"] for each in receiver.calls)
    assert receiver.elsewhere == 0, "a redirect is not followed"
    row = rows[0]
    assert (row["id"], row["next_attempt_at"]) == (str(event.id), None)
    assert [each["status_code"] for each in row["attempts"]] == [
        500,
        None,
        None,
        429,
        307,
        404,
        200,
    ]
    problems = [each["problem"] for each in row["attempts"]]
    assert problems[1].startswith("the connection was lost")
    assert problems[2] == "no answer within 1 s"
    assert row["attempts"][0]["answer"] == "said 500"
    assert row["attempts"][2]["duration_ms"] >= 900
    between = [each["at"] for each in row["attempts"]]
    assert between == sorted(between)


async def test_an_answer_without_end_is_read_no_further_than_its_beginning(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.script = ["endless"]
    webhook = await telling.add(receiver)
    async with telling.sending():
        await telling.points.publish(earned())
        rows = await telling.settled(webhook, 1)
    assert len(rows[0]["attempts"]) == 1
    assert rows[0]["attempts"][0]["answer"] == "a" * 500


async def test_an_event_that_the_bus_repeats_is_told_once(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = await telling.add(receiver)
    event, last = earned(), earned(2)
    async with telling.sending():
        await telling.points.publish(event)
        await telling.settled(webhook, 1)
        await telling.points.publish(event, event)
        await telling.points.publish(last)
        await telling.settled(webhook, 2)
    assert receiver.ids() == [str(event.id), str(last.id)]


async def test_each_members_events_come_in_their_order(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = await telling.add(receiver)
    members = [UUID(int=number) for number in range(1, 6)]
    async with telling.sending():
        for number in range(30):
            await telling.points.publish(earned(number, members[number % 5]))
        await telling.settled(webhook, 30)
    assert len(receiver.calls) == 30
    for member in members:
        points = [
            each["data"]["points"]
            for each in receiver.calls
            if each["data"]["member_id"] == str(member)
        ]
        assert points == sorted(points)


async def test_a_killed_process_repeats_what_it_had_not_noted_under_the_same_id(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.always = "hang"
    webhook = await telling.add(receiver)
    events = [earned(number, UUID(int=number + 1)) for number in range(20)]
    process = subprocess.Popen(  # noqa: ASYNC220 - starts at once
        [sys.executable, "-m", "services.points", "hooks"], env=telling.environment()
    )
    try:
        await telling.points.publish(*events)
        await until(lambda: receiver.waiting > 3)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    sent = set(receiver.ids())
    assert sent, "some had been taken by the receiver, and nobody noted it"
    receiver.always = None
    receiver.released.set()
    clock.set_offset(timedelta(minutes=2))  # the leases end
    async with telling.sending():
        await telling.settled(webhook, 20)
    assert set(receiver.ids()) == {str(event.id) for event in events}
    repeated = [id for id in sent if receiver.ids().count(id) > 1]
    assert repeated, "at least once, and known by its id"


async def test_a_slow_system_holds_up_no_other(
    telling: Telling, receiver: Receiver, second: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 60.0)  # longer than the other may take
    receiver.always = "hang"
    slow = await telling.add(receiver)
    quick = await telling.add(second)
    async with telling.sending():
        await telling.points.publish(*(earned(n, UUID(int=n + 1)) for n in range(40)))
        await telling.settled(quick, 40)
        assert await telling.log(slow, "?status=delivered") == []
        receiver.always = None
        receiver.released.set()
        await telling.settled(slow, 40)


async def test_what_is_not_sent_at_a_stop_waits_and_is_not_lost(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = await telling.add(receiver)
    receiver.always = "500"
    async with telling.sending():
        await telling.points.publish(*(earned(n, UUID(int=n + 1)) for n in range(12)))
        await until(lambda: len(receiver.calls) > 2)
    receiver.always = None
    async with telling.sending():
        await telling.settled(webhook, 12)


async def test_it_fails_after_its_last_try_and_can_be_sent_again(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.always = "503"
    webhook = await telling.add(receiver)
    event = earned()
    async with telling.sending():
        await telling.points.publish(event)
        failed = (await telling.settled(webhook, 1, "failed"))[0]
        assert len(failed["attempts"]) == 8
        assert failed["finished_at"]
        receiver.always = None
        again = await telling.call("POST", f"/{webhook}/deliveries/{event.id}/replay")
        assert again["status"] in ("waiting", "delivered")
        rows = await telling.settled(webhook, 1)
    assert len(rows[0]["attempts"]) == 9
    assert set(receiver.ids()) == {str(event.id)}
    assert len({each["body"] for each in receiver.calls}) == 1


async def test_410_ends_the_subscription_until_its_owner_resumes_it(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.script = ["410"]
    webhook = await telling.add(receiver)
    first = earned()
    async with telling.sending():
        await telling.points.publish(first)
        off = await telling.is_(webhook, "off")
        assert "410" in off["reason"]["ja"]
        assert "410" in off["reason"]["en"]
        missed = earned(2)
        await telling.points.publish(missed)
        await telling.kept(2)
        assert receiver.ids() == [str(first.id)]
        await telling.call("PATCH", f"/{webhook}", {"active": True})
        await telling.settled(webhook, 1)
        assert receiver.ids() == [str(first.id)] * 2
        period = {"from": first.time.isoformat(), "until": clock.now().isoformat()}
        assert (await telling.call("POST", f"/{webhook}/replay", period))["deliveries"] == 2
        await telling.settled(webhook, 2)
    assert receiver.ids().count(str(missed.id)) == 1


async def test_an_endpoint_that_fails_for_three_days_is_paused_and_misses_nothing(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.always = "500"
    webhook = await telling.add(receiver)
    async with telling.sending():
        await telling.points.publish(earned())
        await telling.settled(webhook, 1, "failed")
        failing = await telling.call("GET", f"/{webhook}")
        assert failing["status"] == "active"
        assert failing["last_problem"] == "answered 500"
        clock.set_offset(timedelta(days=3, minutes=1))
        await telling.points.publish(earned())
        paused = await telling.is_(webhook, "paused")
        assert "3日間" in paused["reason"]["ja"]
        count = len(receiver.calls)
        await telling.points.publish(earned())
        await telling.kept(3)
        assert len(receiver.calls) == count
        receiver.always = None
        resumed = await telling.call("PATCH", f"/{webhook}", {"active": True})
        assert (resumed["status"], resumed["reason"], resumed["failing_since"]) == (
            "active",
            None,
            None,
        )
        await telling.settled(webhook, 2)


async def test_one_success_and_the_three_days_begin_anew(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.script = ["500"]
    webhook = await telling.add(receiver)
    async with telling.sending():
        await telling.points.publish(earned())
        await telling.settled(webhook, 1)
        clock.set_offset(timedelta(days=4))
        receiver.script = ["500"]
        await telling.points.publish(earned())
        await telling.settled(webhook, 2)
    assert (await telling.call("GET", f"/{webhook}"))["failing_since"] is None


async def test_after_a_rotation_both_secrets_sign_for_a_day(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = await telling.add(receiver)
    old = receiver.secrets[0]
    new = (await telling.call("POST", f"/{webhook}/rotate-secret"))["secret"]
    receiver.secrets.append(new)
    async with telling.sending():
        await telling.points.publish(earned())
        await telling.settled(webhook, 1)
        assert receiver.calls[-1]["verifying"] == [old, new]
        clock.set_offset(timedelta(hours=24, minutes=1))
        await telling.points.publish(earned())
        await telling.settled(webhook, 2)
        assert receiver.calls[-1]["verifying"] == [new]


async def test_while_the_installations_key_changes_both_secrets_sign(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = await telling.add(receiver)
    old = receiver.secrets[0]
    new = signing.shown(signing.secret(b"the next key", UUID(webhook), 1))
    receiver.secrets.append(new)
    before = telling.settings
    for keys, verifying in (
        ({"hooks_signing_key_old": HOOKS_KEY.decode()}, [old, new]),
        ({}, [new]),
    ):
        telling.settings = HooksSettings(
            **{**dict(before), "hooks_signing_key": "the next key", **keys}
        )
        async with telling.sending():
            await telling.points.publish(earned())
            await telling.settled(webhook, len(receiver.calls) + 1)
        assert receiver.calls[-1]["verifying"] == verifying


async def test_a_period_is_sent_also_to_who_came_later_and_only_what_it_asks_for(
    telling: Telling, receiver: Receiver, second: Receiver
) -> None:
    first = await telling.add(receiver, "member.*")
    events = [earned(number) for number in range(5)]
    async with telling.sending():
        for event in events:
            await telling.points.publish(event)
        await telling.kept(5)
        late = await telling.add(second, "points.*")
        period = {"from": events[1].time.isoformat(), "until": events[4].time.isoformat()}
        again = await telling.call("POST", f"/{late}/replay", period)
        assert again == {"deliveries": 3}
        await telling.settled(late, 3)
        assert second.ids() == [str(event.id) for event in events[1:4]]
        none = await telling.call("POST", f"/{late}/replay", {**period, "only_failed": True})
        assert none == {"deliveries": 0}
        assert await telling.log(first) == []
    assert receiver.calls == []


async def test_a_deleted_webhook_gets_nothing_more(telling: Telling, receiver: Receiver) -> None:
    receiver.always = "500"
    webhook = await telling.add(receiver)
    other = await telling.add(receiver, "member.*")
    async with telling.sending():
        await telling.points.publish(earned())
        await until(lambda: receiver.calls)
        await telling.call("DELETE", f"/{webhook}")
        receiver.always = None
        await telling.points.publish(earned())
        await telling.kept(2)
        assert await telling.log(other) == []
    rows = await telling.points.pool.fetchval("SELECT count(*) FROM hook_deliveries")
    assert rows == 0


async def test_a_test_message_can_be_asked_for(telling: Telling, receiver: Receiver) -> None:
    webhook = await telling.add(receiver, "member.*")
    async with telling.sending():
        asked = await telling.call("POST", f"/{webhook}/test")
        assert (asked["type"], asked["status"]) == ("webhook.test", "waiting")
        await telling.settled(webhook, 1)
    assert receiver.ids("webhook.test") == [asked["id"]]
    assert receiver.calls[0]["verifying"] == receiver.secrets


async def test_nothing_is_kept_while_nobody_listens(
    telling: Telling, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[UUID] = []
    handle = Collector.handle

    async def noted(self: Collector, batch: Batch, events: list[Event[Any]]) -> None:
        await handle(self, batch, events)
        batch.when_committed(lambda: handled.extend(event.id for event in events))

    monkeypatch.setattr(Collector, "handle", noted)
    early = earned()
    async with telling.sending():
        await telling.points.publish(early)
        await until(lambda: early.id in handled)
        await telling.add(receiver)
        await telling.points.publish(earned(2))
        await until(lambda: receiver.calls)
    assert [each["data"]["points"] for each in receiver.calls] == [2]
    assert await telling.points.pool.fetchval("SELECT count(*) FROM hook_messages") == 1


async def test_many_events_at_once_all_arrive_once(telling: Telling, receiver: Receiver) -> None:
    webhook = await telling.add(receiver)
    events = [earned(n, UUID(int=n % 50 + 1)) for n in range(300)]
    async with telling.sending():
        await asyncio.gather(*(telling.points.publish(event) for event in events))
        await until(lambda: len(receiver.calls) >= 300)
    assert sorted(receiver.ids()) == sorted(str(event.id) for event in events)
    assert len(await telling.log(webhook, "?status=delivered&limit=200")) == 200
