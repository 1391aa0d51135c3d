"""The pages of who works here, of oneself and of what was done; and what guards every page."""

from typing import Any

import pytest

from tests.architecture.test_roles_everywhere import PAGES
from tests.integration.points.staff.desk import Desk, problem

OURS_TO_SHOW = sorted(
    {each.path for each in PAGES if each.service == "points" and "{" not in each.path}
)
FRAMED_BY_OURS = {"/console/design/preview"}
"""Shown in a frame of one of our own pages."""
FOR_EVERYBODY = ["/sign-in", "/invitation/nothing", "/session/store"]


@pytest.fixture(autouse=True)
async def owner(desk: Desk) -> None:
    """An owner who is signed in, and colleagues."""
    await desk.somebody(pin="2580")
    await desk.somebody("manager", login="m@example.com", name="<b>店長</b>", stores=["main"])
    await desk.enter()


async def page(desk: Desk, path: str) -> Any:
    return await desk.client.get(path, headers={"Accept": "text/html"})


@pytest.mark.parametrize("path", [*OURS_TO_SHOW, *FOR_EVERYBODY])
async def test_no_page_can_be_framed_or_run_a_script_of_others(desk: Desk, path: str) -> None:
    answer = await page(desk, path)
    if not answer.headers["content-type"].startswith("text/html"):
        assert answer.status_code >= 400  # a part that wants more than its address: no page
        return
    policy = answer.headers["content-security-policy"]
    framed_by = "'self'" if path in FRAMED_BY_OURS else "'none'"
    assert f"frame-ancestors {framed_by}" in policy and "default-src 'none'" in policy
    assert "unsafe" not in policy
    if path not in FRAMED_BY_OURS:
        assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_the_pages_are_there_in_both_languages(desk: Desk, lang: str) -> None:
    desk.client.cookies.set("lang", lang)
    staff = (await desk.client.get("/v1/staff")).json()["items"]
    body = {"name": "花子", "role": "staff", "stores": ["main"]}
    await desk.client.post("/v1/staff/invitations", json=body, **desk.acting("i"))
    paths = ["/console/staff", "/console/account", "/console/audit"]
    paths += [f"/console/staff/{each['id']}" for each in staff]
    for path in paths:
        answer = await page(desk, path)
        assert answer.status_code == 200, (path, answer.text[:500])
        assert f'<html lang="{lang}">' in answer.text
        assert "<b>店長" not in answer.text
    assert problem(await desk.client.get("/v1/staff/nobody")) == (404, "unknown-staff")


async def test_the_log_shows_what_was_before_and_after(desk: Desk) -> None:
    manager = next(
        each
        for each in (await desk.client.get("/v1/staff")).json()["items"]
        if each["role"] == "manager"
    )
    path = f"/v1/staff/{manager['id']}"
    answer = await desk.client.patch(path, json={"role": "viewer", "stores": None}, **desk.acting())
    assert answer.status_code == 200, answer.text
    await desk.kept()
    shown = await page(desk, "/console/audit?kind=staff")
    assert "スタッフを変更" in shown.text
    assert 'class="was">マネージャー</td>' in shown.text
    assert 'class="is">閲覧のみ</td>' in shown.text
    assert "あてはまる操作はありません" in (await page(desk, "/console/audit?kind=member")).text
    assert (
        "あてはまる操作はありません" in (await page(desk, "/console/audit?until=2020-01-01")).text
    )


async def test_the_log_is_read_page_by_page_and_filtered(desk: Desk) -> None:
    pins = ["2580", "9071", "8642", "7391", "6482"]
    for pin in pins:
        await desk.client.put("/v1/account/pin", json={"pin": pin}, **desk.acting())
    body = {"name": "花子", "role": "staff"}
    await desk.client.post("/v1/staff/invitations", json=body, **desk.acting("i"))
    await desk.kept()
    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        got = (await desk.client.get("/v1/audit", params=query)).json()
        seen += got["items"]
        cursor = got["next"]
        if cursor is None:
            break
    assert len(seen) == len({each["id"] for each in seen}) == 6
    assert [each["at"] for each in seen] == sorted((each["at"] for each in seen), reverse=True)
    assert seen[0]["words"] == {"ja": "スタッフを招待", "en": "Invited somebody"}
    assert seen[0]["changes"] == [{"field": "role", "before": None, "after": "staff"}]
    by_act = await desk.client.get("/v1/audit", params={"act": "/v1/account"})
    assert len(by_act.json()["items"]) == 5
    owner = str(desk.token().id)
    by_who = await desk.client.get("/v1/audit", params={"staff": owner, "target": "invitation"})
    assert len(by_who.json()["items"]) == 1
    at = seen[2]["at"]
    later = await desk.client.get("/v1/audit", params={"since": at})
    earlier = await desk.client.get("/v1/audit", params={"until": at})
    assert (len(later.json()["items"]), len(earlier.json()["items"])) == (3, 3)
    assert problem(await desk.client.get("/v1/audit?since=2026-01-01T00:00:00")) == (422, "invalid")
