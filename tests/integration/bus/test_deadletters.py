"""Dead letters on a real broker, as an operator meets them: `tamaru dlq`."""

import asyncio
import re

import aio_pika
import pytest
from typer.testing import CliRunner

from deploy.dlq_commands import app
from shared import envelope
from shared.bus.deadletters import opened
from shared.bus.errors import Poison
from shared.bus.topology import DELIVERY_LIMIT
from shared.events import Event, ScheduleCancelled, new_event
from tests.integration.bus.reading import handlers

DEADLINE = 40
LOGGED = re.compile(r"^\d{4}-\d\d-\d\d \S+ \[.*\n", re.MULTILINE)
"""Lines that the consumers of this process logged meanwhile."""


def cancelled(key: str) -> Event[ScheduleCancelled]:
    return new_event("/test", ScheduleCancelled(key=key), subject="a person")


class Repairable:
    """A handler that refuses everything until it is repaired."""

    def __init__(self) -> None:
        self.repaired = False

    async def __call__(self, batch, events) -> None:
        if not self.repaired:
            raise Poison("not\nrepaired yet")
        await batch.connection.execute(
            "INSERT INTO effects SELECT unnest($1::text[])", [event.data.key for event in events]
        )


@pytest.fixture
def dlq(servers, namespace):
    """The command line: arguments in, (exit code, output) out."""

    async def run(*arguments: str, input: str = "") -> tuple[int, str]:
        env = {"AMQP_URL": servers.amqp_url, "BUS_NAMESPACE": namespace}
        runner = CliRunner(env=env)
        result = await asyncio.to_thread(runner.invoke, app, list(arguments), input=input)
        return result.exit_code, LOGGED.sub("", result.output)

    return run


async def until(condition) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


async def letters(servers, shop, count: int) -> list:
    """The letters, once there are so many of them."""
    found: list = []

    async def there() -> bool:
        async with opened(servers.amqp_url, shop.namespace) as office:
            found[:] = [held.letter async for held in office.letters()]
        return len(found) == count

    await until(there)
    return found


async def bury(shop, servers, *events: Event) -> Repairable:
    """Let these events become dead letters of a consumer that goes on running."""
    handler = Repairable()
    out = await shop.start()
    await shop.start(handlers(handler))
    for event in events:
        await out.publisher.publish(event)
    await letters(servers, shop, len(events))
    return handler


async def test_without_any(shop, dlq):
    assert await dlq("list") == (0, "no dead letters\n")
    assert await dlq("show", "abc") == (1, "no dead letter abc\n")
    assert await dlq("replay", "abc") == (1, "0 replayed\nno dead letter abc\n")
    assert await dlq("replay", "--all") == (0, "0 replayed\n")


async def test_listing_and_showing_leave_them_where_they_are(shop, servers, dlq):
    event = cancelled("秘密")
    await bury(shop, servers, event, cancelled("second"))
    for _ in range(3):
        code, text = await dlq("list")
        assert code == 0
        first, reason, *_ = text.splitlines()
        assert "schedule.cancelled.v1  in scheduler.items" in first
        assert "attempt 1" in first
        assert reason.strip() == "Poison: not repaired yet"
        assert "秘密" not in text
        assert "a person" not in text
    code, text = await dlq("show", str(event.id))
    assert code == 0
    assert "秘密" in text
    assert "Personal data" in text
    assert str(event.id) in text
    assert len(await letters(servers, shop, 2)) == 2


async def test_the_list_has_a_limit_and_a_filter(shop, servers, dlq):
    await bury(shop, servers, *(cancelled(f"{n}") for n in range(3)))
    _, text = await dlq("list", "--limit", "2")
    assert text.count("Poison") == 2
    assert text.endswith("there are more; see --limit\n")
    assert await dlq("list", "--queue", "points.awards") == (0, "no dead letters\n")


async def test_replaying_one_and_then_all(shop, servers, dlq):
    events = [cancelled(f"{n}") for n in range(5)]
    handler = await bury(shop, servers, *events)
    handler.repaired = True
    assert await dlq("replay", str(events[3].id)) == (0, "1 replayed\n")

    async def one() -> bool:
        return await shop.effects() == ["3"]

    await until(one)
    assert await dlq("replay", "--all", "--queue", "points.awards") == (0, "0 replayed\n")
    assert await dlq("replay", "--all") == (0, "4 replayed\n")

    async def every() -> bool:
        return await shop.effects() == ["0", "1", "2", "3", "4"]

    await until(every)
    assert await dlq("list") == (0, "no dead letters\n")


