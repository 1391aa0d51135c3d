"""Attributes, names, tags and status of a member, over HTTP; who changed what is kept."""

from typing import Any

import httpx
import pytest

from shared import clock, ids
from shared.events import ChatDataRequested, MemberRef, new_event
from tests.integration.points.shop import Points, eventually, owner, pos, submitted

USER = "U" + "8" * 32
CONSENT = {"profile": {"given": True, "source": "申込書"}}
FULL: dict[str, Any] = {
    "birthday": "1990-05-03",
    "gender": "female",
    "area": "東京都",
    "fields": {"name": "山田 花子", "children": 2, "parking": True, "size": 23.5},
    "consent": {**CONSENT, "marketing": {"given": False, "source": "申込書"}},
}


async def created(points: Points, **names: str) -> dict[str, Any]:
    key = ids.new_id().hex
    body = names or {"external_id": key}
    answer = await points.client.post("/v1/members", json=body, headers=owner(key))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def patch(points: Points, member: Any, body: Any, **headers: str) -> httpx.Response:
    return await points.client.patch(
        f"/v1/members/{member['id']}", json=body, headers={**owner(), **headers}
    )


async def profile(points: Points, member: Any) -> dict[str, Any]:
    answer = await points.client.get(f"/v1/members/{member['id']}/profile", headers=owner())
    assert answer.status_code == 200, answer.text
    return {**answer.json(), "etag": answer.headers["etag"]}


async def found(points: Points, query: str) -> list[str]:
    answer = await points.client.get(f"/v1/members?{query}", headers=owner())
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


async def test_attributes_are_kept_with_consent_and_every_change_is_noted(points: Points) -> None:
    member = await created(points, external_id="e-1")
    refused = await patch(points, member, {"birthday": "1990-05-03"})
    assert refused.status_code == 422
    assert refused.json()["type"].endswith(":no-consent")
    assert (await patch(points, member, {**FULL, "reason": "入会申込"})).status_code == 200
    known = await profile(points, member)
    for name in ("birthday", "gender", "area", "fields"):
        assert known[name] == FULL[name], name
    assert known["consent"]["profile"]["given"] is True
    assert known["consent"]["marketing"]["given"] is False
    row = await points.pool.fetchrow("SELECT * FROM members WHERE id = $1", known["member"]["id"])
    assert row["birthday"].month == 5  # where awarding looks
    withdrawn = {"consent": {"profile": {"given": False, "source": "電話"}}}
    assert (await patch(points, member, withdrawn)).status_code == 200
    known = await profile(points, member)
    assert (known["birthday"], known["area"], known["fields"]) == (None, None, {})
    changes = known["changes"]["items"]
    assert [each["reason"] for each in changes] == [None, "入会申込"]
    assert changes[0]["before"]["birthday"] == "1990-05-03"
    assert changes[0]["after"]["birthday"] is None
    assert all(each["actor"].startswith("key:") for each in changes)
    told = await points.told("member.updated.v1")
    assert {"member_id": member["id"], "fields": sorted(FULL)} in told
    assert "1990" not in str(told)


@pytest.mark.parametrize(
    "body",
    [
        {"fields": {"a": {"b": 1}}},
        {"fields": {"a": [1]}},
        {"fields": {"": 1}},
        {"fields": {"a": "\x00"}},
        {"fields": {"a": 10**400}},
        {"birthday": "2999-01-01"},
        {"birthday": "1990-02-30"},
        {"phone": "abc"},
        {"unknown": 1},
        {"consent": {"Profile!": {"given": True, "source": "x"}}},
        {"consent": {"profile": {"given": "yes", "source": "x"}}},
        {"consent": {"profile": {"given": True}}},
    ],
)
async def test_what_is_no_profile_is_refused(points: Points, body: Any) -> None:
    member = await created(points)
    answer = await patch(points, member, {"consent": CONSENT, **body})
    assert answer.status_code == 422, answer.text
    assert (await profile(points, member))["consent"] == {}


async def test_a_phone_is_one_member_however_it_is_written(points: Points) -> None:
    one = await created(points, phone="+81 90-1234-5678")
    other = await created(points)
    assert (await patch(points, other, {"phone": "090-1234-5678"})).status_code == 409
    again = await points.client.post(
        "/v1/members", json={"phone": "０９０１２３４５６７８"}, headers=owner("again")
    )
    assert again.status_code == 409
    for written in ("09012345678", "090-1234-5678", "%2B819012345678"):
        answer = await points.client.get(f"/v1/members/lookup?phone={written}", headers=pos())
        assert answer.json()["id"] == one["id"], written
    assert (await patch(points, one, {"phone": None})).status_code == 200
    assert (await patch(points, other, {"phone": "090-1234-5678"})).status_code == 200
    event = submitted(MemberRef(phone="+81-90-1234-5678"))
    await points.publish(event)
    await points.status(event.id, "awarded")
    assert await points.balance(ids_of(other)) == 10


def ids_of(member: Any) -> Any:
    return member["id"]


async def test_purchases_that_waited_for_a_name_are_earned_when_it_is_given(
    points: Points,
) -> None:
    member = await created(points)
    event = submitted(MemberRef(phone="03-1234-5678"))
    await points.publish(event)
    await points.status(event.id, "waiting_for_member")
    assert (await patch(points, member, {"phone": "0312345678"})).status_code == 200
    await points.status(event.id, "awarded")
    assert await points.balance(member["id"]) == 10


