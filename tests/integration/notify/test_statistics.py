"""Reading LINE's figures: each question once over all replicas, and what is told of the answers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from services.notify.statistics import reading
from services.notify.statistics.insight_client import InsightClient
from services.notify.statistics.questions import JAPAN
from services.notify.store import insights
from shared import clock
from tests.integration.notify.links_house import READ_KEY, House, house
from tests.listening import listening

TO_NOON = datetime.now(JAPAN).replace(hour=12) - datetime.now(JAPAN)
"""From the present moment to about noon in Japan: an hour later it is still the same day."""
FEW, MANY = UUID(int=1), UUID(int=2)
DELIVERED = """
INSERT INTO deliveries (line_user_id, event_id, id, kind, status, messages, tries, created_at,
    finished_at, broadcast_id)
SELECT 'U' || n, $1, gen_random_uuid(), 'sale', 'delivered', '[]', 1, $2, $2, $1
FROM generate_series(1, $3) AS n
"""


class Line:
    """LINE's statistics, as far as they are asked for. `fate`: a status in place of the answer."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.fate: int | None = None
        self.ready = True
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer token"
        self.asked[request.path_qs] += 1
        if self.fate:
            return web.json_response({"message": "no"}, status=self.fate)
        if request.path.endswith("aggregation"):
            enough = request.query["customAggregationUnit"] == "many"
            overview = {"uniqueImpression": 40, "uniqueClick": 30 if enough else None}
            if not enough:
                overview["uniqueImpression"] = None
            return web.json_response({"overview": overview, "messages": [], "clicks": []})
        if request.path.endswith("info"):
            return web.json_response({"numOfCustomAggregationUnits": 7})
        if not self.ready:
            return web.json_response({"status": "unready"})
        if request.path.endswith("followers"):
            told = {"followers": 7620, "targetedReaches": 5848, "blocks": 237}
            return web.json_response({"status": "ready", **told})
        return web.json_response({"status": "ready", "apiPush": 30, "apiMulticast": 500})


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    stand_in = Line()
    app = web.Application()
    app.router.add_get("/{rest:.*}", stand_in.answer)
    async with listening(app) as stand_in.url:
        yield stand_in


@pytest.fixture
async def client(line: Line) -> AsyncIterator[InsightClient]:
    made = InsightClient(line.url, "token")
    yield made
    await made.close()


@pytest.fixture
async def shop(servers: Any, database: Any, namespace: str) -> AsyncIterator[House]:
    clock.set_offset(TO_NOON)
    async with house(servers, database, namespace) as open_house:
        yield open_house
    clock.set_offset(timedelta())


async def broadcast(shop: House, id: UUID, unit: str, people: int) -> None:
    at = clock.now() - timedelta(days=2)
    await shop.pool.execute(
        """INSERT INTO broadcasts (id, name, state, revision, kind, content, definition,
            growth_limit_percent, personal, spoken, unit, started_at, created_at)
        VALUES ($1, $2, 'sent', 1, 'messages', '{}', '{}', 10, false, '{}', $2, $3, $3)""",
        id,
        unit,
        at,
    )
    await shop.pool.execute(DELIVERED, id, at, people)


async def test_what_line_tells_is_kept_and_shown(
    shop: House, line: Line, client: InsightClient
) -> None:
    await broadcast(shop, FEW, "few", 3)
    await broadcast(shop, MANY, "many", 25)
    before = (await shop.ask("GET", "/v1/messages/statistics/broadcasts", READ_KEY)).json()
    assert [each["note"]["en"] for each in before["items"]] == [
        "LINE tells its figures from the next day on."
    ] * 2
    await reading.read(shop.pool, client)
    days = (await shop.ask("GET", "/v1/messages/statistics", READ_KEY)).json()["items"]
    today = clock.now().astimezone(JAPAN).date()
    assert [each["day"] for each in days] == [str(today - timedelta(days=n)) for n in range(15)]
    assert days[0]["units_used"] == 7
    assert {name: days[1][name] for name in ("friends", "reachable", "blocks", "sent")} == {
        "friends": 7620,
        "reachable": 5848,
        "blocks": 237,
        "sent": 530,
    }
    told = (await shop.ask("GET", "/v1/messages/statistics/broadcasts", READ_KEY)).json()["items"]
    of = {each["name"]: each for each in told}
    assert [of["many"][name] for name in ("delivered", "opened", "tapped")] == [25, 40, 30]
    assert of["many"]["note"] is None
    assert [of["few"][name] for name in ("delivered", "opened", "tapped")] == [3, None, None]
    assert "20人未満" in of["few"]["note"]["ja"]
    first = (await shop.ask("GET", "/v1/messages/statistics/broadcasts?limit=1")).json()
    rest = (
        await shop.ask("GET", f"/v1/messages/statistics/broadcasts?limit=1&cursor={first['next']}")
    ).json()
    assert {each["items"][0]["name"] for each in (first, rest)} == {"few", "many"}
    gone = await shop.ask("GET", f"/v1/messages/statistics/broadcasts?cursor={UUID(int=9)}")
    assert gone.status_code == 404


async def test_replicas_together_ask_each_question_once_a_day(
    shop: House, line: Line, client: InsightClient
) -> None:
    await broadcast(shop, MANY, "many", 1)
    await asyncio.gather(*(reading.read(shop.pool, client) for _ in range(4)))
    await reading.read(shop.pool, client)
    assert set(line.asked.values()) == {1}
    assert len(line.asked) == 1 + 1 + 28
    clock.set_offset(TO_NOON + timedelta(days=1))
    await reading.read(shop.pool, client)
    assert sum(line.asked.values()) == 30 + 4  # the unit, the units used, and one more day
    assert line.asked.most_common(1)[0][1] == 2  # how many units are used has no day in its address


async def test_no_more_than_50_questions_an_hour(
    shop: House, line: Line, client: InsightClient
) -> None:
    for number in range(40):
        await broadcast(shop, UUID(int=100 + number), f"b{number}", 0)
    assert await reading.read(shop.pool, client) == 50
    assert await reading.read(shop.pool, client) == 0
    clock.set_offset(TO_NOON + timedelta(hours=1, seconds=1))
    assert await reading.read(shop.pool, client) == 40 + 1 + 28 - 50


@pytest.mark.parametrize("fate", [429, 500, 401])
async def test_when_line_does_not_tell_it_is_asked_again_later(
    shop: House, line: Line, client: InsightClient, fate: int
) -> None:
    line.fate = fate
    assert await reading.read(shop.pool, client) == 0
    assert sum(line.asked.values()) == 1, "who is refused must not go on asking"
    line.fate = None
    line.ready = False
    assert await reading.read(shop.pool, client) == 0
    line.ready = True
    assert await reading.read(shop.pool, client) == 0, "within the hour nothing is asked twice"
    clock.set_offset(TO_NOON + timedelta(hours=1, seconds=1))
    assert await reading.read(shop.pool, client) == 29


async def test_an_answer_that_makes_no_sense_harms_nobody(shop: House) -> None:
    now = clock.now()
    day = now.astimezone(JAPAN).date() - timedelta(days=1)
    async with shop.pool.acquire() as connection:
        await insights.keep_day(connection, "followers", day, {"followers": "many"}, now)
        await insights.keep_unit(connection, "odd", MANY, {"overview": [1]}, now)
    await broadcast(shop, MANY, "odd", 1)
    (told,) = (await shop.ask("GET", "/v1/messages/statistics")).json()["items"]
    assert told["friends"] is None
    (told,) = (await shop.ask("GET", "/v1/messages/statistics/broadcasts")).json()["items"]
    assert told["opened"] is None