async def test_what_fails_again_comes_back_once_with_its_attempts_counted_anew(shop, servers, dlq):
    await bury(shop, servers, cancelled("a"), cancelled("b"))
    assert await dlq("replay", "--all") == (0, "2 replayed\n")
    assert {letter.attempts for letter in await letters(servers, shop, 2)} == {1}


async def test_replay_wants_one_id_or_all(dlq):
    for arguments in ([], ["abc", "--all"]):
        assert await dlq("replay", *arguments) == (2, "name one id, or --all\n")


async def test_a_letter_whose_queue_is_gone_stays(shop, servers, dlq):
    out = await shop.start()
    headers = {"x-queue": "queue.of.old", "x-reason": "?"}
    body = envelope.encode_group([cancelled("a")])
    await out.publisher.publish_to(out.names.dead, "", body, "schedule.cancelled.v1", headers)
    await out.publisher.publish_to(out.names.dead, "", body, "schedule.cancelled.v1", {})
    code, text = await dlq("replay", "--all")
    assert code == 1
    assert text.startswith("0 replayed")
    assert "queue.of.old did not take it" in text
    assert "nobody knows which queue" in text
    await letters(servers, shop, 2)


async def test_dropping_asks_first(shop, servers, dlq):
    event, other = cancelled("a"), cancelled("b")
    await bury(shop, servers, event, other)
    code, text = await dlq("drop", str(event.id), input="n\n")
    assert (code, text.splitlines()[-1]) == (1, "nothing deleted")
    await letters(servers, shop, 2)
    assert (await dlq("drop", str(event.id), input="y\n"))[0] == 0
    (left,) = await letters(servers, shop, 1)
    assert left.event_ids == (str(other.id),)
    code, text = await dlq("drop", left.id, "--yes")
    assert (code, text.splitlines()[-1]) == (0, "1 deleted")
    assert await dlq("drop", left.id, "--yes") == (1, f"no dead letter {left.id}\n")


async def test_what_cannot_be_decoded_has_an_id_too(shop, servers, dlq):
    out = await shop.start()
    await shop.start(handlers(Repairable()))
    queue = out.names.queue("scheduler.items")
    await out.publisher.publish_to("", queue, b"\xff\0", "schedule.cancelled.v1", {})
    (letter,) = await letters(servers, shop, 1)
    code, text = await dlq("show", letter.id)
    assert code == 0
    assert "none that can be read" in text
    assert r"b'\xff\x00'" in text


async def test_what_the_broker_gave_up_says_so_and_can_be_replayed(shop, servers, dlq):
    """Readers that vanish with a message in hand, more often than the limit."""
    out = await shop.start()
    events = [cancelled("a"), cancelled("b")]
    body = envelope.encode_group(events)
    await out.publisher.publish_group("schedule.cancelled.v1", body)
    async with await aio_pika.connect(servers.amqp_url) as connection:
        for _ in range(DELIVERY_LIMIT + 1):
            channel = await connection.channel()
            queue = await channel.get_queue(out.names.queue("scheduler.items"), ensure=False)
            await queue.get(timeout=DEADLINE)
            await channel.close()
    (letter,) = await letters(servers, shop, 1)
    assert letter.queue == "scheduler.items"
    assert letter.reason == "given up by the broker: delivery limit"
    assert letter.event_ids == tuple(str(event.id) for event in events)
    assert "2 events" in (await dlq("list"))[1]
    handler = Repairable()
    handler.repaired = True
    await shop.start(handlers(handler))
    assert await dlq("replay", str(events[1].id)) == (0, "1 replayed\n")

    async def both() -> bool:
        return await shop.effects() == ["a", "b"]

    await until(both)


async def test_a_broker_that_is_away_is_said_in_a_sentence(monkeypatch):
    env = {"AMQP_URL": "amqp://guest:secret@127.0.0.1:1/", "BUS_NAMESPACE": "x"}
    result = await asyncio.to_thread(CliRunner(env=env).invoke, app, ["list"])
    assert result.exit_code == 1
    assert result.output.startswith("the broker is not reached")
    assert "secret" not in result.output
