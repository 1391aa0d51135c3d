"""The console's pages about members: what they show, to whom; nothing on them is markup."""

from typing import Any

import pytest

from shared import clock, ids
from shared.events import Line, MemberRef, RecipientNamed, new_event
from tests.integration.points.shop import Points, eventually, owner, submitted
from tests.staff import signed_in

USER = "U" + "9" * 32
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
CONSENT = {"profile": {"given": True, "source": EVIL}}
ACTS = ("adjust", "service", "floor", "status", "card", "merge", "export", "erase")


async def call(points: Points, method: str, path: str, body: Any = None) -> Any:
    headers = owner(ids.new_id().hex)
    answer = await points.client.request(method, path, json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def created(points: Points, name: str, **names: str) -> str:
    body = names or {"external_id": ids.new_id().hex}
    made = await call(points, "POST", "/v1/members", body)
    profile = {"fields": {"name": name}, "consent": {"profile": {"given": True, "source": "紙"}}}
    await call(points, "PATCH", f"/v1/members/{made['id']}", profile)
    return str(made["id"])


async def html(points: Points, path: str, role: str = "owner", **more: Any) -> str:
    answer = await points.client.get(path, **signed_in(role, **more))
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    return answer.text


async def test_who_is_typed_is_found_and_links_lead_to_them(points: Points) -> None:
    id = await created(points, "山田 花子", phone="09012345678")
    await created(points, "鈴木 一郎")
    whole = await html(points, "/console/members")
    assert "山田 花子" in whole
    assert "鈴木 一郎" in whole
    for query in ("q=やまだ", "q=nobody", "segment=everyone&q=x"):
        assert "山田 花子" not in await html(points, f"/console/members/found?{query}"), query
    found = await html(points, "/console/members/found?q=5678")
    assert f'href="/console/members/{id}"' in found
    assert "鈴木" not in found
    assert "<html" not in found
    assert "見つかりません" in await html(points, "/console/members/found?q=nobody")
    assert "全2人" in await html(points, "/console/members/count")
    assert "全0人" in await html(points, "/console/members/count?tag=none")


async def test_pages_lead_on_and_end(points: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.points.web.console_members.AT_ONCE", 2)
    for number in range(3):
        await created(points, f"山田 {number}")
    for query in ("q=山", ""):
        first = await html(points, f"/console/members/found?{query}")
        address = first.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
        rest = await html(points, address)
        assert first.count('class="person"') == 2
        assert rest.count('class="person"') == 1
        assert "さらに" not in rest


async def test_an_empty_shop_is_told_how_members_come(points: Points) -> None:
    assert "まだ会員がいません" in await html(points, "/console/members")
    english = await points.client.get("/console/members?q=x", **cookie_english())
    assert "Nobody found" in english.text


def cookie_english() -> dict[str, Any]:
    given = signed_in("viewer")
    given["headers"]["Accept-Language"] = "en"
    return given


async def test_nothing_that_people_write_is_markup(points: Points) -> None:
    await points.follow(USER)
    id = str((await points.member(USER))["id"])
    at = f"/v1/members/{id}"
    fields = {"name": EVIL, "name_kana": EVIL, EVIL[:40]: EVIL}
    profile = {"fields": fields, "consent": CONSENT, "reason": EVIL, "area": EVIL, "gender": "x"}
    await call(points, "PATCH", at, profile)
    tagged = await points.client.put(f"{at}/tags/<b>x'\"", headers=owner())
    assert tagged.status_code == 204
    await call(points, "POST", f"{at}/adjustments", {"points": 5, "reason": EVIL})
    await call(points, "PUT", f"{at}/rank-floor", {"code": "silver", "reason": EVIL})
    lines = [Line(100, EVIL[:40], "food", name=EVIL)]
    bought = submitted(MemberRef(line_user_id=USER), 100, lines=lines, receipt=EVIL[:60])
    await points.publish(bought)
    await points.status(bought.id, "awarded")
    await points.publish(new_event("/notify", RecipientNamed(USER, clock.now(), EVIL)))

    async def named() -> Any:
        return await points.pool.fetchval("SELECT true FROM line_names")

    await eventually(named, "no name in LINE")
    other = await created(points, EVIL)
    await call(points, "POST", f"{at}/merge", {"absorb": {"id": other}, "reason": EVIL})
    third = await created(points, EVIL)
    for path in (
        f"/console/members?tag=%3Cb%3Ex%27%22&q={EVIL[:9]}",
        f"/console/members?q={EVIL[:9]}",
        f"/console/members/found?q={EVIL[:9]}",
        f"/console/members/{id}",
        f"/console/members/{id}/others?q={EVIL[:9]}",
        f"/console/members/{id}/merge?other={third}",
        f"/console/members/{id}/refund/{bought.id}",
    ):
        page = await html(points, path)
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert "<b>x" not in page, path
        assert "&lt;script&gt;alert" in page or "?tag=" in path, path
        assert " style=" not in page, path
        assert " onclick=" not in page, path


async def test_each_role_sees_what_it_may_do(points: Points) -> None:
    id = await created(points, "山田 花子")
    path = f"/console/members/{id}"
    for role, stores, acts in (
        ("owner", None, set(ACTS)),
        ("manager", None, set(ACTS)),
        ("manager", ["main"], set(ACTS) - {"erase"}),
        ("viewer", None, set()),
    ):
        page = await html(points, path, role, stores=stores)
        offered = {act for act in ACTS if f'data-open="{act}"' in page}
        assert offered == acts, (role, stores)
        assert ("data-api" in page) == bool(acts), role
        assert "山田 花子" in page
    for role, status in (("staff", 403),):
        for part in ("", "/story?cursor=x"):
            answer = await points.client.get(f"{path}{part}", **signed_in(role))
            assert answer.status_code == status, part
    for part in ("/others?q=a", f"/merge?other={id}", f"/exports/{id}", f"/refund/{id}"):
        answer = await points.client.get(f"{path}{part}", **signed_in("viewer"))
        assert answer.status_code == 403, part
    outside = await points.client.get(path, headers={"accept": "text/html"})
    assert outside.status_code == 303
    assert outside.headers["location"].startswith("/session/renew?next=")


async def test_whom_stores_limit_changes_nothing_of_the_whole_shop(points: Points) -> None:
    """What the page leaves out, the API refuses too, whoever asks."""
    id = await created(points, "山田 花子")
    card = await points.pool.fetchval("SELECT card FROM members WHERE id::text = $1", id)
    staff = signed_in("staff", stores=["main"], store="main", key="a")
    viewer = signed_in("viewer", key="b")
    limited = signed_in("manager", stores=["main"], key="c")
    erase = ("POST", f"/v1/members/{id}/erasure", {"confirm": card})
    adjust = ("POST", f"/v1/members/{id}/adjustments", {"points": 1, "reason": "x"})
    for who, (method, path, body) in (
        (staff, erase),
        (staff, adjust),
        (staff, ("GET", f"/v1/members/{id}/story", None)),
        (staff, ("GET", "/v1/members?q=山", None)),
        (staff, ("GET", f"/v1/members/{id}/profile", None)),
        (viewer, adjust),
        (viewer, ("PUT", f"/v1/members/{id}/tags/x", None)),
        (limited, erase),
        (limited, ("POST", f"/v1/members/{id}/leave", {})),
    ):
        answer = await points.client.request(method, path, json=body, **who)
        assert answer.status_code == 403, (method, path, answer.text)
    elsewhere = {"points": 1, "reason": "x", "store": "main"}
    other = signed_in("staff", stores=["other"], store="other", key="d")
    path = f"/v1/members/{id}/service-points"
    answer = await points.client.post(path, json=elsewhere, **other)
    assert answer.status_code == 403, answer.text
    assert await points.balance(id) == 0  # type: ignore[arg-type]


async def test_a_member_s_page_tells_what_there_is_and_what_is_older(
    points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.points.web.console_member.AT_ONCE", 2)
    id = await created(points, "山田 花子", phone="09012345678")
    for number in range(3):
        body = {"points": 1, "reason": f"その{number}"}
        await call(points, "POST", f"/v1/members/{id}/adjustments", body)
    page = await html(points, f"/console/members/{id}")
    assert "その2" in page
    assert "その0" not in page
    older = page.partition(f'hx-get="/console/members/{id}/story')[2].partition('"')[0]
    assert "その0" in await html(points, f"/console/members/{id}/story{older}")
    assert f'hx-get="/console/messages/of/{id}"' in page
    for path, status in (
        (f"/console/members/{ids.new_id()}", 404),
        ("/console/members/nonsense", 404),
        (f"/console/members/{id}/story?cursor=x", 422),
        (f"/console/members/{id}/refund/{ids.new_id()}", 404),
    ):
        answer = await points.client.get(path, **signed_in("owner"))
        assert answer.status_code == status, path


async def test_a_merge_shows_both_and_a_refund_what_is_left(points: Points) -> None:
    one = await created(points, "山田 花子")
    two = await created(points, "やまだ はなこ", phone="09012345678")
    await call(points, "POST", f"/v1/members/{two}/adjustments", {"points": 9, "reason": "紙"})
    others = await html(points, f"/console/members/{one}/others?q=山田")
    assert one not in others.replace(f"/console/members/{one}/merge", "")
    assert f"other={two}" in await html(points, f"/console/members/{one}/others?q=やまだ")
    preview = await html(points, f"/console/members/{one}/merge?other={two}")
    assert "統合後の残高 9" in preview
    assert "電話番号" in preview.partition("これも移ります")[2]
    lines = [Line(600, "A", "food", name="珈琲", quantity=2), Line(400, "B", "food")]
    bought = submitted(MemberRef(phone="09012345678"), 1000, lines=lines)
    await points.publish(bought)
    await points.status(bought.id, "awarded")
    back = {"lines": [{"sku": "A", "quantity": 1}]}
    await call(points, "POST", f"/v1/purchases/{bought.id}/refunds", back)
    page = await html(points, f"/console/members/{two}/refund/{bought.id}")
    assert 'max="1" value="0" inputmode="numeric" data-sku="A"' in page
    assert "返品できる残り ¥700" in page


async def test_an_erased_member_s_page_names_nobody(points: Points) -> None:
    id = await created(points, "山田 花子", phone="09012345678")
    card = await points.pool.fetchval("SELECT card FROM members WHERE id::text = $1", id)
    await call(points, "POST", f"/v1/members/{id}/erasure", {"confirm": card})
    page = await html(points, f"/console/members/{id}")
    for secret in ("山田", card, "09012345678"):
        assert secret not in page
    assert "消去された会員" in page
    assert "data-open" not in page


async def test_what_staff_do_for_a_member_stands_in_the_audit_log(points: Points) -> None:
    """Under the member, as it was and as it is; without what names them."""
    id = await created(points, "山田 花子", phone="09012345678")
    other = await created(points, "山田 花")
    at = f"/v1/members/{id}"
    merged = ("POST", f"{at}/merge", {"absorb": {"id": other}, "reason": "同じ人"})
    for number, (method, path, body) in enumerate(
        (
            ("POST", f"{at}/adjustments", {"points": 7, "reason": "山田様"}),
            ("PUT", f"{at}/tags/常連", None),
            ("PUT", f"{at}/status", {"status": "suspended", "reason": "山田様"}),
            ("PUT", f"{at}/status", {"status": "active", "reason": "山田様"}),
            ("PUT", f"{at}/rank-floor", {"code": "silver", "reason": "山田様"}),
            ("PATCH", at, {"fields": {"nickname": "花"}}),
            ("POST", f"{at}/card", {"reason": "紛失"}),
            merged,
        )
    ):
        who = signed_in("manager", key=f"act {number}")
        answer = await points.client.request(method, path, json=body, **who)
        assert answer.is_success, answer.text
    told = [
        each for each in await points.told("staff.acted.v1") if each["target"] == f"member:{id}"
    ]
    said = [(each.get("before"), each.get("after")) for each in told]
    assert said == [
        ({"balance": 0}, {"balance": 7}),
        ({"tagged": False}, {"tagged": True}),
        ({"status": "active"}, {"status": "suspended"}),
        ({"status": "suspended"}, {"status": "active"}),
        ({"floor": None}, {"floor": "silver"}),
        (None, {"changed": ["fields"]}),
        (None, {"changed": ["card"]}),
        ({"absorbed": None, "balance": 7}, {"absorbed": other, "balance": 7}),
    ]
    assert "山田" not in str(told)
