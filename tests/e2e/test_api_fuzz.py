"""Everything that the API's document describes, called with whatever fits it and what does not:
never a 500, never an answer that the document does not know."""

import os
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deploy import openapi
from deploy.local.stack import Stack
from shared import ids

AT = "2026-01-15T03:00:00Z"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(openapi.document())
OPERATIONS = {each.ok().label: each.ok() for each in SCHEMA.get_all_operations()}


@pytest.fixture(scope="module")
def edge(stack: Stack) -> Iterator[str]:
    """The edge; the rules are put back at the end, for whoever comes after."""
    url, key = stack.env["EDGE_URL"], stack.env["OWNER_API_KEY"]
    headers = {"Authorization": f"Bearer {key}"}
    before = httpx.get(f"{url}/v1/program", headers=headers).json()
    yield url
    after = httpx.put(f"{url}/v1/program", json=before, headers=headers)
    assert after.is_success, after.text


@pytest.fixture(scope="module")
def there(stack: Stack, edge: str) -> dict[str, str]:
    """Ids of what there is, by the name of the parameter: a member, a redemption, a broadcast."""
    headers = {"Authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}

    def post(path: str, body: dict[str, Any] | None = None) -> Any:
        with_key = {**headers, "Idempotency-Key": ids.new_id().hex}
        answer = httpx.post(f"{edge}{path}", json=body, headers=with_key)
        assert answer.is_success, answer.text
        return answer.json()

    member = post("/v1/members", {"external_id": "fuzzed"})["id"]
    post(f"/v1/members/{member}/adjustments", {"points": 1000, "reason": "fuzz"})
    spend = {"member": {"id": member}, "store": "main", "points": 10}
    hook = {"url": "https://hooks.example.com/tamaru", "events": ["points.*"]}
    purchase = {"member": {"id": member}, "store": "main", "total": 1000, "occurred_at": AT}
    link = {"name": "Shop", "address": "https://shop.example.com/"}
    said = {"messages": {"ja": [{"type": "text", "text": "セール"}]}}
    broadcast = post("/v1/messages/broadcasts", {"name": "fuzz", "content": said})["id"]
    post(f"/v1/messages/broadcasts/{broadcast}/count")
    poster = {"name": "Poster", "kind": "poster"}
    assert httpx.put(f"{edge}/v1/routes/everybody", json=poster, headers=headers).is_success
    return {
        "member_id": member,
        "redemption_id": post("/v1/redemptions", spend)["id"],
        "purchase_id": post("/v1/purchases", purchase)["id"],
        "webhook_id": post("/v1/webhooks", hook)["id"],
        "broadcast_id": broadcast,
        "delivery_id": _a_delivery(stack, headers),
        "link_id": post("/v1/messages/links", link)["id"],
        "code": "everybody",  # a segment and a route
        "kind": "earned",
        "language": "ja",
        "version": "1",
    }


def _a_delivery(stack: Stack, headers: dict[str, str]) -> str:
    """The id of a message to somebody who follows the account now."""
    follower = {"name": "ふぁず", "count": 1, "follow": True}
    httpx.post(f"{stack.env['SANDBOX_URL']}/sandbox/users/bulk", json=follower).raise_for_status()
    url = f"{stack.env['EDGE_URL']}/v1/messages/deliveries"
    deadline = time.monotonic() + 30
    while not (found := httpx.get(url, headers=headers).json()["items"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return str(found[0]["id"])


@pytest.mark.parametrize("label", sorted(OPERATIONS, key=lambda each: ("DELETE" in each, each)))
def test_no_500_and_nothing_undocumented(
    stack: Stack, edge: str, there: dict[str, str], label: str
) -> None:
    operation = OPERATIONS[label]
    headers = {"Authorization": f"Bearer {stack.env['OWNER_API_KEY']}"}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        real=st.booleans(),
    )
    def called(case: Any, real: bool) -> None:
        if real:
            _name_what_is_there(case, there | {"name": _name_in(label)})
        case.call_and_validate(base_url=edge, headers=headers, checks=CHECKS, timeout=20)

    called()


def _name_in(label: str) -> str:
    """What a `name` is of: a schedule or a rich menu."""
    return "nightly" if "/v1/schedules" in label else "member-ja"


def _name_what_is_there(case: Any, there: dict[str, str]) -> None:
    """Put real ids where made up ones stand."""
    for name in there.keys() & (case.path_parameters or {}).keys():
        case.path_parameters[name] = there[name]
    if isinstance(case.body, dict) and "member" in case.body:
        case.body["member"] = {"id": there["member_id"]}
    if isinstance(case.body, dict) and "store" in case.body:
        case.body["store"] = "main"
