"""The counter's page: who may open it and act there, at which store, and what is told of it."""

from typing import Any

import httpx
import pytest

from services.points.web import counter_page
from tests.integration.points.desk import joined, kind, undo
from tests.integration.points.shop import Points, owner
from tests.staff import shown, signed_in, someone


@pytest.fixture
async def member(points: Points) -> Any:
    """A member with 50 points, whose name is a trap."""
    member = await joined(points)
    attributes = {
        "fields": {"name": "<script>alert(1)</script> 太郎"},
        "consent": {"profile": {"given": True, "source": "test"}},
    }
    answer = await points.client.patch(
        f"/v1/members/{member['id']}", json=attributes, headers=owner()
    )
    assert answer.status_code == 200, answer.text
    return member


async def get(points: Points, path: str, staff: dict[str, Any]) -> httpx.Response:
    staff["headers"]["accept"] = "text/html"
    return await points.client.get(path, **staff)


async def buy(points: Points, member: Any, staff: Any, total: int = 1000) -> httpx.Response:
    body = {"member": {"card": member["card"]}, "store": "main", "total": total}
    headers = {**shown(staff, f"k{total}")["headers"], "Prefer": "wait=10"}
    return await points.client.post("/v1/counter/purchases", json=body, headers=headers)


async def test_who_may_open_it(points: Points) -> None:
    opened = await get(points, "/counter", signed_in("staff"))
    assert opened.status_code == 200
    assert "本店" in opened.text and 'data-store="main"' in opened.text
    policy = opened.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert (await get(points, "/counter", signed_in("viewer"))).status_code == 403
    for staff, to in ((signed_in("owner"), "/session/store"), ({"headers": {}}, "/session/renew")):
        led = await get(points, "/counter", staff)
        assert (led.status_code, led.headers["location"]) == (303, f"{to}?next=%2Fcounter")
    english = signed_in("manager", store="main")
    english["headers"]["accept-language"] = "en"
    assert "Scan the member card" in (await get(points, "/counter", english)).text


async def test_the_list_escapes_what_customers_are_called(points: Points, member: Any) -> None:
    hanako = someone("staff")
    assert (await buy(points, member, hanako)).status_code == 201
    for path in ("/counter", "/counter/list", "/counter/list?mine=true"):
        page = await get(points, path, shown(hanako))
        assert "&lt;scrip…" in page.text, path
        assert "<script>alert" not in page.text
        assert "+10ポイント" in page.text
    nothing = await get(points, "/counter/sales?receipt=none", shown(hanako))
    assert "見つかりません" in nothing.text


async def test_what_staff_do_is_theirs_and_told(points: Points, member: Any) -> None:
    hanako, taro = someone("staff"), someone("staff", name="太郎", id=member["id"])
    made = await buy(points, member, hanako)
    assert made.status_code == 201, made.text
    act = made.json()
    assert (act["by"], act["mine"]) == (f"staff:{hanako.id}", True)
    actor = await points.pool.fetchval("SELECT actor FROM entries WHERE source = 'purchase'")
    assert actor == f"staff:{hanako.id}"
    refused = await undo(points, act, shown(taro, "u1")["headers"])
    assert (refused.status_code, kind(refused)) == (409, "not-yours")
    done = await undo(points, act, shown(someone("manager", store="main"), "u2")["headers"])
    assert done.status_code == 201, done.text
    told = await points.told("staff.acted.v1")
    assert [(each["act"], each["target"]) for each in told] == [
        ("POST /v1/counter/purchases", f"member:{member['id']}"),
        ("POST /v1/counter/acts/{act_id}/undo", f"member:{member['id']}"),
    ]
    assert told[0]["after"]["amount"] == 1000 and told[1]["after"]["undone"]


async def test_staff_act_at_the_store_of_their_shift_only(points: Points, member: Any) -> None:
    elsewhere = someone("staff", store="station", id=member["id"])
    body = {"member": {"card": member["card"]}, "store": "main", "total": 1000}
    for path, more in (
        ("purchases", {}),
        ("redemptions", {"points": 1}),
        ("service-points", {"points": 1, "reason": "x"}),
    ):
        sent = {name: value for name, value in body.items() if name != "total"}
        sent |= more or {"total": 1000}
        headers = shown(elsewhere, path)["headers"]
        refused = await points.client.post(f"/v1/counter/{path}", json=sent, headers=headers)
        assert (refused.status_code, kind(refused)) == (403, "other-store"), path
    made = (await buy(points, member, someone("staff"))).json()
    unseen = await points.client.get(f"/v1/counter/acts/{made['id']}", **shown(elsewhere))
    assert unseen.status_code == 404
    limited = someone("manager", stores=["station"], store="station")
    back = await undo(points, made, shown(limited, "u")["headers"])
    assert back.status_code == 404


async def test_a_page_of_another_site_does_nothing(points: Points, member: Any) -> None:
    headers = shown(someone("staff"), "k")["headers"]
    del headers["X-CSRF-Token"]
    body = {"member": {"card": member["card"]}, "store": "main", "total": 1000}
    refused = await points.client.post("/v1/counter/purchases", json=body, headers=headers)
    assert refused.status_code == 403
    assert await points.pool.fetchval("SELECT count(*) FROM counter_acts") == 0


async def test_what_keeps_the_page_on_the_device(points: Points) -> None:
    worker = await points.client.get("/counter/worker.js")
    assert worker.headers["service-worker-allowed"] == "/counter"
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.text == counter_page.WORKER.read_text()
    manifest = (await points.client.get("/counter/manifest.json")).json()
    assert manifest["start_url"] == manifest["scope"] == "/counter"
