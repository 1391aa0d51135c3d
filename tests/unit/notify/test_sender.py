"""Concurrency: a LINE that keeps some waiting holds up nobody else."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.notify.preferences.rules import MessageRules
from services.notify.preferences.settings import Categories, MessageSettings, Notices, Offers
from services.notify.program_zone import ProgramZone
from services.notify.sending import sender as sender_module
from services.notify.sending.admission import SEND, Everything, Verdict
from services.notify.sending.deliveries import Delivery
from services.notify.sending.outcomes import Answer, Outcome
from services.notify.sending.sender import Sender
from shared import clock


class Paper:
    """Keeps records in memory."""

    def __init__(self):
        self.records = []

    def record(self, record):
        self.records.append(record)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def join(self):
        return None


class FreePace:
    async def take(self, wanted=1):
        return None


class SomeHang:
    """A LINE that never answers users whose name starts with h."""

    def __init__(self):
        self.pushed = []

    async def push(self, retry_key, line_user_id, messages, unit=None):
        self.pushed.append(line_user_id)
        await asyncio.sleep(0)
        if line_user_id.startswith("h"):
            await asyncio.Event().wait()
        return Answer(Outcome.DELIVERED)


def delivery(user, number, **changes):
    values = {"lease_until": clock.now() + timedelta(seconds=30)}
    return Delivery(user, UUID(int=number), UUID(int=number), "k", "[]", **{**values, **changes})


@pytest.fixture
async def parts(monkeypatch):
    monkeypatch.setattr(sender_module, "SLOW_SECONDS", 0.02)
    line, paper = SomeHang(), Paper()
    sender = Sender(
        line,
        paper,
        push_pace=FreePace(),
        rush_pace=FreePace(),
        reply_pace=FreePace(),
        rules=MessageRules(ProgramZone()),
        concurrency=4,
    )
    running = asyncio.create_task(sender.run())
    yield sender, line, paper
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_calls_that_hang_get_stand_ins(parts):
    sender, _, paper = parts
    sender.submit([delivery(f"h{number}", number) for number in range(20)])
    sender.submit([delivery(f"u{number}", 100 + number) for number in range(20)])
    await until(lambda: len(paper.records) == 20)


async def test_what_is_no_longer_leased_is_left_to_others(parts):
    sender, line, paper = parts
    sender.submit([delivery("u1", 1, lease_until=clock.now()), delivery("u2", 2)])
    await until(lambda: len(paper.records) == 1)
    assert line.pushed == ["u2"]
    assert sender.room() == sender_module.MOST_HELD


async def test_what_there_is_no_time_for_is_put_back_in_its_turn(parts):
    """Left alone, it would wait until the lease ends, and then stand behind all others."""
    sender, line, paper = parts
    soon = clock.now() + sender_module.LEASE_MARGIN / 2
    sender.submit([delivery("u1", 1, lease_until=soon), delivery("u2", 2)])
    await until(lambda: len(paper.records) == 2)
    assert line.pushed == ["u2"]
    (put_back,) = [record for record in paper.records if record.line_user_id == "u1"]
    assert (put_back.status, put_back.tries) == ("waiting", 0)
    assert put_back.due_at == soon - sender_module.LEASE


async def test_draining_puts_back_what_was_not_begun(parts):
    sender, line, paper = parts
    sender.submit([delivery(f"u{number}", number) for number in range(50)])
    await asyncio.wait_for(sender.drain(), 5)
    assert len(paper.records) == 50
    waiting = [record for record in paper.records if record.status == "waiting"]
    assert len(waiting) + len(line.pushed) == 50
    assert waiting
    assert sender.room() == 0


class Thrifty(Everything):
    """Gives one verdict on what is not a receipt, and remembers what it was told."""

    def __init__(self, verdict):
        self.verdict = verdict
        self.asked, self.counted = [], []

    def admit(self, category, priority, recipients, now):
        self.asked.append((category, priority, recipients))
        return SEND if category == "receipt" else self.verdict

    def sent(self, category, kind, broadcast_id, recipients, now):
        self.counted.append((category, kind, broadcast_id, recipients))


async def judged(verdict, *deliveries):
    """What is written down of deliveries, in their order, and the admission."""
    paper, admission = Paper(), Thrifty(verdict)
    paces = dict.fromkeys(("push_pace", "rush_pace", "reply_pace"), FreePace())
    rules = MessageRules(ProgramZone())
    rules.now = MessageSettings(
        categories=Categories(rank=Notices(), campaign=Offers(quiet=None))
    )  # whatever the hour
    sender = Sender(SomeHang(), paper, **paces, rules=rules, concurrency=1, admission=admission)
    running = asyncio.create_task(sender.run())
    sender.submit(deliveries)
    await until(lambda: len(paper.records) == len(deliveries))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return sorted(paper.records, key=lambda record: record.event_id), admission


LATER = datetime(2030, 1, 1, tzinfo=UTC)


async def test_what_costs_too_much_is_held_and_the_rest_is_counted():
    rank = delivery("a", 1, category="rank", priority=2)
    receipt = delivery("b", 2, category="receipt", priority=1)
    (held, sent), admission = await judged(Verdict("hold", LATER, "the budget"), rank, receipt)
    assert (held.status, held.due_at, held.reason) == ("held", LATER, "the budget")
    assert held.unknown_since is None, "it was not sent"
    assert sent.status == "delivered"
    assert admission.asked == [("receipt", 1, 1), ("rank", 2, 1)]
    assert admission.counted == [("receipt", "k", None, 1)]


async def test_what_is_dropped_is_over_with_the_reason():
    asked = delivery("a", 1, category="campaign", priority=3)
    (record,), _ = await judged(Verdict("drop", None, "the budget"), asked)
    assert (record.status, record.due_at, record.reason) == ("dropped", None, "the budget")
    assert record.finished_at is not None


async def test_what_may_have_been_sent_is_not_asked_about_again():
    asked = delivery("a", 1, category="rank", tries=1, unknown_since=clock.now())
    (record,), admission = await judged(Verdict("drop"), asked)
    assert record.status == "delivered"
    assert admission.asked == []
    assert len(admission.counted) == 1


async def test_what_a_crash_left_was_perhaps_never_sent_so_it_is_asked_about():
    left = delivery("a", 1, category="rank", unknown_since=clock.now())
    (record,), _ = await judged(Verdict("hold", LATER, "the budget"), left)
    assert (record.status, record.due_at) == ("held", LATER)
    (record,), _ = await judged(Verdict("drop", None, "the budget"), left)
    assert record.status == "unknown", "nobody can say that it was not sent"
