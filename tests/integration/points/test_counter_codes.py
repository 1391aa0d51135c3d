"""Rotating codes at the counter: a photograph is worth nothing, and staff are told why."""

from datetime import timedelta
from typing import Any

import pytest

from services.points.rules import qr
from shared import clock, ids
from tests.integration.points.desk import (
    another_till,
    bought,
    code,
    joined,
    kind,
    post,
)
from tests.integration.points.shop import QR_KEY, Points, pos, verified


@pytest.fixture
async def member(points: Points) -> Any:
    """A member with 50 points."""
    return await joined(points)


def refused_as(answer: Any, word: str, ja: str) -> None:
    assert answer.status_code == 422, answer.text
    assert kind(answer) == word
    assert ja in answer.json()["detail"]


async def test_scanned_then_bought_and_good_for_nothing_more(points: Points, member: Any) -> None:
    token = code(member)
    panel = await post(points, "scans", code=token.lower())
    assert panel.status_code == 200, panel.text
    assert (panel.json()["member"]["card"], panel.json()["named_by"]) == (member["card"], "qr")
    served = {"qr": token, "id": str(member["id"])}
    made = await post(points, "purchases", member=served, total=1000, key="once")
    assert made.status_code in (201, 202)
    again = await post(points, "purchases", member=served, total=1000, key="once")
    assert again.json()["id"] == made.json()["id"]
    ja = "一度使われています。会員証を開き直してもらってください"
    for path, body in (
        ("scans", {"code": token}),
        ("purchases", {"member": {"qr": token}, "total": 500}),
        ("redemptions", {"member": {"qr": token}, "points": 1}),
    ):
        refused_as(await post(points, path, **body), "code-used", ja)
    headers = pos(ids.new_id().hex)
    body = {"member": {"qr": token}, "store": "main", "points": 1}
    at_a_till = await points.client.post("/v1/redemptions", json=body, headers=headers)
    assert (at_a_till.status_code, at_a_till.json()["reason"]) == (422, "used")


async def test_a_photograph_shown_elsewhere_or_later(points: Points, member: Any) -> None:
    token = code(member)
    await post(points, "scans", code=token)
    other = await another_till(points)
    elsewhere = await post(points, "scans", headers=other, code=token)
    refused_as(elsewhere, "code-elsewhere", "会員証を開き直してもらってください")
    unused = qr.make(QR_KEY, member["id"], clock.now() - timedelta(seconds=30))
    try:
        clock.set_offset(timedelta(minutes=2))
        refused_as(await post(points, "scans", code=unused), "code-expired", "写真や画面の写し")
        served = {"qr": token, "id": str(member["id"])}
        assert (await post(points, "redemptions", member=served, points=1)).status_code == 201
        late = qr.make(QR_KEY, member["id"], clock.now())
        await post(points, "scans", code=late)
        clock.set_offset(timedelta(minutes=8))
        spent = await post(points, "redemptions", member={"qr": late}, points=1)
        refused_as(spent, "code-expired", "会員証を開き直して")
    finally:
        clock.set_offset(timedelta(0))


async def test_forged_or_changed(points: Points, member: Any) -> None:
    token = code(member)
    changed = token[:10] + ("A" if token[10] != "A" else "B") + token[11:]
    forged = qr.make(b"another key" * 4, member["id"], clock.now())
    for wrong in (changed, forged, "T1.NONSENSE", "T1." + "A" * 32 + "." + "B" * 16):
        refused_as(await post(points, "scans", code=wrong), "code-forged", "確認できません")
    refused = await post(points, "purchases", member={"qr": forged}, total=100)
    refused_as(refused, "code-forged", "確認できません")
    assert await points.pool.fetchval("SELECT count(*) FROM qr_uses") == 0


async def test_of_another_member_than_the_one_on_the_screen(points: Points, member: Any) -> None:
    stranger = await joined(points, "U" + "9" * 32)
    served = {"qr": code(stranger), "id": str(member["id"])}
    for path, body in (("purchases", {"total": 100}), ("redemptions", {"points": 1})):
        refused = await post(points, path, member=served, **body)
        refused_as(refused, "code-another-member", "いま開いている会員のものではありません")
    assert await points.balance(member["id"]) == await points.balance(stranger["id"]) == 50
    own = await post(points, "redemptions", member={"qr": served["qr"]}, points=1)
    assert own.status_code == 201, "a refused act spends nothing"


async def test_scanned_while_the_network_was_away(points: Points, member: Any) -> None:
    """Judged at the moment of the scan, which the code itself proves; a code is spent once."""
    token = code(member)
    scanned = clock.now() + timedelta(seconds=10)
    body = {"member": {"qr": token}, "total": 1000, "at": scanned.isoformat()}
    try:
        clock.set_offset(timedelta(hours=3))
        refused_as(await post(points, "purchases", **body), "code-expired", "有効時間")
        wrong = (scanned + timedelta(minutes=5)).isoformat()
        refused_as(
            await post(points, "purchases", **body, scanned_at=wrong), "code-expired", "有効時間"
        )
        right = await post(points, "purchases", **body, scanned_at=scanned.isoformat())
        assert right.status_code in (201, 202), right.text
        again = await post(points, "purchases", **body, scanned_at=scanned.isoformat())
        refused_as(again, "code-used", "一度使われています")
        clock.set_offset(timedelta(hours=25))
        late = await post(points, "purchases", **body, scanned_at=scanned.isoformat())
        assert (late.status_code, kind(late)) == (422, "too-old")
    finally:
        clock.set_offset(timedelta(0))


async def test_what_is_typed_or_read_by_a_wedge(points: Points, member: Any) -> None:
    made = await points.client.post(
        "/v1/members",
        json={"phone": "090-1234-5678", "external_id": "A-17"},
        headers=pos("new"),
    )
    phone = made.json()["id"]
    card = member["card"]
    for typed, way, id in (
        (card, "card", str(member["id"])),
        (f" {card[:4]} {card[4:]} ", "card", str(member["id"])),
        ("０９０−１２３４−５６７８", "phone", phone),
        ("A-17", "external_id", phone),
    ):
        panel = await post(points, "scans", code=typed)
        assert panel.status_code == 200, (typed, panel.text)
        assert (panel.json()["named_by"], panel.json()["member"]["id"]) == (way, id)
    wrong = card[:12] + str((int(card[12]) + 1) % 10)
    misread = await post(points, "scans", code=wrong)
    assert (misread.status_code, kind(misread)) == (422, "misread")
    assert (await post(points, "scans", code="4901234567894")).status_code == 404


async def test_the_panel_says_what_may_be_used_and_what_to_mind(
    points: Points, member: Any
) -> None:
    panel = (await post(points, "scans", code=member["card"])).json()
    assert panel["usable"] == {
        "points": 50,
        "worth": 50,
        "minimum": 1,
        "unit": 1,
        "maximum_percent": 100,
        "value": {"points": 1, "amount": 1},
    }
    assert panel["warnings"] == [] and panel["gifts"] == {"rules": [], "maximum": 0}
    made = await bought(points, member, 1000)
    await post(points, "redemptions", member={"card": member["card"]}, points=60)
    await post(points, "refunds", purchase=made["purchase"])
    panel = (await post(points, "scans", code=member["card"])).json()
    assert [each["kind"] for each in panel["warnings"]] == ["debt"]
    assert panel["usable"]["points"] == 0
    await verified(points)
