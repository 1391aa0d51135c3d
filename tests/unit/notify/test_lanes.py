"""Which delivery goes next: the urgent first, each person's in order, and room left for them."""

import asyncio
import itertools
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.notify.sending.deliveries import Delivery
from services.notify.sending.lanes import Lanes

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def delivery(user: str, number: int, priority: int = 1) -> Delivery:
    id = UUID(int=number)
    return Delivery(user, id, id, "earned", "[]", NOW, priority=priority)


async def taken(lanes: Lanes, count: int) -> list[Delivery]:
    return [await asyncio.wait_for(lanes.next(), 1) for _ in range(count)]


async def takes(lanes: Lanes) -> Delivery | None:
    """What may go at this moment."""
    taking = asyncio.create_task(lanes.next())
    await asyncio.sleep(0)
    taking.cancel()
    (found,) = await asyncio.gather(taking, return_exceptions=True)
    return None if isinstance(found, BaseException) else found


async def test_who_waits_right_now_is_seen_as_long_as_nobody_takes_it():
    lanes = Lanes(calls=10)
    lanes.add([delivery("u2", 1, priority=2), delivery("u3", 2, priority=3)])
    assert lanes.urgent() is None
    lanes.add([delivery("u1", 3), delivery("u1", 4)])
    assert lanes.urgent().id == UUID(int=3)
    first, *_ = await taken(lanes, 1)
    assert lanes.urgent() is None, "what is out waits for LINE"
    lanes.done(first)
    assert lanes.urgent().id == UUID(int=4)


async def test_the_most_urgent_person_is_first():
    lanes = Lanes(calls=10)
    lanes.add([delivery(f"u{priority}", priority, priority) for priority in (3, 1, 0, 2)])
    assert [each.priority for each in await taken(lanes, 4)] == [0, 1, 2, 3]


async def test_what_stands_before_something_urgent_of_the_same_person_goes_first_at_once():
    lanes = Lanes(calls=10)
    lanes.add([delivery("a", 1, 3), delivery("b", 2, 1), delivery("c", 3, 2)])
    lanes.add([delivery("a", 4, 0)])
    first = await lanes.next()
    assert first.id == UUID(int=1)
    lanes.done(first)
    assert [each.id.int for each in await taken(lanes, 3)] == [4, 2, 3]


async def test_one_persons_next_waits_for_the_one_that_is_out():
    lanes = Lanes(calls=10)
    lanes.add([delivery("a", 1), delivery("a", 2)])
    first = await lanes.next()
    assert await takes(lanes) is None
    lanes.done(first)
    assert (await lanes.next()).id == UUID(int=2)


async def test_a_rush_leaves_a_quarter_of_the_calls_to_what_is_urgent():
    lanes = Lanes(calls=4)
    lanes.add([delivery(f"u{number}", number, 3) for number in range(10)])
    rush = await taken(lanes, 3)
    assert await takes(lanes) is None
    lanes.add([delivery("r", 100, 1)])
    assert (await lanes.next()).line_user_id == "r"
    lanes.done(rush[0])
    assert (await lanes.next()).priority == 3


async def test_who_waits_is_woken_when_a_call_of_the_rush_ends():
    lanes = Lanes(calls=1)
    lanes.add([delivery("a", 1, 3), delivery("b", 2, 3)])
    first = await lanes.next()
    waiting = asyncio.create_task(lanes.next())
    await asyncio.sleep(0)
    lanes.done(first)
    assert (await asyncio.wait_for(waiting, 1)).id == UUID(int=2)


async def test_a_taker_that_gives_up_passes_its_turn_on():
    lanes = Lanes(calls=10)
    gone, stays = (asyncio.create_task(lanes.next()) for _ in range(2))
    await asyncio.sleep(0)
    lanes.add([delivery("a", 1)])
    gone.cancel()
    assert (await asyncio.wait_for(stays, 1)).id == UUID(int=1)


PEOPLE = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=12)
STEPS = st.lists(st.integers(0, 2), min_size=1, max_size=40)


@given(PEOPLE, STEPS)
def test_each_goes_once_and_each_persons_in_order(asked, steps):
    async def run() -> list[Delivery]:
        lanes = Lanes(calls=3)
        waiting = [delivery(user, number, level) for number, (user, level) in enumerate(asked)]
        out: list[Delivery] = []
        gone: list[Delivery] = []
        for step in itertools.chain(steps, itertools.cycle((0, 1, 2))):
            if step == 0 and waiting:
                lanes.add([waiting.pop(0)])
            elif step == 1 and (found := await takes(lanes)):
                out.append(found)
                gone.append(found)
            elif step == 2 and out:
                lanes.done(out.pop(0))
            elif not waiting and not lanes.backlog:
                break
        await asyncio.wait_for(lanes.wait_empty(), 1)
        return gone

    gone = asyncio.run(run())
    assert sorted(each.id for each in gone) == [UUID(int=n) for n in range(len(asked))]
    for user in "abc":
        mine = [each.id for each in gone if each.line_user_id == user]
        assert mine == sorted(mine)
