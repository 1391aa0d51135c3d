"""Figures of days: they add up with the rows, whatever happened and however late it was told."""

from collections import Counter as Tally
from collections import defaultdict
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.points.errors import PointsError
from services.points.programs.rulebook import Rulebook
from services.points.reports import days as reading
from services.points.reports.keeping import Keeper
from services.points.rules.refunds import Wanted
from shared import clock
from shared.db import open_pool
from shared.events import MemberRef
from tests.integration.points.counter import Counter
from tests.integration.points.shop import empty, owner, pos, submitted

ZONE = ZoneInfo("Asia/Tokyo")
PROGRAM = b"""{"accrual": {"rules": [{"id": "base", "type": "spend", "per": 100, "points": 1}]},
    "expiry": {"type": "fixed", "days": 9}, "pending": {"days": 1}}"""

ACTS = (
    *("buy", "buy", "buy", "late", "refund", "spend", "adjust", "join", "merge", "unmerge"),
    *("join", "erase"),
)


@pytest.fixture(autouse=True)
def steady_clock():
    yield
    clock.set_offset(timedelta())


@pytest.fixture
async def shop(database):
    await empty(database.admin_url)
    pool = await open_pool(database.url("points"), schema="points", size=3)
    counter = Counter(pool)
    await counter.publish(PROGRAM)
    await pool.execute("INSERT INTO stores VALUES (gen_random_uuid(), 'main', '本店', true, 1)")
    yield counter
    await pool.close()


async def keep(shop: Any) -> None:
    """Keep the figures of all hours that are over."""
    keeper = Keeper(Rulebook())
    while await keeper.page(shop.pool):
        pass