async def test_a_till_gives_a_name_to_who_has_none_and_nothing_else(points: Points) -> None:
    member = await created(points, external_id="e-9")
    till = {"Authorization": pos()["Authorization"]}
    assert (await patch(points, member, {"area": "東京都"}, **till)).status_code == 403
    given = await patch(points, member, {"phone": "090 1111 2222"}, **till)
    assert given.status_code == 200
    assert "etag" not in given.headers
    assert (await patch(points, member, {"phone": "09011112222"}, **till)).status_code == 200
    assert (await patch(points, member, {"phone": "09033334444"}, **till)).status_code == 409
    assert (await patch(points, member, {"external_id": None}, **till)).status_code == 409
    known = await profile(points, member)
    assert (known["phone"], known["external_id"]) == ("09011112222", "e-9")
    assert known["changes"]["items"][0]["actor"].startswith("terminal:")


async def test_a_lost_update_is_refused(points: Points) -> None:
    member = await created(points)
    seen = (await profile(points, member))["etag"]
    first = await patch(points, member, {**FULL}, **{"If-Match": seen})
    assert first.status_code == 200
    late = await patch(points, member, {"area": None}, **{"If-Match": seen})
    assert late.status_code == 412
    now = first.headers["etag"]
    assert now == (await profile(points, member))["etag"]
    assert (await patch(points, member, {"area": None}, **{"If-Match": now})).status_code == 200


async def test_tags_and_search(points: Points) -> None:
    one = await created(points, external_id="e-1", phone="0312345678")
    two = await created(points, external_id="e-2")
    three = await created(points, external_id="e-3")
    await patch(points, one, FULL)
    for member in (one, two, one):
        answer = await points.client.put(f"/v1/members/{member['id']}/tags/常連", headers=owner())
        assert answer.status_code == 204, answer.text
    assert await found(points, "tag=常連") == [one["id"], two["id"]]
    assert await found(points, "tag=常連&limit=1") == [one["id"]]
    assert await found(points, f"tag=常連&limit=1&after={one['id']}") == [two["id"]]
    for query in ("03-1234-5678", "e-1", one["card"], "山田花子", "花"):
        assert await found(points, f"q={query}") == [one["id"]], query
    assert await found(points, "q=e-1&tag=なし") == []
    assert await found(points, "q=nobody") == []
    gone = await points.client.delete(f"/v1/members/{one['id']}/tags/常連", headers=owner())
    assert gone.status_code == 204
    assert await found(points, "tag=常連") == [two["id"]]
    assert await found(points, "status=active") == [one["id"], two["id"], three["id"]]


async def test_who_is_suspended_earns_and_does_not_spend(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    url = f"/v1/members/{member['id']}/status"
    no_reason = await points.client.put(url, json={"status": "suspended"}, headers=owner())
    assert no_reason.status_code == 422
    body = {"status": "suspended", "reason": "調査中"}
    assert (await points.client.put(url, json=body, headers=pos())).status_code == 403
    for _ in range(2):
        answer = await points.client.put(url, json=body, headers=owner())
        assert (answer.status_code, answer.json()["status"]) == (200, "suspended")
    event = submitted(MemberRef(card=member["card"]))
    await points.publish(event)
    await points.status(event.id, "awarded")
    assert await points.balance(member["id"]) == 60
    spend = {"member": {"card": member["card"]}, "store": "main", "points": 1, "capture": True}
    refused = await points.client.post("/v1/redemptions", json=spend, headers=pos("s1"))
    assert refused.status_code == 422
    asked = ChatDataRequested(USER, "balance", "token", clock.now())
    await points.publish(new_event("/notify", asked))
    told = (await eventually(lambda: points.told("chat.data_provided.v1"), "no answer"))[0]
    assert told["status"] == "suspended"
    again = {"status": "active", "reason": "確認済み"}
    assert (await points.client.put(url, json=again, headers=owner())).status_code == 200
    spent = await points.client.post("/v1/redemptions", json=spend, headers=pos("s2"))
    assert spent.status_code == 201, spent.text
    changed = await points.told("member.status_changed.v1")
    assert [(each["status"], each["before"]) for each in changed] == [
        ("suspended", "active"),
        ("active", "suspended"),
    ]
    known = await profile(points, member)
    assert [each["reason"] for each in known["changes"]["items"]] == ["確認済み", "調査中"]


async def test_nobody_and_who_was_merged_cannot_be_changed(points: Points) -> None:
    nobody = {"id": ids.new_id()}
    assert (await patch(points, nobody, {"phone": None})).status_code == 404
    assert (await patch(points, {"id": "x"}, {"phone": None})).status_code == 404
    kept, gone = await created(points), await created(points)
    merge = {"absorb": {"id": gone["id"]}, "reason": "同じお客様"}
    url = f"/v1/members/{kept['id']}/merge"
    assert (await points.client.post(url, json=merge, headers=owner("m"))).status_code == 201
    answer = await patch(points, gone, {"phone": "0312345678"})
    assert (answer.status_code, answer.json()["merged_into"]) == (409, kept["id"])
