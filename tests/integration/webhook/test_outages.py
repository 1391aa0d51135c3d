"""What is accepted is on disk in the broker or the database, whichever is up, and in order."""

import asyncio
import uuid
from typing import Any

import asyncpg

from services.webhook.store import HAND_OVER_LOCK
from tests.full_disk import FULL, ROOM


async def post_many(edge, first: int, count: int) -> list[Any]:
    """Purchases one after the other, each with its number for a total."""
    return [await edge.post(edge.purchase(total=n, tax=0)) for n in range(first, first + count)]


async def accepted_in_the_end(edge, purchase: dict[str, Any]) -> bool:
    """As tills do: told to come again, as happens where neither server has the time, they send the
    same once more, and go on with the next only then."""
    key = uuid.uuid4().hex
    for _ in range(5):
        answer = await edge.post(purchase, key=key)
        if answer.status != 503:
            return bool(answer.status == 202)
        await asyncio.sleep(int(answer.headers["retry-after"]))
    return False


def totals(edge) -> list[int]:
    return [event.data.purchase.total for event in edge.published]


def without_repeats(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


async def test_with_the_broker_gone_input_is_kept_and_handed_over_in_order(edge, told) -> None:
    await post_many(edge, 0, 3)
    edge.broker.cut()
    answers = await post_many(edge, 3, 20)
    assert {answer.status for answer in answers} == {202}
    assert await edge.spooled() == 20
    edge.broker.mend()
    answers = await post_many(edge, 23, 10)
    assert {answer.status for answer in answers} == {202}
    await told.until(lambda: len(set(totals(edge))) == 33)
    assert without_repeats(totals(edge)) == list(range(33))
    await told.until(edge.spool_is_left)


async def test_under_load_the_spool_empties_and_each_till_keeps_its_order(edge, told) -> None:
    edge.broker.cut()
    sent = [0] * 8

    async def till(number: int) -> None:
        while edge.spool.active or sent[number] < 20:
            total = number * 10_000 + sent[number]
            assert await accepted_in_the_end(edge, edge.purchase(total=total, tax=0))
            sent[number] += 1
            assert sent[number] < 2000

    await post_many(edge, 90_000, 1)
    tills = [asyncio.create_task(till(number)) for number in range(8)]
    await told.until(lambda: min(sent) > 10)
    edge.broker.mend()
    await asyncio.gather(*tills)
    await told.until(lambda: len(set(totals(edge))) == sum(sent) + 1)
    for number, count in enumerate(sent):
        own = [total for total in without_repeats(totals(edge)) if total // 10_000 == number]
        assert own == list(range(number * 10_000, number * 10_000 + count))


async def test_with_the_broker_hung_the_answer_comes_within_two_seconds(edge, told) -> None:
    edge.broker.hang()
    answers = await asyncio.gather(
        edge.line({"events": [{"type": "follow", "webhookEventId": "h"}]}),
        *(edge.post(edge.purchase(total=n, tax=0)) for n in range(30)),
    )
    assert {answer.status for answer in answers} == {200, 202}
    assert max(answer.seconds for answer in answers) < 2
    before = await edge.spooled()
    later = await edge.post(edge.purchase(total=30, tax=0))
    assert (later.status, await edge.spooled()) == (202, before + 1)
    edge.broker.mend()
    await told.until(lambda: len({event.id for event in edge.published}) == 32)
    await told.until(edge.spool_is_left)


async def test_a_till_that_waits_is_not_kept_waiting_while_the_broker_is_away(edge) -> None:
    edge.broker.cut()
    answer = await edge.post(edge.purchase(), headers={"prefer": "wait=10"})
    assert answer.status == 202
    assert answer.seconds < 2
    assert "preference-applied" not in answer.headers


async def test_with_the_database_gone_tills_are_known_and_input_goes_to_the_broker(edge) -> None:
    edge.database.cut()
    answers = await post_many(edge, 0, 5)
    assert {answer.status for answer in answers} == {202}
    assert (await edge.line({"events": [{}]})).status == 200
    assert (await edge.post(edge.purchase(), secret="nobody")).status == 401
    await edge.publishes(6)


async def test_with_the_database_hung_nothing_hangs(edge) -> None:
    edge.database.hang()
    answers = await asyncio.gather(
        *(edge.post(edge.purchase()) for _ in range(5)),
        edge.line({"events": [{}]}),
        edge.post(edge.purchase(), secret="nobody"),
        edge.post(edge.purchase(store="nowhere")),
    )
    assert [answer.status for answer in answers] == [202] * 5 + [200, 401, 422]
    assert max(answer.seconds for answer in answers) < 2.5


async def test_with_the_spool_in_use_and_then_the_database_gone_the_broker_is_asked(
    edge, told
) -> None:
    edge.broker.cut()
    await post_many(edge, 0, 2)
    edge.database.cut()
    edge.broker.mend()
    await told.until(lambda: edge.process.bus.can_publish)
    assert (await post_many(edge, 2, 1))[0].status == 202
    assert totals(edge) == [2]
    edge.database.mend()
    await told.until(lambda: sorted(totals(edge)) == [0, 1, 2])


async def test_with_neither_it_says_503_and_when_to_come_again(edge, told) -> None:
    edge.broker.cut()
    edge.database.cut()
    single = await edge.post(edge.purchase(total=1, tax=0), key="k")
    batch = [{**edge.purchase(), "idempotency_key": "b"}]
    several = await edge.post(batch, path="/v1/purchases/batch")
    line = await edge.line({"events": [{}]})
    for answer in (single, several, line):
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json["type"] == "urn:tamaru:problem:unavailable"
        assert answer.seconds < 2

    async def not_ready() -> bool:
        async with edge.http.get(f"{edge.url}/readyz") as response:
            return response.status == 503

    await told.until(not_ready)
    edge.database.mend()
    edge.broker.mend()

    async def accepted() -> bool:
        return (await edge.post(edge.purchase(total=1, tax=0), key="k")).status == 202

    await told.until(accepted)
    await told.until(lambda: 1 in totals(edge))


async def test_with_both_hung_it_says_so_within_two_seconds(edge) -> None:
    edge.broker.hang()
    edge.database.hang()
    answers = await asyncio.gather(
        edge.line({"events": [{}]}), *(edge.post(edge.purchase()) for _ in range(20))
    )
    assert {answer.status for answer in answers} == {503}
    assert max(answer.seconds for answer in answers) < 2


async def test_what_an_earlier_process_left_in_the_spool_is_handed_over(edge, told) -> None:
    edge.broker.cut()
    await post_many(edge, 0, 3)
    edge.spool.active = False  # as a process that has just started and could not look
    edge.broker.mend()
    await told.until(lambda: sorted(set(totals(edge))) == [0, 1, 2])

    async def empty() -> bool:
        return await edge.spooled() == 0

    await told.until(empty)


async def test_only_one_process_hands_over_at_a_time(edge, told) -> None:
    edge.broker.cut()
    await post_many(edge, 0, 3)
    async with edge.pool.acquire() as other:
        await other.execute("SELECT pg_advisory_lock($1)", HAND_OVER_LOCK)
        edge.broker.mend()
        await told.until(lambda: edge.process.bus.can_publish)
        await post_many(edge, 3, 40)
        assert await edge.spooled() == 43
        assert totals(edge) == []
        await other.execute("SELECT pg_advisory_unlock_all()")
    await told.until(lambda: totals(edge) == list(range(43)))


async def test_without_room_a_till_is_told_to_come_again_and_then_taken(edge) -> None:
    room = edge.process.app.state.ingress.room
    taken = [room.take("/v1/purchases/batch", each) for each in "abcdefghijklm"]
    full = await edge.post(edge.purchase())
    assert full.status == 503
    assert int(full.headers["retry-after"]) >= 1
    for each in taken:
        room.leave(each)
    assert (await edge.post(edge.purchase())).status == 202
    assert (room._taken, room._by) == (0, {})


async def test_a_till_that_runs_wild_takes_no_room_from_another(edge) -> None:
    room = edge.process.app.state.ingress.room
    wild = edge.process.app.state.ingress.keyring.known(b"till")
    assert wild is not None
    taken = [room.take("/v1/purchases", wild.terminal_id) for _ in range(300)]
    assert (await edge.post(edge.purchase())).status == 503
    assert (await edge.post(edge.purchase(), secret="owner")).status == 202
    for each in taken:
        room.leave(each)
    assert (await edge.post(edge.purchase())).status == 202


async def test_the_room_knows_how_long_the_first_waits(edge, told) -> None:
    room = edge.process.app.state.ingress.room
    assert room._waited() == 0
    edge.broker.hang()
    posting = asyncio.create_task(edge.post(edge.purchase()))
    try:
        await told.until(lambda: room._waited() > 0.1, 5)
    finally:
        edge.broker.mend()
    assert (await posting).status == 202
    await told.until(lambda: room._waited() == 0)


async def test_the_room_knows_what_waits_for_points(edge, told) -> None:
    room, bus = edge.process.app.state.ingress.room, edge.process.bus
    await room.look(bus)
    before = room._behind
    await post_many(edge, 0, 3)

    async def more() -> bool:
        await room.look(bus)
        return room._behind >= before + 3

    await told.until(more)


async def test_with_the_disk_full_and_the_broker_gone_a_till_is_told_to_come_again(
    edge, database, told
) -> None:
    administrator = await asyncpg.connect(database.admin_url)
    await administrator.execute(FULL)
    edge.broker.cut()
    try:
        refused = await edge.post(edge.purchase())
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) >= 2
    finally:
        await administrator.execute(ROOM)
        await administrator.close()

    async def taken() -> bool:
        return (await edge.post(edge.purchase())).status == 202

    await told.until(taken)
