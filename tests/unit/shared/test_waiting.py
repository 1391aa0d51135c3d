"""`Prefer: wait`: read as RFC 7240 says, and the answers that come."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from shared.events import PurchaseAnswer
from shared.web.waiting import Waiting, answer_within, seconds_to_wait

ID = UUID(int=1)


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], 0),
        (["wait=3"], 3),
        (["WAIT=3"], 3),
        (["wait = 3"], 3),
        (['wait="3"'], 3),
        (["wait=99"], 10),
        (["wait=0"], 0),
        (["respond-async, wait=4"], 4),
        (["respond-async; x=1, wait=4; y=2"], 4),
        (["respond-async", "wait=4"], 4),
        (["wait=2, wait=9"], 2),
        (["wait"], 0),
        (["wait="], 0),
        (["wait=-1"], 0),
        (["wait=1.5"], 0),
        (["wait=abc"], 0),
        (["wait=3x"], 0),
        (["await=3"], 0),
        (["wait=99999999999999999999"], 0),
        (["return=minimal"], 0),
        (["wait=３"], 0),
    ],
)
def test_seconds_to_wait(values: list[str], seconds: int) -> None:
    headers = [(b"prefer", value.encode()) for value in values]
    assert seconds_to_wait([(b"host", b"wait=7"), *headers]) == seconds


def encoded(*answers: PurchaseAnswer) -> bytes:
    return msgspec.json.encode(list(answers))


async def test_everybody_who_waits_for_a_purchase_is_told() -> None:
    waiting = Waiting()
    with waiting.expect(ID) as first, waiting.expect(ID) as second:
        waiting.receive(encoded(PurchaseAnswer(ID, "awarded"), PurchaseAnswer(UUID(int=2), "x")))
        assert (await first).status == (await second).status == "awarded"


async def test_an_answer_too_late_or_unreadable_is_nobodys() -> None:
    waiting = Waiting()
    with waiting.expect(ID) as future:
        assert await answer_within(future, 0) is None
        waiting.receive(b"not json")
        waiting.receive(encoded(PurchaseAnswer(ID, "awarded")))
    waiting.receive(encoded(PurchaseAnswer(ID, "awarded")))
    assert future.cancelled()


async def test_a_second_answer_changes_nothing() -> None:
    waiting = Waiting()
    with waiting.expect(ID) as future:
        waiting.receive(encoded(PurchaseAnswer(ID, "awarded")))
        waiting.receive(encoded(PurchaseAnswer(ID, "conflict")))
        answer = await asyncio.wait_for(answer_within(future, 1), 2)
    assert answer is not None
    assert answer.status == "awarded"
