"""A member's whole story over HTTP: all that happened, once each, newest first, by whom."""

from typing import Any

from shared import ids
from shared.events import Line, MemberRef
from tests.integration.points.shop import Points, eventually, owner, pos, submitted
from tests.staff import shown, signed_in, someone

USER = "U" + "7" * 32
CONSENT = {"profile": {"given": True, "source": "申込書"}}
_STAFF = """
INSERT INTO staff (id, login, name, role, active, created_at, changed_at)
VALUES ($1, 'hanako', 'テスト 花子', 'manager', true, now(), now()) ON CONFLICT DO NOTHING
"""


async def story(points: Points, member: str, limit: int = 100) -> list[dict[str, Any]]:
    """All of it, page after page."""
    items: list[dict[str, Any]] = []
    cursor = None
    for _ in range(200):
        given = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        path = f"/v1/members/{member}/story"
        answer = await points.client.get(path, params=given, headers=owner())
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next"]
        if cursor is None:
            return items
    raise AssertionError("it never ends")


async def call(points: Points, method: str, path: str, body: Any = None) -> Any:
    headers = owner(ids.new_id().hex)
    answer = await points.client.request(method, path, json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def lived(points: Points) -> str:
    """A member to whom everything has happened."""
    await points.follow(USER)
    id = str((await points.member(USER))["id"])
    at = f"/v1/members/{id}"
    profile = {"fields": {"name": "山田"}, "consent": CONSENT, "reason": "入会申込"}
    await call(points, "PATCH", at, profile)
    await call(points, "PUT", f"{at}/tags/常連")
    lines = [Line(800, "A", "food", name="珈琲", quantity=2), Line(400, "B", "food", name="菓子")]
    bought = submitted(MemberRef(line_user_id=USER), 1200, lines=lines, receipt="R-1")
    await points.publish(bought)
    await points.status(bought.id, "awarded")
    back = {"lines": [{"sku": "A", "quantity": 1}]}
    await call(points, "POST", f"/v1/purchases/{bought.id}/refunds", back)
    spent = {"member": {"id": id}, "store": "main", "points": 10, "capture": True}
    await call(points, "POST", "/v1/redemptions", spent)
    held = await call(
        points, "POST", "/v1/redemptions", {"member": {"id": id}, "store": "main", "points": 5}
    )
    await call(points, "POST", f"/v1/redemptions/{held['id']}/void")
    await call(points, "POST", f"{at}/adjustments", {"points": 7, "reason": "お詫び"})
    await call(points, "PUT", f"{at}/rank-floor", {"code": "silver", "reason": "お得意様"})
    await call(points, "PUT", f"{at}/status", {"status": "suspended", "reason": "確認中"})
    await call(points, "PUT", f"{at}/status", {"status": "active", "reason": "確認済み"})
    await call(points, "POST", f"{at}/card", {"reason": "紛失"})
    other = await call(points, "POST", "/v1/members", {"phone": "09011112222"})
    paper = {"points": 3, "reason": "紙"}
    await call(points, "POST", f"/v1/members/{other['id']}/adjustments", paper)
    merge = {"absorb": {"id": other["id"]}, "reason": "同じ人"}
    await call(points, "POST", f"{at}/merge", merge)
    await call(points, "POST", f"{at}/export")

    async def ranked() -> Any:
        moves = await points.pool.fetch("SELECT to_code FROM rank_moves")
        return {row["to_code"] for row in moves} >= {"silver"}

    await eventually(ranked, "no rank move was kept")
    return id


async def test_everything_that_happened_is_told_once_whatever_the_page(points: Points) -> None:
    id = await lived(points)
    told = await story(points, id)
    assert [each["at"] for each in told] == sorted((each["at"] for each in told), reverse=True)
    kinds = [each["kind"] for each in told]
    for kind in (
        *("joined", "friend", "profile", "tags", "purchase", "refund", "redeem", "let_go"),
        *("adjust", "floor", "rank", "status", "card", "merge", "transfer", "export", "welcome"),
    ):
        assert kind in kinds, (kind, kinds)
    assert kinds.count("status") == 2
    for each in told:
        assert each["title"]["ja"], each
        assert each["title"]["en"], each
    ids_told = [each["id"] for each in told]
    assert len(set(ids_told)) == len(ids_told)
    for limit in (1, 3):
        assert [each["id"] for each in await story(points, id, limit)] == ids_told, limit


async def test_purchases_have_lines_and_refunds_and_changes_say_what_and_why(
    points: Points,
) -> None:
    id = await lived(points)
    whole = await story(points, id)
    told = {each["kind"]: each for each in whole if each["member_id"] == id}
    told["merge"] = next(each for each in whole if each["kind"] == "merge")
    store = await points.pool.fetchval("SELECT name FROM stores WHERE code = 'main'")
    bought = told["purchase"]["purchase"]
    assert [line["name"] for line in bought["lines"]] == ["珈琲", "菓子"]
    assert (bought["total"], bought["refunded"], bought["receipt"]) == (1200, 400, "R-1")
    assert [(each["amount"], each["lines"][0]["sku"]) for each in bought["refunds"]] == [(400, "A")]
    assert told["purchase"]["store"] == store
    assert "合計" in told["purchase"]["why"]["ja"]
    assert told["refund"]["purchase"]["id"] == bought["id"]
    assert told["adjust"]["reason"] == "お詫び"
    assert told["adjust"]["points"] == 7
    assert told["tags"]["title"] == {"ja": "タグ「常連」を付けました", "en": "Tagged “常連”"}
    parts = {
        part["what"]["en"]: (part["before"], part["after"]) for part in told["profile"]["parts"]
    }
    assert parts["name"] == (None, "山田")
    assert told["profile"]["reason"] == "入会申込"
    assert told["merge"]["merge_id"]
    assert told["merge"]["undone"] is False


async def test_who_acted_has_a_name(points: Points) -> None:
    made = await call(points, "POST", "/v1/members", {"external_id": "e-1"})
    person = someone("manager")
    await points.pool.execute(_STAFF, person.id)
    path = f"/v1/members/{made['id']}/adjustments"
    given = await points.client.post(path, json={"points": 5, "reason": "雨"}, **shown(person, "a"))
    assert given.status_code == 201, given.text
    adjusted = next(each for each in await story(points, made["id"]) if each["kind"] == "adjust")
    assert adjusted["actor"] == f"staff:{person.id}"
    assert adjusted["by"] == "テスト 花子"


async def test_an_undone_merge_says_so_and_each_has_their_own_again(points: Points) -> None:
    one = await call(points, "POST", "/v1/members", {"external_id": "one"})
    two = await call(points, "POST", "/v1/members", {"external_id": "two"})
    body = {"absorb": {"id": two["id"]}, "reason": "同じ人"}
    merged = await call(points, "POST", f"/v1/members/{one['id']}/merge", body)
    await call(points, "POST", f"/v1/merges/{merged['merge']['id']}/undo")
    told = await story(points, one["id"])
    assert [each["kind"] for each in told if "merge" in each["kind"]] == ["unmerge", "merge"]
    assert next(each for each in told if each["kind"] == "merge")["undone"] is True


async def test_the_story_is_for_those_who_read_the_console(points: Points) -> None:
    made = await call(points, "POST", "/v1/members", {"external_id": "e-1"})
    path = f"/v1/members/{made['id']}/story"
    assert (await points.client.get(path, headers=pos())).status_code == 403
    assert (await points.client.get(path, **signed_in("staff"))).status_code == 403
    assert (await points.client.get(path)).status_code == 401
    for role in ("viewer", "manager", "owner"):
        assert (await points.client.get(path, **signed_in(role))).status_code == 200, role
    for query in ("cursor=x", "cursor=W10", "limit=0"):
        answer = await points.client.get(f"{path}?{query}", headers=owner())
        assert answer.status_code == 422, query
    nobody = f"/v1/members/{ids.new_id()}/story"
    assert (await points.client.get(nobody, headers=owner())).status_code == 404
    assert (await points.client.get("/v1/members/x/story", headers=owner())).status_code == 404
