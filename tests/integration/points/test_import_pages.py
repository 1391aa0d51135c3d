"""The console's pages of import and export: each step, for the owner alone, nothing unescaped."""

import pytest

from services.points.takeouts import writing
from tests.integration.points.import_desk import Desk
from tests.integration.points.shop import Points
from tests.staff import signed_in

CARDS = "カード番号,お名前,ポイント\n1,<b>山田</b>,30\n2,x,1.5\n"


@pytest.fixture
def desk(points: Points) -> Desk:
    return Desk(points)


async def page(points: Points, path: str, role: str = "owner") -> tuple[int, str]:
    """A page as somebody sees it."""
    answer = await points.client.get(path, **signed_in(role))
    if answer.status_code == 200:
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.text


async def test_an_import_step_by_step(points: Points, desk: Desk) -> None:
    status, start = await page(points, "/console/import")
    assert status == 200
    assert "data-upload" in start and "紙のカード" in start
    found = await desk.read(CARDS, preset="paper_card")
    here = f"/console/import/{found['id']}"
    _, columns = await page(points, here)
    assert 'aria-current="step"' in columns
    assert '<option value="points" selected>' in columns
    assert "&lt;b&gt;山田&lt;/b&gt;" in columns and "<b>山田" not in columns
    body = {**found["choices"], "consent": "申込書"}
    checked = await points.client.post(
        f"/v1/imports/{found['id']}/check", json=body, **signed_in("owner", key="c")
    )
    assert checked.status_code == 202, checked.text
    _, moving = await page(points, f"{here}/state")
    assert 'hx-trigger="every 1s"' in moving
    await desk.work()
    _, tried = await page(points, here)
    assert 'hx-trigger="every' not in tried
    assert "errors.csv" in tried and 'id="confirm"' in tried
    _, bad = await page(points, f"{here}/rows?kind=bad")
    assert "3行目" in bad and "小数は取り込めません" in bad
    _, good = await page(points, f"{here}/rows?kind=new")
    assert "&lt;b&gt;山田" in good
    assert (await desk.step(found["id"], "run")).status_code == 202
    await desk.work()
    _, done = await page(points, here)
    assert "取り込みが終わりました" in done and 'id="undo"' in done
    assert found["file_name"] in (await page(points, "/console/import"))[1]
    acts = [each["act"] for each in await points.told("staff.acted.v1")]
    assert acts == ["POST /v1/imports/{id}/check"]


async def test_a_copy_is_asked_for_and_fetched(points: Points, desk: Desk) -> None:
    _, empty = await page(points, "/console/export")
    assert "まだ書き出していません" in empty
    asked = await points.client.post("/v1/exports", **signed_in("owner", key="e"))
    assert asked.status_code == 202
    _, moving = await page(points, "/console/export/list")
    assert 'hx-trigger="every 1s"' in moving
    assert await writing.write_one(points.pool, desk.rulebook)
    _, ready = await page(points, "/console/export")
    assert f"/v1/exports/{asked.json()['id']}/file" in ready
    path = f"/v1/exports/{asked.json()['id']}/file"
    assert (await points.client.get(path, **signed_in("owner"))).content[:2] == b"PK"
    told = [(each["act"], each["after"]) for each in await points.told("staff.acted.v1")]
    assert told == [
        ("POST /v1/exports", {"status": "asked for"}),
        ("GET /v1/exports/{id}/file", {"status": "downloaded"}),
    ]


@pytest.mark.parametrize("role", ["manager", "viewer", "staff"])
async def test_nobody_but_the_owner(points: Points, role: str) -> None:
    for path in ("/console/import", "/console/export", "/v1/imports", "/v1/exports"):
        assert (await page(points, path, role))[0] == 403, path
    refused = await points.client.post("/v1/exports", **signed_in(role, key="x"))
    assert refused.status_code == 403
