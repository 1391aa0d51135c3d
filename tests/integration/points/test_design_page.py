"""The console's page of the card's design: who sees what, and codes of one's own stores only."""

from typing import Any

import pytest

from tests.integration.points.shop import Points, owner
from tests.staff import signed_in

HOSTILE = '"><img src=x onerror=alert(1)>'
PRINTED = "/v1/stores/{}/printed-codes"


@pytest.fixture
async def made(points: Points) -> dict[str, str]:
    """The printed codes of two stores, by store."""
    await points.pool.execute(
        "INSERT INTO stores VALUES (gen_random_uuid(), 'annex', '別館', true, 1)"
    )
    found = {}
    for code in ("main", "annex"):
        body = {"label": f"{code} {HOSTILE}"}
        answer = await points.client.post(PRINTED.format(code), json=body, headers=owner(code))
        found[code] = answer.json()["id"]
    return found


async def get(points: Points, path: str, *who: Any, **more: Any) -> Any:
    return await points.client.get(path, **signed_in(*who, **more))


async def test_each_role_finds_what_is_theirs(points: Points, made: dict[str, str]) -> None:
    for role, status in (("owner", 200), ("manager", 200), ("viewer", 403), ("staff", 403)):
        for path in ("/console/design", "/console/design/preview"):
            assert (await get(points, path, role)).status_code == status, (role, path)
    for role, status in (("owner", 303), ("viewer", 403), ("staff", 200)):  # no shift, no store
        answer = await get(points, "/counter/visit-screen", role)
        assert answer.status_code == status, role
    code = "/v1/stores/{}/visit-code"
    assert (await get(points, code.format("main"), "staff")).status_code == 200
    assert (await get(points, code.format("annex"), "staff")).status_code == 403
    assert (await get(points, code.format("main"), "viewer")).status_code == 403
    page = (await get(points, "/console/design", "owner")).text
    assert made["main"] in page
    assert made["annex"] in page
    assert "<img src=x" not in page


async def test_a_manager_of_one_store_has_no_codes_of_another(
    points: Points, made: dict[str, str]
) -> None:
    who = ("manager", ["main"])
    page = (await get(points, "/console/design", *who)).text
    assert made["main"] in page
    assert made["annex"] not in page
    sheet = "/console/design/sheet/{}/{}"
    own = await get(points, sheet.format("main", made["main"]), *who)
    assert own.status_code == 200
    assert "<svg" in own.text
    assert (await get(points, sheet.format("annex", made["annex"]), *who)).status_code == 404
    assert (await get(points, sheet.format("main", made["annex"]), *who)).status_code == 404
    for path in (PRINTED.format("annex"), "/v1/stores/annex/visit-code"):
        assert (await get(points, path, *who)).status_code == 403, path
    add = signed_in(*who, key="other")
    answer = await points.client.post(PRINTED.format("annex"), json={"label": "x"}, **add)
    assert answer.status_code == 403
    drop = signed_in(*who)
    for store in ("annex", "main"):  # by neither address
        gone = await points.client.delete(f"{PRINTED.format(store)}/{made['annex']}", **drop)
        assert gone.status_code in (403, 404)
    assert (await points.client.put("/v1/brand", json={}, **drop)).status_code == 403  # all stores'
    left = (await points.client.get(PRINTED.format("annex"), headers=owner())).json()
    assert left["items"][0]["revoked_at"] is None


async def test_a_change_needs_the_sessions_token_and_is_told(points: Points) -> None:
    bare = signed_in("owner")
    del bare["headers"]["X-CSRF-Token"]
    assert (await points.client.put("/v1/brand", json={}, **bare)).status_code == 403
    changed = await points.client.put(
        "/v1/brand", json={"name_ja": "たまる", "color": "#ffd400"}, **signed_in("owner")
    )
    assert changed.status_code == 200, changed.text
    (told,) = await points.told("staff.acted.v1")
    assert (told["target"], told["after"]["color"]) == ("brand", "#ffd400")


async def test_the_preview_shows_what_is_tried_and_nothing_that_it_is_fed(points: Points) -> None:
    tried = {"color": "#ffd400", "name_ja": HOSTILE}
    page = await points.client.get("/console/design/preview", params=tried, **signed_in("owner"))
    assert page.status_code == 200
    assert 'href="/static/brand.css?color=%23ffd400"' in page.text
    assert "<img src=x" not in page.text
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]
    sheet = await points.client.get("/static/brand.css?color=%23ffd400")
    assert sheet.text.startswith(":root{--brand:#ffd400;")
    odd = {"color": "red;}*{display:none"}
    page = await points.client.get("/console/design/preview", params=odd, **signed_in("owner"))
    assert "display:none" not in page.text
    assert "display:none" not in (await points.client.get("/static/brand.css", params=odd)).text