async def read(shop: Any, back: int, store: str | None = None) -> reading.Days:
    async with (
        shop.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        what = await reading.counted(connection, Rulebook(), store)
        first = what.today - timedelta(days=back)
        return await reading.between(connection, what, first, what.today)


async def reckoned(pool: Any) -> dict[str, dict[date, int]]:
    """The same figures, from every row there is and in another way."""
    sums: dict[str, dict[date, int]] = defaultdict(Tally)
    stores = {}
    for row in await pool.fetch("SELECT * FROM purchases"):
        day, stores[row["id"]] = _day(row["occurred_at"]), row["store"]
        sums["gross"][day] += row["total"]
        sums["purchases"][day] += row["total"] > 0
        sums["visits"][day] += row["visits"]
    for row in await pool.fetch("SELECT * FROM refunds"):
        sums["refunded"][_day(row["refunded_at"])] += row["amount"]
        sums["refunds"][_day(row["refunded_at"])] += 1
    for row in await pool.fetch("SELECT * FROM members WHERE status <> 'merged'"):
        sums["new_members"][_day(row["joined_at"])] += 1
    for row in await pool.fetch("SELECT * FROM entries"):
        sums[_what(row)][_day(row["recorded_at"])] += row["amount"]
    return sums


def _day(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def _what(entry: Any) -> str:
    if entry["kind"] == "reverse":
        return "taken_back" if entry["amount"] < 0 else "returned"
    if entry["kind"] == "transfer":
        return {"refund": "returned", "import": "adjusted"}.get(entry["source"], "moved")
    return {"earn": "issued", "adjust": "adjusted", "redeem": "used", "expire": "expired"}.get(
        entry["kind"], "moved"
    )


async def agree(shop: Any, back: int) -> None:
    """What is read, day by day, is what the rows say; and the shop owes what members have."""
    found, truth = await read(shop, back), await reckoned(shop.pool)
    assert found.complete
    for each in found.days:
        plain = ("gross", "refunded", "purchases", "refunds", "visits", "new_members")
        said = {name: getattr(each, name) for name in plain}
        said |= {name: getattr(each.points, name) for name in ("issued", "adjusted", "returned")}
        said |= {name: -getattr(each.points, name) for name in ("used", "expired", "taken_back")}
        assert said == {name: truth[name][each.day] for name in said}, each.day
        assert each.sales == each.gross - each.refunded
    assert sum(truth["moved"].values()) == 0
    owes = "SELECT coalesce(sum(in_lots + pending - debt), 0)::bigint FROM accounts"
    assert found.days[-1].points.owed == await shop.pool.fetchval(owes)
    for one, other in zip(found.days, found.days[1:], strict=False):
        of = other.points
        gained = of.issued + of.adjusted + of.returned - of.used - of.expired - of.taken_back
        assert of.owed == one.points.owed + gained


async def busy_day(shop: Any, random: Random, seen: dict[str, list[Any]]) -> None:
    """Some acts of everything that can happen."""
    for _ in range(14):
        member = random.choice(seen["members"])
        try:
            match random.choice(ACTS):
                case "buy" | "late" as what:
                    back = timedelta(hours=random.randrange(200 if what == "late" else 3))
                    event = submitted(
                        MemberRef(id=str(member)),
                        random.randrange(0, 9000),
                        occurred_at=clock.now() - back,
                    )
                    await shop.buy(event)
                    seen["purchases"].append(event.id)
                case "refund" if seen["purchases"]:
                    wanted = random.choice([Wanted(), Wanted(amount=random.randrange(1, 3000))])
                    await shop.refund(random.choice(seen["purchases"]), wanted)
                case "spend":
                    await shop.redeem(member, random.randrange(1, 40), capture=True)
                case "adjust":
                    await shop.adjust(member, random.randrange(-20, 60) or 1)
                case "join":
                    seen["members"].append(await shop.join())
                case "merge":
                    made = await shop.merge(member, random.choice(seen["members"]))
                    seen["merges"].append(made.id)
                case "unmerge" if seen["merges"]:
                    await shop.unmerge(random.choice(seen["merges"]))
                case "erase":
                    await shop.erase(member)
                    seen["erased"].append(member)
        except PointsError:
            pass


@pytest.mark.parametrize("seed", range(3))
async def test_days_add_up_with_the_ledger_whatever_happened(shop, seed):
    random = Random(seed)
    seen: dict[str, list[Any]] = {"members": [], "purchases": [], "merges": [], "erased": []}
    seen["members"] += [await shop.join() for _ in range(4)]
    await keep(shop)
    for hours in range(0, 24 * 14, 11):
        clock.set_offset(timedelta(hours=hours))
        await busy_day(shop, random, seen)
        if random.random() < 0.5:
            await shop.night()
        if random.random() < 0.7:
            await keep(shop)
            await agree(shop, 24)
            assert await shop.findings() == []
    assert seen["erased"]
    await keep(shop)
    await shop.pool.execute("DELETE FROM figures_state")  # as if all began today
    await keep(shop)
    await agree(shop, 24)
    assert await shop.findings() == []


async def test_a_merge_counts_one_person_again_after_their_hour_was_kept(shop):
    one, other = await shop.join(), await shop.join()
    for hours, act in ((2, None), (4, shop.merge), (6, shop.unmerge)):
        clock.set_offset(timedelta(hours=hours))
        if act == shop.merge:
            made = await act(one, other)
        elif act:
            await act(made.id)
        await keep(shop)
        await agree(shop, 1)
        # Ids tell the true time, which has hardly passed: nobody was added since.
        newest = "ffffffff-ffff-7fff-bfff-ffffffffffff"
        await shop.pool.execute("UPDATE figures_state SET after_member = $1", newest)
        assert await shop.findings() == []


async def test_who_was_erased_stays_in_the_figures_of_their_days(shop):
    member, other = await shop.join(), await shop.join()
    first = submitted(MemberRef(id=str(member)), 3000, occurred_at=clock.now())
    await shop.buy(first, submitted(MemberRef(id=str(other)), 1000, occurred_at=clock.now()))
    await shop.refund(first.id, Wanted(amount=1000))
    clock.set_offset(timedelta(days=2))
    await shop.night()
    await shop.redeem(member, 5, capture=True)
    await keep(shop)
    before = await read(shop, 3)
    erased = await shop.erase(member)
    assert erased.points_lost == 15
    await keep(shop)
    after = await read(shop, 3)
    assert after.days[:-1] == before.days[:-1]
    then, today = after.days[-3], after.days[-1]
    assert (then.sales, then.purchases, then.new_members, then.points.issued) == (3000, 2, 2, 40)
    assert (today.points.used, today.points.owed, today.new_members) == (5, 10, 0)
    assert (today.points.expired, today.points.adjusted) == (erased.points_lost, 0)
    clock.set_offset(timedelta(days=3))
    await keep(shop)
    await agree(shop, 4)
    assert await shop.findings() == []


async def test_an_import_may_say_that_somebody_joined_long_ago(shop):
    member = await shop.join()
    clock.set_offset(timedelta(hours=2))
    await keep(shop)
    await shop.pool.execute(
        "UPDATE members SET joined_at = joined_at - interval '3 days' WHERE id = $1", member
    )
    await shop.pool.execute(
        """INSERT INTO imports (id, file_name, size, sha256, preset, upload_id, state, asked_by,
            asked_at, changed_at)
        VALUES (gen_random_uuid(), 'f', 1, 's', 'p', gen_random_uuid(), 'done', 't', $1, $1)""",
        clock.now(),
    )
    assert await shop.findings() == []  # it is known to be derived again
    await keep(shop)
    assert [each.new_members for each in (await read(shop, 4)).days].count(1) == 1
    await agree(shop, 4)
    clock.set_offset(timedelta(hours=5))
    await keep(shop)
    assert await shop.findings() == []


async def test_verify_finds_kept_figures_that_the_rows_do_not_say(shop):
    member = await shop.join()
    clock.set_offset(timedelta(hours=1))
    await shop.buy(submitted(MemberRef(id=str(member)), 3000))
    clock.set_offset(timedelta(hours=3))
    await keep(shop)
    assert await shop.findings() == []
    for statement in (
        "UPDATE hour_sales SET gross = gross + 1",
        "UPDATE hour_points SET owed = owed + 1",
        "INSERT INTO hour_joins SELECT hour + interval '1 hour', route, 1 FROM hour_joins",
    ):
        await shop.pool.execute(statement)
        found = await shop.findings()
        assert [each.what for each in found] == ["hours whose kept figures are others"]
        await shop.pool.execute("DELETE FROM figures_state")  # all is derived anew
        await keep(shop)
        assert await shop.findings() == []


async def test_a_day_is_of_the_shop_and_of_each_store(points):
    await points.pool.execute(
        "INSERT INTO stores VALUES (gen_random_uuid(), 'west', '西口店', true, 1)"
    )
    user = "U" + "7" * 32
    await points.client.put(
        "/v1/routes/leaflet", json={"name": "n", "kind": "store", "store": "west"}, headers=owner()
    )
    await points.follow(user)
    member = MemberRef(id=str((await points.member(user))["id"]))
    await points.pool.execute("UPDATE members SET route = 'leaflet', route_at = joined_at")
    bought = [submitted(member, 2000), submitted(member, 500)]
    await points.publish(*bought)
    for event in bought:
        await points.status(event.id, "awarded")
    answer = await points.client.post(
        f"/v1/purchases/{bought[1].id}/refunds", json={}, headers=pos("back")
    )
    assert answer.status_code == 201, answer.text
    spent = {"member": {"id": member.id}, "store": "main", "points": 10, "capture": True}
    answer = await points.client.post("/v1/redemptions", json=spent, headers=pos("spend"))
    assert answer.status_code == 201, answer.text

    await keep(points)  # nothing is over yet, but now it is known that nothing is missing
    whole = (await points.client.get("/v1/reports/today", headers=owner())).json()
    assert whole["complete"] and whole["currency"] == "JPY"
    day = whole["today"]
    assert (day["sales"], day["gross"], day["refunded"]) == (2000, 2500, 500)
    assert (day["purchases"], day["refunds"], day["visits"], day["new_members"]) == (2, 1, 1, 1)
    assert day["points"] == {
        "issued": 50 + 25, "used": 10, "returned": 0, "taken_back": 5, "expired": 0, "adjusted": 0,
        "owed": 60,
    }  # fmt: skip
    assert whole["owed"] == {"points": 60, "value": 60}
    assert sum(hour["sales"] for hour in whole["hours"]) == 2000
    assert whole["last_week"]["gross"] == whole["last_week_so_far"]["gross"] == 0

    async def of(store: str) -> Any:
        answer = await points.client.get(f"/v1/reports/days?store={store}", headers=owner())
        assert len(answer.json()["items"]) == 28
        return answer.json()["items"][-1]

    main, west = await of("main"), await of("west")
    assert (main["sales"], main["new_members"], main["points"]["issued"]) == (2000, 0, 25)
    assert (main["points"]["used"], main["points"]["taken_back"]) == (10, 5)
    assert main["points"]["owed"] is main["points"]["expired"] is None
    assert (west["sales"], west["visits"], west["new_members"]) == (0, 0, 1)


async def test_reports_refuse_what_they_cannot_answer(points):
    for query, status in (
        ("today?store=nowhere", 404),
        ("days?store=%00", 422),
        ("days?from=2026-01-02&until=2026-01-01", 422),
        ("days?from=2020-01-01&until=2026-01-01", 422),
        ("days?until=0001-01-01", 422),
        ("days?from=9999-12-31&until=9999-12-31", 422),
    ):
        answer = await points.client.get(f"/v1/reports/{query}", headers=owner())
        assert answer.status_code == status, answer.text
        assert answer.json()["detail"]
    answer = await points.client.get("/v1/reports/today", headers=pos())
    assert answer.status_code == 403, answer.text


async def test_last_week_is_told_up_to_the_same_time_of_day(shop):
    noon = datetime(2031, 3, 5, 12, 20, tzinfo=ZONE)
    member = MemberRef(id=str(await shop.join()))
    week = timedelta(days=7)
    for minutes, total in ((-200, 100), (-10, 200), (10, 400), (200, 800)):
        at = noon - week + timedelta(minutes=minutes)
        clock.set_offset(at - datetime.now(ZONE))
        await shop.buy(submitted(member, total, occurred_at=at))
    clock.set_offset(noon - datetime.now(ZONE))
    await keep(shop)
    async with shop.pool.acquire() as connection:
        found = await reading.today(connection, await reading.counted(connection, Rulebook(), None))
    assert found.today.gross == 0
    assert found.last_week.gross == 1500
    assert found.last_week_so_far.gross == 300
    assert found.last_week_so_far.points.issued == 3
    assert {hour: each.sales for hour, each in found.hours_last_week.items()} == {
        9: 100, 12: 600, 15: 800,
    }  # fmt: skip
