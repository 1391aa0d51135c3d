"""The console's first page, and those of stores and keys: what each role sees of them."""

import re
from datetime import timedelta
from typing import Any

import pytest

from services.points.programs.rulebook import Rulebook
from services.points.reports.keeping import Keeper
from services.points.store import attention
from shared import clock
from shared.events import MemberRef
from tests.integration.points.shop import owner, submitted
from tests.staff import signed_in


@pytest.fixture(autouse=True)
def steady_clock():
    yield
    clock.set_offset(timedelta())


async def shown(points: Any, path: str, role: str = "owner", **who: Any) -> str:
    answer = await points.client.get(path, **signed_in(role, **who))
    assert answer.status_code == 200, answer.text
    assert "Undefined" not in answer.text
    return answer.text


async def busy(points: Any) -> None:
    await points.pool.execute(
        "INSERT INTO stores VALUES (gen_random_uuid(), 'west', '<b>西口</b>', true, 1)"
    )
    user = "U" + "6" * 32
    await points.follow(user)
    event = submitted(MemberRef(id=str((await points.member(user))["id"])), 123_400)
    await points.publish(event)
    await points.status(event.id, "awarded")
    await Keeper(Rulebook()).page(points.pool)


async def test_a_new_shop_is_shown_its_first_steps(points):
    await Keeper(Rulebook()).page(points.pool)
    page = await shown(points, "/console")
    assert "はじめの3つ" in page
    for address in ("/console/settings/line", "/console/program", "/console/stores"):
        assert f'<li><a href="{address}"' in page
    assert "<canvas" not in page


async def test_today_is_shown_with_charts_that_are_tables_too(points):
    await busy(points)
    page = await shown(points, "/console")
    assert "¥123,400" in page
    assert "はじめの3つ" not in page
    assert page.count("<canvas") == 4
    assert page.count("<table") == 4
    sales = re.search(r'data-value="123400">123,400円', page)
    assert sales is not None
    assert "&lt;b&gt;西口&lt;/b&gt;" in page
    assert "<b>西口" not in page
    numbers = await shown(points, "/console/today?store=main")
    assert "¥123,400" in numbers
    assert "<html" not in numbers
    assert "hx-swap-oob" not in page
    assert re.findall(r'<table[^>]* id="(\w+)-table" hx-swap-oob="true">', numbers) == [
        "hours", "sales", "people", "points",
    ]  # fmt: skip
    assert "<canvas" not in numbers, "drawings stay where they are"
    assert 'data-value="123400">123,400円' in numbers
    assert "¥0" in await shown(points, "/console/today?store=west")


async def test_who_is_limited_to_stores_sees_no_other(points):
    await busy(points)
    limited = signed_in("viewer", ["west"])
    answer = await points.client.get("/console", **limited)
    assert answer.headers["location"] == "/console?store=west"
    page = await shown(points, "/console?store=west", "viewer", stores=["west"])
    assert "本店" not in page
    assert "対応が必要なこと" not in page
    for path in ("/console?store=main", "/console/today", "/console/stores/main"):
        answer = await points.client.get(path, **limited)
        assert answer.status_code in (303, 403, 404), path
    for query in ("today", "days", "days?store=main"):
        answer = await points.client.get(f"/v1/reports/{query}", **limited)
        assert answer.status_code == 403, answer.text
    answer = await points.client.get("/v1/reports/today?store=west", **limited)
    assert answer.status_code == 200, answer.text


async def test_facts_that_need_attention_are_counted(points):
    await busy(points)
    await points.pool.execute("UPDATE accounts SET debt = 7")
    now = clock.now()
    await points.pool.execute(
        "INSERT INTO waiting_purchases VALUES (gen_random_uuid(), 'card:1', '', $1)",
        now - timedelta(days=3),
    )
    await points.pool.execute(
        "INSERT INTO rank_runs VALUES (gen_random_uuid(), 'n', true, gen_random_uuid(), $1)",
        now - timedelta(hours=2),
    )
    async with points.pool.acquire() as connection:
        facts = await attention.facts(connection, now)
        later = await attention.facts(connection, now + timedelta(days=8))
    assert (facts.debtors, facts.debt, facts.waiting) == (1, 7, 1)
    assert facts.ranking_since is not None
    assert facts.linked
    assert facts.purchases
    assert facts.bare_stores == ("<b>西口</b>",)
    assert facts.never_used == ()
    assert set(later.never_used) == {"demo pos", "demo owner"}
    assert "マイナスのポイントがある会員が1人" in await shown(points, "/console")


async def test_stores_and_keys_have_pages(points):
    await busy(points)
    made = await points.client.post(
        "/v1/terminals", json={"name": "<i>1番</i>", "store": "west"}, headers=owner("k")
    )
    key = made.json()
    for path, wanted in (
        ("/console/stores", "&lt;i&gt;1番"),
        ("/console/stores/west", "友だち追加のポスター"),
        (f"/console/stores/keys/{key['id']}", "レジのつなぎ方"),
    ):
        page = await shown(points, path)
        assert wanted in page
        assert "<i>1番" not in page
        assert key["key"] not in page
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) == len(set(ids))
    for path in ("/console/stores/nowhere", f"/console/stores/keys/{'0' * 32}"):
        answer = await points.client.get(path, **signed_in("owner"))
        assert answer.status_code == 404, path


async def test_posters_and_codes_are_sheets_to_print(points):
    await busy(points)
    route = {"name": "n", "kind": "store", "store": "west"}
    await points.client.put("/v1/routes/store-west", json=route, headers=owner())
    body = {"label": "入口", "per_member": 1, "per_day": 10}
    code = await points.client.post("/v1/stores/west/printed-codes", json=body, headers=owner("c"))
    assert code.status_code == 201, code.text
    sheet = await shown(points, "/console/stores/west/posters/store-west")
    assert 'src="/v1/routes/store-west/qr.svg"' in sheet
    sheet = await shown(points, f"/console/stores/west/visit-codes/{code.json()['id']}")
    assert "来店ポイント" in sheet
    answer = await points.client.get(
        "/console/stores/main/posters/store-west", **signed_in("owner")
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(("role", "sees"), [("manager", True), ("viewer", True), ("staff", False)])
async def test_only_owners_see_keys(points, role, sees):
    await busy(points)
    for path in ("/console", "/console/stores", "/console/stores/west"):
        answer = await points.client.get(path, **signed_in(role))
        assert answer.status_code == (200 if sees else 403), path
        assert "demo pos" not in answer.text
        assert "/v1/terminals" not in answer.text
    answer = await points.client.get(f"/console/stores/keys/{'0' * 32}", **signed_in(role))
    assert answer.status_code == 403
