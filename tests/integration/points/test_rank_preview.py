"""Who would move under a draft: what the preview says is what publishing does."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from services.points.web import rankings
from tests.integration.points.ranking_shop import (
    BRONZE,
    GOLD,
    SILVER,
    becomes,
    join,
    look,
    night,
    publish,
    rules,
)
from tests.integration.points.shop import POS_KEY, Points, eventually, owner

PATH = "/v1/program/rank-preview"
LIFETIME = {"type": "lifetime"}


async def visited(points: Points, *visits: int) -> list[Any]:
    """Members who came so many times each."""
    members = [await join(points) for _ in visits]
    for member, count in zip(members, visits, strict=True):
        await points.pool.execute(
            "UPDATE accounts SET visits = $2 WHERE member_id = $1", member["id"], count
        )
    return members


async def preview(points: Points, program: Any) -> tuple[list[Any], Any]:
    """The lines about its progress, and the preview."""
    answer = await points.client.post(PATH, json=program, headers=owner())
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    *progress, result = [msgspec.json.decode(line) for line in answer.text.splitlines()]
    return progress, result


def counted(result: Any) -> dict[Any, int]:
    return {(each["from"], each["to"], each["when"]): each["members"] for each in result["moves"]}


async def test_the_preview_says_what_publishing_does(points: Points) -> None:
    await publish(points, rules(BRONZE, SILVER, window=LIFETIME))
    members = await visited(points, 0, 1, 1, 2, 5, 9)
    await night(points)
    easier = {**SILVER, "requires": {"visits": 5}}
    top = {**GOLD, "requires": {"visits": 9}, "points": 30}
    draft = rules(BRONZE, easier, top, window=LIFETIME)
    published = await points.pool.fetchval("SELECT count(*) FROM programs")
    progress, result = await preview(points, draft)
    assert await points.pool.fetchval("SELECT count(*) FROM programs") == published
    assert progress[0] == {"members": 0, "of": 6}
    assert progress[-1] == {"members": 6, "of": 6}
    assert (result["members"], result["staying"], result["points"]) == (6, 4, 30)
    assert counted(result) == {
        ("silver", "gold", "at_once"): 1,
        ("silver", "bronze", "by_evaluation"): 1,
    }
    named = {(each["card"], each["from"], each["to"]) for each in result["examples"]}
    assert named == {
        (members[5]["card"], "silver", "gold"),
        (members[3]["card"], "silver", "bronze"),
    }
    await publish(points, draft)
    await becomes(points, members[5], "gold")
    await points.pool.execute("UPDATE ranks SET keep_until = keep_until - '2 years'::interval")
    await night(points)
    await becomes(points, members[3], "bronze")
    _, after = await preview(points, draft)
    assert (after["staying"], after["moves"], after["examples"]) == (6, [], [])
    assert (await look(points, members[5]))["points"]["balance"] == 30


async def test_of_many_a_hundred_are_named_some_of_each_way(points: Points) -> None:
    await publish(points, rules(window=LIFETIME))
    await visited(points, *[1] * 120, *[2] * 10)
    _, result = await preview(points, rules(BRONZE, SILVER, window=LIFETIME))
    assert counted(result) == {(None, "bronze", "at_once"): 120, (None, "silver", "at_once"): 10}
    assert Counter(each["to"] for each in result["examples"]) == {"bronze": 90, "silver": 10}
    assert len({each["id"] for each in result["examples"]}) == 100


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b'{"ranks": {"levels": [{}]}}', 422),
        (b" " * 1_000_001, 413),
    ],
)
async def test_what_cannot_be_published_cannot_be_previewed(
    points: Points, content: bytes, status: int
) -> None:
    answer = await points.client.post(PATH, content=content, headers=owner())
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    till = {"Authorization": f"Bearer {POS_KEY}"}
    assert (await points.client.post(PATH, json={}, headers=till)).status_code == 403


async def test_one_preview_at_a_time_and_none_locks_anybody(points: Points) -> None:
    await visited(points, 1)
    async with points.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts FOR UPDATE")
        _, result = await preview(points, rules(BRONZE, window=LIFETIME))
        assert result["members"] == 1
    async with points.pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE members IN ACCESS EXCLUSIVE MODE")
        first = asyncio.create_task(preview(points, rules(BRONZE)))

        async def begun() -> Any:
            return rankings._previewing.locked()

        await eventually(begun, "the preview did not begin")
        answer = await points.client.post(PATH, json=rules(BRONZE), headers=owner())
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert (await first)[1]["members"] == 1
