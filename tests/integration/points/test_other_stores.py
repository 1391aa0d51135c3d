"""What belongs to a store is not seen from another one, by any way that names it by its id."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.web import roles
from tests.integration.points.desk import another_till, bought, joined, keyed, post
from tests.integration.points.shop import Points, owner
from tests.staff import signed_in

OPENAPI = Path("services/points/web/openapi.json")
OF_A_STORE = {
    "/v1/purchases/{purchase_id}": "other-store",
    "/v1/redemptions/{redemption_id}": "other-store",
    "/v1/counter/acts/{act_id}": "unknown-act",
    "/v1/counter/acts/{refund_id}": "unknown-act",
    "/v1/stores/{code}/visit-code": "other-store",
    "/v1/stores/{code}/printed-codes": "other-store",
    "/v1/stores/{code}/printed-codes/{id}/qr.png": "other-store",
    "/v1/stores/{code}/printed-codes/{id}/qr.svg": "other-store",
    "/console/members/{member_id}/refund/{purchase_id}": "other-store",
}
"""With the word of the refusal."""

OF_THE_SHOP = (
    "/v1/members/", "/v1/counter/members/", "/v1/program/", "/v1/segments/", "/v1/routes/",
    "/v1/webhooks/", "/v1/messages/", "/v1/schedules/",
)  # fmt: skip
"""Members go to any store, and rules, routes and messages are everybody's."""


@pytest.fixture
async def there(points: Points) -> dict[str, str]:
    """Names of what there is at the main store."""
    await another_till(points, "second")
    member = await joined(points)
    act = await bought(points, member, 1000)
    body = {"member": {"card": member["card"]}, "store": "main", "points": 10}
    held = await points.client.post("/v1/redemptions", json=body, headers=keyed(owner()))
    assert held.status_code == 201, held.text
    printed = await points.client.post(
        "/v1/stores/main/printed-codes", json={"label": "入口"}, headers=keyed(owner())
    )
    assert printed.status_code == 201, printed.text
    refunded = await post(points, "refunds", purchase=act["purchase"], amount=100)
    assert refunded.status_code == 201, refunded.text
    return {
        "member_id": str(member["id"]),
        "purchase_id": act["purchase"],
        "redemption_id": held.json()["id"],
        "act_id": act["id"],
        "refund_id": refunded.json()["id"],
        "code": "main",
        "id": printed.json()["id"],
    }


async def test_nothing_of_a_store_is_seen_from_another(
    points: Points, there: dict[str, str]
) -> None:
    for template, word in OF_A_STORE.items():
        path = template.format(**there)
        for role, stores in (("staff", None), ("manager", ["second"]), ("viewer", ["second"])):
            if not _reaches(role, template):
                continue
            away = signed_in(role, stores, "second" if role == "staff" else None)
            answer = await points.client.get(path, **away)
            assert answer.status_code in (403, 404), (role, template, answer.text)
            assert answer.json()["type"].endswith(f":{word}"), (role, template, answer.text)
            here = signed_in(role, ["main"], "main" if role == "staff" else None)
            answer = await points.client.get(path, **here)
            assert answer.status_code == 200, (role, template, answer.text)
        answer = await points.client.get(path, **signed_in("manager"))
        assert answer.status_code == 200, (template, answer.text)


def test_every_address_of_one_thing_is_a_store_s_or_the_shop_s() -> None:
    """A new one that people limited to stores reach must say whose it is, above."""
    paths: dict[str, Any] = json.loads(OPENAPI.read_text())["paths"]
    limited = [
        path
        for path, operations in paths.items()
        if "{" in path and "get" in operations
        and any(roles.refusal(role, True, "GET", path) is None for role in ("staff", "manager"))
    ]  # fmt: skip
    assert "/v1/purchases/{purchase_id}" in limited
    untold = [
        path for path in limited if path not in OF_A_STORE and not path.startswith(OF_THE_SHOP)
    ]
    assert untold == []


def _reaches(role: str, template: str) -> bool:
    if template.startswith("/console"):
        return role == "manager"
    return roles.refusal(role, True, "GET", template) is None
