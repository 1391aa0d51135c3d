"""Versions over HTTP: scheduled, withdrawn, compared, rolled back; starts decide what holds."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared import clock
from shared.events import CONTRACTS, MemberRef, ProgramPublished, new_event
from tests.integration.points.shop import PLAIN, POS_KEY, Points, eventually, owner, submitted

HOUR = timedelta(hours=1)
RULE = PLAIN["accrual"]["rules"][0]
TWO_PER_100 = {**PLAIN, "accrual": {"rules": [{**RULE, "points": 2}]}}
THREE_PER_100 = {**PLAIN, "accrual": {"rules": [{**RULE, "points": 3}]}}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    yield
    clock.set_offset(timedelta(0))


async def put(
    points: Points, document: Any, at: datetime | str | None = None, **headers: str
) -> Any:
    start = at.isoformat() if isinstance(at, datetime) else at
    return await points.client.put(
        "/v1/program",
        json=document,
        params={"effective_from": start} if start else {},
        headers={**owner(), **headers},
    )


async def states(points: Points) -> dict[int, str]:
    answer = await points.client.get("/v1/program/versions", headers=owner())
    return {each["version"]: each["state"] for each in answer.json()["items"]}


async def rules(points: Points) -> Any:
    answer = await points.client.get("/v1/program", headers=owner())
    return answer.json()["accrual"]["rules"][0]["points"], answer.headers["etag"]


async def earned(points: Points, user: str, occurred_at: datetime) -> int:
    """What ¥1,000 earn a member at a moment."""
    member = await points.pool.fetchrow("SELECT id FROM members WHERE line_user_id = $1", user)
    if member is None:
        await points.follow(user)
        member = await points.member(user)
    event = submitted(MemberRef(id=str(member["id"])), occurred_at=occurred_at)
    await points.publish(event)
    await points.status(event.id, "awarded")
    found = "SELECT points FROM purchases WHERE id = $1"
    return int(await points.pool.fetchval(found, event.id))


async def test_a_scheduled_version_is_in_force_from_its_start_on(points: Points) -> None:
    start = (clock.now() + HOUR).replace(microsecond=0)
    answer = await put(points, TWO_PER_100, start)
    assert (answer.status_code, answer.json()["state"]) == (200, "scheduled")
    number = answer.json()["version"]
    before, etag = await rules(points)
    assert (before, etag) == (1, f'"{number - 1}"')
    assert await earned(points, "Uscheduled", clock.now()) == 10
    listed = (await points.client.get("/v1/program/versions", headers=owner())).json()["items"]
    assert datetime.fromisoformat(listed[1]["until"]) == start
    clock.set_offset(2 * HOUR)
    assert await rules(points) == (2, f'"{number}"')
    assert await earned(points, "Uscheduled", start - timedelta(seconds=1)) == 10
    assert await earned(points, "Uscheduled", start) == 20
    assert (await states(points))[number] == "in_force"


async def test_a_later_number_may_start_before(points: Points) -> None:
    scheduled = (await put(points, TWO_PER_100, clock.now() + HOUR)).json()["version"]
    at_once = (await put(points, THREE_PER_100)).json()["version"]
    assert await rules(points) == (3, f'"{at_once}"')
    assert await earned(points, "Uorder", clock.now()) == 30
    clock.set_offset(2 * HOUR)
    assert await rules(points) == (2, f'"{scheduled}"')
    assert await earned(points, "Uorder", clock.now()) == 20


async def test_the_start_is_told_when_it_comes_and_ranks_follow(points: Points) -> None:
    await points.follow("Uranks")
    member = await points.member("Uranks")
    await earned(points, "Uranks", clock.now())
    await rank_is(points, member["id"], "bronze")
    level = {"code": "platinum", "name": "プラチナ", "requires": {"visits": 1}}
    document = {**PLAIN, "ranks": {"levels": [level]}}
    said = len(await points.told("program.published.v1"))
    number = (await put(points, document, clock.now() + HOUR)).json()["version"]
    asked = (await points.told("schedule.requested.v1"))[-1]
    assert (asked["key"], asked["event_type"]) == (f"program:{number}", "program.published.v1")
    assert len(await points.told("program.published.v1")) == said
    clock.set_offset(2 * HOUR)
    data = msgspec.convert(asked["data"], CONTRACTS["program.published.v1"])
    assert isinstance(data, ProgramPublished)
    await points.publish(new_event("/scheduler", data))
    await rank_is(points, member["id"], "platinum")


async def rank_is(points: Points, member: Any, code: str) -> None:
    async def reached() -> Any:
        found = "SELECT true FROM ranks WHERE member_id = $1 AND code = $2"
        return await points.pool.fetchval(found, member, code)

    await eventually(reached, f"nobody was made {code}")


async def test_a_scheduled_version_can_be_withdrawn_and_never_starts(points: Points) -> None:
    number = (await put(points, TWO_PER_100, clock.now() + HOUR)).json()["version"]
    assert await earned(points, "Uwithdrawn", clock.now()) == 10  # every process knows it now
    path = f"/v1/program/versions/{number}"
    first = await points.client.delete(path, headers=owner())
    assert (first.status_code, first.json()["state"]) == (200, "withdrawn")
    again = await points.client.delete(path, headers=owner())
    assert again.json() == first.json()
    assert (await points.told("schedule.cancelled.v1")) == [{"key": f"program:{number}"}]
    clock.set_offset(2 * HOUR)
    assert (await rules(points))[0] == 1
    assert await earned(points, "Uwithdrawn", clock.now()) == 10
    # The withdrawal took a number, which is no version's.
    none = await points.client.get(f"/v1/program/versions/{number + 1}", headers=owner())
    assert none.status_code == 404
    assert (await put(points, TWO_PER_100)).json()["version"] == number + 2


async def test_what_has_started_is_not_withdrawn(points: Points) -> None:
    number = (await put(points, TWO_PER_100)).json()["version"]
    answer = await points.client.delete(f"/v1/program/versions/{number}", headers=owner())
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:tamaru:problem:already-started",
    )
    assert (
        await points.client.delete("/v1/program/versions/99", headers=owner())
    ).status_code == 404
    pos = {"Authorization": f"Bearer {POS_KEY}"}
    assert (await points.client.delete("/v1/program/versions/1", headers=pos)).status_code == 403


@pytest.mark.parametrize(
    "start", ["2020-01-01", "tomorrow", "2027-01-01T10:00:00", "2999-13-01", ""]
)
async def test_a_start_that_is_none_is_refused_by_its_name(points: Points, start: str) -> None:
    answer = await points.client.put(
        "/v1/program", params={"effective_from": start}, json=TWO_PER_100, headers=owner()
    )
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json()["errors"]] == ["effective_from"]


async def test_a_day_begins_in_the_documents_zone_and_a_plus_needs_no_escape(
    points: Points,
) -> None:
    day = await put(points, {**TWO_PER_100, "time_zone": "Europe/Berlin"}, "2999-01-01")
    assert day.json()["effective_from"] == "2998-12-31T23:00:00Z"
    answer = await points.client.put(
        "/v1/program?effective_from=2998-01-01T09:00:00+09:00", json=TWO_PER_100, headers=owner()
    )
    assert answer.json()["effective_from"] == "2998-01-01T00:00:00Z"


async def test_the_same_scheduled_document_again_is_the_same_version(points: Points) -> None:
    start = clock.now() + HOUR
    first = await put(points, TWO_PER_100, start)
    assert (await put(points, TWO_PER_100, start)).json() == first.json()
    other = await put(points, TWO_PER_100, start + HOUR)
    assert other.json()["version"] == first.json()["version"] + 1


async def test_if_match_names_the_version_in_force(points: Points) -> None:
    _, etag = await rules(points)
    await put(points, TWO_PER_100, clock.now() + HOUR)
    assert (await put(points, THREE_PER_100, **{"If-Match": etag})).status_code == 200
    assert (await put(points, TWO_PER_100, **{"If-Match": etag})).status_code == 412


async def test_a_version_is_shown_and_compared(points: Points) -> None:
    first = (await rules(points))[1].strip('"')
    number = (await put(points, TWO_PER_100)).json()["version"]
    shown = (await points.client.get(f"/v1/program/versions/{number}", headers=owner())).json()
    assert (shown["document"], shown["state"]) == (TWO_PER_100, "in_force")
    path = f"/v1/program/versions/{number}/diff"
    found = (await points.client.get(path, headers=owner())).json()
    assert (found["before"], found["after"]) == (int(first), number)
    (item,) = found["items"]
    assert (item["path"], item["before"], item["after"]) == ("accrual.rules[base].points", 1, 2)
    assert item["text"]["ja"] == "付与ルール「base」のポイント：1ポイント → 2ポイント"
    against = await points.client.get(path, params={"against": number}, headers=owner())
    assert against.json()["items"] == []
    missing = await points.client.get(path, params={"against": 99}, headers=owner())
    assert missing.status_code == 404


async def test_rolling_back_is_a_new_version_with_the_old_rules(points: Points) -> None:
    first = (await rules(points))[1].strip('"')
    await put(points, TWO_PER_100)
    path = f"/v1/program/versions/{first}/rollback"
    back = await points.client.post(path, headers=owner("back"))
    assert back.status_code == 201
    assert back.json()["version"] == int(first) + 2
    assert (await rules(points))[0] == 1
    await put(points, TWO_PER_100)
    again = await points.client.post(path, headers=owner("back"))
    assert again.json()["version"] == back.json()["version"]
    assert (await rules(points))[0] == 2
    assert (await points.client.post(path, headers=owner())).status_code == 400
    missing = await points.client.post("/v1/program/versions/99/rollback", headers=owner("x"))
    assert missing.status_code == 404


async def test_a_check_names_problems_warnings_and_differences_and_changes_nothing(
    points: Points,
) -> None:
    before = await states(points)
    bad = {**TWO_PER_100, "time_zone": "Mars/Olympus"}
    found = (await points.client.post("/v1/program/check", json=bad, headers=owner())).json()
    assert (found["valid"], [each["path"] for each in found["problems"]]) == (False, ["time_zone"])
    odd = {**TWO_PER_100, "redemption": {"maximum_percent": 0}}
    found = (await points.client.post("/v1/program/check", json=odd, headers=owner())).json()
    assert found["valid"]
    assert [each["path"] for each in found["warnings"]] == ["redemption.maximum_percent"]
    assert len(found["differences"]) == 2
    broken = await points.client.post("/v1/program/check", content="{", headers=owner())
    assert broken.status_code == 400
    assert await states(points) == before
