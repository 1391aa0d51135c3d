"""What is kept of changes: who, what, before, after; nothing twice, nothing that names a person."""

from typing import Any

import msgspec
import pytest

from deploy.backup import erasing_again
from services.points.staff import audit
from tests.integration.points.staff.desk import Desk, problem
from tests.staff import signed_in

PHONE, NAME, WHY = "09011112222", "山田花子", "やまだ様のお誕生日"


@pytest.fixture
async def member(desk: Desk) -> str:
    """A member whom somebody signed in has joined, with points."""
    body = {"phone": PHONE, "external_id": "crm-1"}
    joined = await desk.client.post("/v1/members", json=body, **signed_in("staff", key="join"))
    assert joined.status_code == 201, joined.text
    id: str = joined.json()["id"]
    gift = {"points": 100, "reason": WHY}
    path = f"/v1/members/{id}/adjustments"
    given = await desk.client.post(path, json=gift, **signed_in("manager", key="gift"))
    assert given.status_code == 201, given.text
    return id


def told(row: Any) -> tuple[Any, Any]:
    values = (row["before"], row["after"])
    return tuple(None if each is None else msgspec.json.decode(each) for each in values)  # type: ignore[return-value]


async def test_each_change_of_a_member_is_there_without_what_names_them(
    desk: Desk, member: str
) -> None:
    path = f"/v1/members/{member}"
    changes: list[tuple[str, str, Any]] = [
        (
            "PATCH",
            path,
            {
                "fields": {"name": NAME},
                "birthday": "1990-05-05",
                "consent": {"profile": {"given": True, "source": "counter"}},
            },
        ),
        ("PUT", f"{path}/tags/vip", None),
        ("DELETE", f"{path}/tags/vip", None),
        ("PUT", f"{path}/status", {"status": "suspended", "reason": WHY}),
        ("PUT", f"{path}/status", {"status": "active", "reason": WHY}),
        ("POST", f"{path}/card", {"reason": WHY}),
    ]
    for number, (method, address, body) in enumerate(changes):
        given = signed_in("owner", key=f"change {number}")
        answer = await desk.client.request(method, address, json=body, **given)
        assert answer.is_success, answer.text
    rows = await desk.kept()
    assert [row["act"] for row in rows][-6:] == [
        "PATCH /v1/members/{member_id}",
        "PUT /v1/members/{member_id}/tags/{tag}",
        "DELETE /v1/members/{member_id}/tags/{tag}",
        "PUT /v1/members/{member_id}/status",
        "PUT /v1/members/{member_id}/status",
        "POST /v1/members/{member_id}/card",
    ]
    assert {row["target"] for row in rows[1:]} == {f"member:{member}"}
    assert told(rows[1]) == ({"balance": 0}, {"balance": 100})
    assert told(rows[2]) == (None, {"changed": ["birthday", "consent", "fields"]})
    assert told(rows[3]) == ({"tagged": False}, {"tagged": True})
    assert told(rows[4]) == ({"tagged": True}, {"tagged": False})
    assert told(rows[5]) == ({"status": "active"}, {"status": "suspended"})
    everything = str([dict(row) for row in rows])
    for secret in (PHONE, NAME, WHY, "crm-1", "1990-05-05"):
        assert secret not in everything, secret


async def test_rules_routes_and_webhooks_say_what_was_before(desk: Desk) -> None:
    owner = signed_in("owner")
    program = (await desk.client.get("/v1/program", **owner)).json()
    changed = {**program, "welcome": {"points": 777}}
    answer = await desk.client.put("/v1/program", json=changed, **owner)
    assert answer.status_code == 200, answer.text
    for name in ("ポスター", "新しいポスター"):
        body = {"name": name, "kind": "poster"}
        assert (await desk.client.put("/v1/routes/p1", json=body, **owner)).is_success
    hook = {"url": "https://hooks.example.com/x", "events": ["points.*"]}
    made = await desk.client.post("/v1/webhooks", json=hook, **signed_in("owner", key="h"))
    path = f"/v1/webhooks/{made.json()['id']}"
    assert (await desk.client.patch(path, json={"active": False}, **owner)).is_success
    assert (await desk.client.delete(path, **owner)).status_code == 204
    rows = await desk.kept()
    assert [row["act"].split()[0] for row in rows] == [
        "PUT",
        "PUT",
        "PUT",
        "POST",
        "PATCH",
        "DELETE",
    ]
    assert "777" in str(told(rows[0])[1])
    assert told(rows[2])[0]["name"] == "ポスター" and told(rows[2])[1]["name"] == "新しいポスター"
    assert made.json()["secret"] not in str([dict(row) for row in rows])
    assert told(rows[4]) == ({"status": "active"}, {"status": "off"})
    before, after = told(rows[5])
    assert (before["url"], after) == (hook["url"], None)


async def test_what_was_refused_and_what_is_repeated_is_told_by_nothing(
    desk: Desk, member: str
) -> None:
    before = len(await desk.kept())
    gift = {"points": 100, "reason": WHY}
    path = f"/v1/members/{member}/adjustments"
    again = await desk.client.post(path, json=gift, **signed_in("manager", key="gift"))
    assert again.status_code == 201
    too_much = {"points": -1000, "reason": WHY}
    refused = await desk.client.post(path, json=too_much, **signed_in("manager", key="x"))
    assert problem(refused) == (422, "not-enough-points")
    assert len(await desk.kept()) == before
    assert len(await desk.kept()) == before  # and kept again it stands once


