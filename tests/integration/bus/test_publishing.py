"""Publishing to a real broker: grouped, confirmed, and refused where nobody would read it."""

import asyncio

import aio_pika
import msgspec
import pytest

from shared.bus.errors import BrokerUnavailable
from shared.events import PurchaseRejected, ScheduleCancelled, new_event
from shared.ids import new_id


def cancelled(key: str):
    return new_event("/test", ScheduleCancelled(key=key))


async def test_what_comes_together_goes_out_in_few_messages(servers, shop):
    bus = await shop.start()
    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()
        spy = await channel.declare_queue(exclusive=True)
        await spy.bind(bus.names.events, "schedule.cancelled.v1")
        await asyncio.gather(*(bus.publisher.publish(cancelled(f"{n}")) for n in range(1000)))
        bodies = []
        while (message := await spy.get(no_ack=True, fail=False)) is not None:
            bodies.append(msgspec.json.decode(message.body))
            assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert [event["data"]["key"] for body in bodies for event in body] == [
        str(n) for n in range(1000)
    ]
    assert len(bodies) <= 6


async def test_what_should_reach_a_queue_and_does_not_is_refused(servers, shop):
    bus = await shop.start()
    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(bus.names.queue("scheduler.items"))
    results = await asyncio.gather(
        *(bus.publisher.publish(cancelled(f"{n}")) for n in range(5)), return_exceptions=True
    )
    assert [type(result) for result in results] == [BrokerUnavailable] * 5


async def test_what_nobody_reads_is_no_error(shop):
    bus = await shop.start()
    event = new_event("/test", PurchaseRejected(new_id(), "conflict", "the key was used"))
    await bus.publisher.publish(event)


async def test_without_a_broker_publishing_fails_at_once(shop):
    async with shop.process() as bus:
        pass
    with pytest.raises(BrokerUnavailable):
        await asyncio.wait_for(bus.publisher.publish(cancelled("late")), 5)


async def test_a_reply_reaches_its_process_and_a_lost_one_harms_nobody(shop):
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    bus = await shop.start()
    async with shop.process() as waiting:
        await bus.publisher.send_reply(waiting.reply_queue, b"too early: it does not read")
    await bus.publisher.send_reply(waiting.reply_queue, b"too late: it is gone")
    await bus.publisher.publish(cancelled("still works"))
    assert heard.empty()
