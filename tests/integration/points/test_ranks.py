"""Ranks follow what members did: up at once, down only at night, everybody after new rules."""

from typing import Any

from shared import clock
from shared.events import MemberRef, ScheduleTicked, new_event
from tests.integration.points.shop import PLAIN, Points, eventually, owner, submitted

USER = "U" + "3" * 32


async def rank_of(points: Points, code: str | None) -> Any:
    """Wait until the only member has a rank."""

    async def found() -> object:
        row = await points.pool.fetchrow("SELECT code FROM ranks")
        return row is not None and row["code"] == code

    await eventually(found, f"the rank did not become {code}")


async def buy(points: Points, card: str, total: int) -> None:
    """A purchase, awarded."""
    event = submitted(MemberRef(card=card), total=total)
    await points.publish(event)
    await points.status(event.id, "awarded")


async def test_a_purchase_lifts_the_rank_at_once_and_it_is_told_once(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    before = await points.client.get(f"/v1/members/{member['id']}", headers=owner())
    assert before.json()["rank"] is None
    assert before.json()["next_rank"]["missing"] == {"visits": 1}
    await buy(points, member["card"], 1000)
    await rank_of(points, "bronze")
    after = (await points.client.get(f"/v1/members/{member['id']}", headers=owner())).json()
    assert after["rank"]["code"] == "bronze"
    assert after["rank"]["next"] == {
        "code": "silver",
        "name": "シルバー",
        "missing": {"points_earned": 40, "visits": 1},
        "progress": 50,
    }
    await buy(points, member["card"], 100_000)
    await rank_of(points, "silver")
    told = await points.told("rank.changed.v1")
    assert [(each["direction"], each["to_rank"]) for each in told] == [
        ("up", "bronze"),
        ("up", "silver"),
    ]


async def test_the_night_takes_a_rank_back_only_after_its_keep_period(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    await buy(points, member["card"], 1000)
    await rank_of(points, "bronze")
    await points.pool.execute(
        "UPDATE purchases SET occurred_at = occurred_at - '2 years'::interval"
    )

    async def night() -> None:
        tick = new_event("/scheduler", ScheduleTicked("nightly", clock.now(), clock.now()))
        await points.publish(tick)

        async def finished() -> object:
            return await points.pool.fetchval(
                "SELECT finished_at FROM rank_runs WHERE id = $1", tick.id
            )

        await eventually(finished, "the night did not end")

    await night()
    await rank_of(points, "bronze")
    await points.pool.execute("UPDATE ranks SET keep_until = keep_until - '2 years'::interval")
    await night()
    await rank_of(points, None)
    await night()
    told = await points.told("rank.changed.v1")
    assert [each["direction"] for each in told] == ["up", "down"]


async def test_new_rules_lift_everybody_who_now_qualifies(points: Points) -> None:
    await points.follow(USER)
    await points.member(USER)
    easy = {"code": "easy", "name": "イージー", "requires": {"points_earned": 10}}
    rules = {**PLAIN, "ranks": {**PLAIN["ranks"], "levels": [easy]}}
    answer = await points.client.put("/v1/program", json=rules, headers=owner())
    assert answer.status_code == 200
    await rank_of(points, "easy")