async def test_an_owner_key_s_changes_are_in_it_under_its_name_a_till_s_are_not(
    desk: Desk,
) -> None:
    for name in ("owner", "pos"):
        headers = {"Authorization": f"Bearer tmr_{name}_test", "Idempotency-Key": "k"}
        body = {"external_id": f"crm-{name}"}
        for _ in range(2):  # as a system does that had no answer
            answer = await desk.client.post("/v1/members", json=body, headers=headers)
            assert answer.status_code == 201, answer.text
    (row,) = await desk.kept()
    assert (row["staff_id"], row["session_id"], row["role"]) == (None, None, "key")
    assert told(row) == (None, {"given": ["external_id"]})
    await desk.pool.execute("UPDATE terminals SET name = '本部システム' WHERE kind = 'owner'")
    path = f"/v1/audit?key={row['key_id']}"
    (shown,) = (await desk.client.get(path, **signed_in("manager"))).json()["items"]
    assert (shown["key_name"], shown["staff"]) == ("本部システム", None)
    page = await desk.client.get(f"/console/audit?who=key:{row['key_id']}", **signed_in("manager"))
    assert "<strong>本部システム</strong> 会員を登録" in page.text
    assert "APIキー" in page.text and "お店の会員番号" in page.text
    page = await desk.client.get("/console/audit?kind=staff", **signed_in("manager"))
    assert "<strong>本部システム" not in page.text


async def test_what_a_command_did_is_in_it_as_a_command_s(desk: Desk, member: str) -> None:
    target = f"member:{member}"
    async with desk.pool.acquire() as connection:
        await audit.keep_command(
            connection, erasing_again.ACT, target, *audit.of_gone("active", "erased", 100)
        )
    path = f"/v1/audit?target={target}&act=tamaru"
    (shown,) = (await desk.client.get(path, **signed_in("manager"))).json()["items"]
    assert (shown["role"], shown["staff"], shown["key"]) == ("command", None, None)
    assert shown["changes"][0] == {"field": "points", "before": "100", "after": "0"}
    page = await desk.client.get(f"/console/audit?target={target}", **signed_in("manager"))
    assert "<strong>運用コマンド</strong> 復元後に会員を再消去" in page.text


async def test_who_leaves_or_is_erased_or_merged_is_told_as_they_were(
    desk: Desk, member: str
) -> None:
    body = {"external_id": "crm-2"}
    other = await desk.client.post("/v1/members", json=body, **signed_in("owner", key="o"))
    merge = {"absorb": {"id": other.json()["id"]}, "reason": WHY}
    path = f"/v1/members/{member}"
    made = await desk.client.post(f"{path}/merge", json=merge, **signed_in("owner", key="m"))
    undo = f"/v1/merges/{made.json()['merge']['id']}/undo"
    assert (await desk.client.post(undo, **signed_in("owner", key="u"))).status_code == 200
    assert (await desk.client.post(f"{path}/leave", **signed_in("owner", key="l"))).is_success
    sure = {"confirm": other.json()["card"]}
    erase = f"/v1/members/{other.json()['id']}/erasure"
    answer = await desk.client.post(erase, json=sure, **signed_in("owner", key="e"))
    assert answer.status_code == 201, answer.text
    absorbed = other.json()["id"]
    assert [told(row) for row in (await desk.kept())[-4:]] == [
        ({"absorbed": None, "balance": 100}, {"absorbed": absorbed, "balance": 100}),
        ({"absorbed": absorbed, "balance": 100}, {"absorbed": None, "balance": 100}),
        ({"status": "active", "points": 100}, {"status": "left", "points": 0}),
        ({"status": "active", "points": 0}, {"status": "erased", "points": 0}),
    ]


async def test_staff_act_for_the_store_of_their_shift_only(desk: Desk, member: str) -> None:
    await desk.store("second")
    here, there = signed_in("staff", key="r"), signed_in("staff", store="second", key="s")
    hold = {"member": {"id": member}, "store": "main", "points": 10}
    assert problem(await desk.client.post("/v1/redemptions", json=hold, **there)) == (
        403,
        "other-store",
    )
    made = await desk.client.post("/v1/redemptions", json=hold, **here)
    assert made.status_code == 201, made.text
    path = f"/v1/redemptions/{made.json()['id']}"
    for act in ("capture", "void"):
        theirs = signed_in("staff", store="second", key=act)
        assert problem(await desk.client.post(f"{path}/{act}", **theirs)) == (403, "other-store")
        limited = signed_in("manager", ["second"], "second", key=act)
        assert problem(await desk.client.post(f"{path}/{act}", **limited)) == (403, "other-store")
    ours = signed_in("staff", key="capture it")
    assert (await desk.client.post(f"{path}/capture", **ours)).status_code == 200
    code = await desk.client.get("/v1/stores/second/visit-code", **signed_in("staff"))
    assert problem(code) == (403, "other-store")
