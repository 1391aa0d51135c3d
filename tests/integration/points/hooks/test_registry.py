"""`/v1/webhooks`: secrets shown once, refusals that say why, the log by pages, what is pruned."""

from datetime import timedelta
from typing import Any

import pytest

from services.points.hooks import registry, targets
from services.points.hooks.client import HookClient
from services.points.nights import retention
from services.points.store import hook_deliveries
from shared import clock, ids, pruning
from tests.integration.points.hooks.conftest import Receiver, Telling
from tests.integration.points.shop import POS_KEY, owner

GOOD = {"url": "https://example.jp/hooks", "events": ["points.*"]}


async def _ask(telling: Telling, method: str, path: str = "", body: Any = None) -> Any:
    headers = owner(ids.new_id().hex)
    return await telling.points.client.request(
        method, f"/v1/webhooks{path}", json=body, headers=headers
    )


async def test_the_secret_is_shown_once(telling: Telling) -> None:
    key = ids.new_id().hex
    made = await telling.call("POST", "", GOOD, **{"Idempotency-Key": key})
    assert made["secret"].startswith("whsec_")
    assert (made["status"], made["events"], made["reason"]) == ("active", ["points.*"], None)
    repeated = await telling.call("POST", "", GOOD, **{"Idempotency-Key": key})
    assert (repeated["id"], repeated["secret"]) == (made["id"], None)
    one = await telling.call("GET", f"/{made['id']}")
    assert "secret" not in one
    items = (await telling.call("GET", ""))["items"]
    assert [each["id"] for each in items] == [made["id"]]
    rotated = await telling.call("POST", f"/{made['id']}/rotate-secret", **{"Idempotency-Key": "r"})
    assert rotated["secret"] not in (None, made["secret"])
    assert rotated["old_secret_until"]
    again = await telling.call("POST", f"/{made['id']}/rotate-secret", **{"Idempotency-Key": "r"})
    assert again["secret"] is None
    row = await telling.points.pool.fetchrow("SELECT * FROM hook_endpoints")
    assert row["secret_generation"] == 2, "the repeat changed nothing"
    assert "whsec" not in str(dict(row))


async def test_only_the_owner_may(telling: Telling) -> None:
    headers = {"Authorization": f"Bearer {POS_KEY}", "Idempotency-Key": "k"}
    answer = await telling.points.client.post("/v1/webhooks", json=GOOD, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({**GOOD, "url": "http://example.jp/"}, "url"),
        ({**GOOD, "url": "https://169.254.169.254/"}, "url"),
        ({**GOOD, "url": "https://a:b@example.jp/"}, "url"),
        ({**GOOD, "events": ["purchase.submitted.v1"]}, "events.0"),
        ({**GOOD, "events": ["points.*", "nothing"]}, "events.1"),
        ({**GOOD, "events": []}, "events"),
        ({**GOOD, "color": "red"}, "color"),
        ({"events": ["*"]}, "url"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    telling: Telling, body: dict[str, Any], path: str
) -> None:
    answer = await _ask(telling, "POST", "", body)
    assert answer.status_code == 422
    assert [each["path"] for each in answer.json()["errors"]] == [path]


async def test_changes_are_checked_too_and_what_is_left_out_stays(telling: Telling) -> None:
    made = await telling.call("POST", "", {**GOOD, "description": "CRM"})
    path = f"/{made['id']}"
    assert (await _ask(telling, "PATCH", path, {"url": "ftp://a.jp/"})).status_code == 422
    assert (await _ask(telling, "PATCH", path, {"events": ["x"]})).status_code == 422
    changed = await telling.call("PATCH", path, {"events": ["member.*"]})
    assert (changed["events"], changed["url"], changed["description"]) == (
        ["member.*"],
        GOOD["url"],
        "CRM",
    )
    nothing = {"url": None, "events": None, "active": None, "include_line_user_id": None}
    assert (await telling.call("PATCH", path, nothing))["url"] == GOOD["url"]
    assert (await telling.call("PATCH", path, {"description": None}))["description"] is None
    stopped = await telling.call("PATCH", path, {"active": False})
    assert stopped["status"] == "off"
    assert "オーナー" in stopped["reason"]["ja"]
    for act in ("/test", "/replay"):
        period = {"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}
        answer = await _ask(telling, "POST", path + act, period if act == "/replay" else None)
        assert answer.status_code == 422
        assert "active: true" in answer.json()["detail"]


async def test_what_is_not_there_is_404(telling: Telling) -> None:
    made = await telling.call("POST", "", GOOD)
    nowhere = str(ids.new_id())
    for method, path in (
        ("GET", f"/{nowhere}"),
        ("GET", "/nonsense"),
        ("DELETE", f"/{nowhere}"),
        ("POST", f"/{nowhere}/test"),
        ("POST", f"/{nowhere}/rotate-secret"),
        ("GET", f"/{nowhere}/deliveries"),
        ("POST", f"/{made['id']}/deliveries/{nowhere}/replay"),
        ("POST", f"/{made['id']}/deliveries/nonsense/replay"),
    ):
        assert (await _ask(telling, method, path)).status_code == 404, path
    answer = await _ask(telling, "PATCH", f"/{nowhere}", {"active": True})
    assert answer.status_code == 404


async def test_a_period_needs_a_beginning_before_its_end(telling: Telling) -> None:
    made = await telling.call("POST", "", GOOD)
    for since, until in (
        ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-02-01T00:00:00", "2026-03-01T00:00:00"),
        ("0001-01-01T00:00:00+14:00", "2026-03-01T00:00:00Z"),
        ("2026-02-01T00:00:00Z", "9999-12-31T23:59:59-14:00"),
    ):
        body = {"from": since, "until": until}
        answer = await _ask(telling, "POST", f"/{made['id']}/replay", body)
        assert answer.status_code == 422


async def test_there_is_a_most_of_everything(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "MOST_ENDPOINTS", 1)
    monkeypatch.setattr(registry, "MOST_REPLAYED", 0)
    made = await telling.call("POST", "", {**GOOD, "events": ["*"]})
    answer = await _ask(telling, "POST", "", GOOD)
    assert answer.status_code == 422
    await _stored(telling, made["id"], 1)
    now = clock.now()
    body = {"from": (now - timedelta(days=1)).isoformat(), "until": now.isoformat()}
    answer = await _ask(telling, "POST", f"/{made['id']}/replay", body)
    assert answer.status_code == 422
    assert "shorter period" in answer.json()["detail"]


async def _stored(telling: Telling, webhook: str, count: int) -> list[Any]:
    """Messages of the last hour, with a delivery each."""
    pool = telling.points.pool
    found = [ids.new_id() for _ in range(count)]
    at = clock.now() - timedelta(hours=1)
    for id in found:
        await pool.execute(
            "INSERT INTO hook_messages VALUES ($1, 'points.earned.v1', $2, $1, 'U1', '{}')", id, at
        )
        await pool.execute(
            """INSERT INTO hook_deliveries
                (endpoint_id, message_id, status, tries, due_at, log, created_at)
            VALUES ($1, $2, 'waiting', 0, $3, '[]', $3)""",
            webhook,
            id,
            at,
        )
    return found


async def test_the_log_comes_page_by_page_newest_first(telling: Telling) -> None:
    made = await telling.call("POST", "", GOOD)
    found = await _stored(telling, made["id"], 5)
    seen: list[str] = []
    query = "?limit=2"
    while True:
        page = await telling.call("GET", f"/{made['id']}/deliveries{query}")
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        query = f"?limit=2&cursor={page['next']}"
    assert seen == [str(id) for id in reversed(found)]
    assert await telling.log(made["id"], "?status=failed") == []


async def test_after_30_days_messages_and_log_are_gone(telling: Telling) -> None:
    made = await telling.call("POST", "", GOOD)
    await _stored(telling, made["id"], 3)
    rules = [each for each in retention.RULES if each.what == "hook_messages"]
    pool = telling.points.pool
    assert await pruning.prune(pool, rules, clock.now() + timedelta(days=29)) == {}
    assert await pruning.prune(pool, rules, clock.now() + timedelta(days=30)) == {
        "hook_messages": 3
    }
    assert await telling.log(made["id"]) == []
    assert await pool.fetchval("SELECT count(*) FROM hook_deliveries") == 0


async def test_an_erased_members_line_user_is_taken_out_of_what_is_kept(telling: Telling) -> None:
    made = await telling.call("POST", "", GOOD)
    gone, stays = await _stored(telling, made["id"], 2)
    async with telling.points.pool.acquire() as connection:
        await hook_deliveries.forget(connection, [gone])
    rows = await telling.points.pool.fetch("SELECT id, line_user_id FROM hook_messages")
    assert {row["id"]: row["line_user_id"] for row in rows} == {gone: None, stays: "U1"}


class Liar:
    """A resolver that says that every name is this machine: as after a rebinding."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        return [
            {
                "hostname": host,
                "host": self._address,
                "port": port,
                "family": 10 if ":" in self._address else 2,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
async def test_a_name_that_leads_inside_is_not_connected_to(
    receiver: Receiver, address: str
) -> None:
    port = receiver.url.split(":")[2].split("/")[0]
    async with HookClient(allow_private=False, resolver=Liar(address)) as client:  # type: ignore[arg-type]
        answer = await client.post(f"https://example.jp:{port}/hooks", b"{}", {})
    assert answer.status is None
    assert address in (answer.problem or "")
    assert receiver.calls == []


async def test_an_address_in_the_url_is_judged_when_connecting_too(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "refused_url", lambda *_, **__: None)
    body, headers = b'{"id":"i","type":"t"}', {"webhook-id": "i", "webhook-signature": "none"}
    headers["webhook-timestamp"] = "0"
    async with HookClient(allow_private=False) as client:
        answer = await client.post(receiver.url, body, headers)
    assert "127.0.0.1" in (answer.problem or "")
    assert receiver.calls == []
    async with HookClient(allow_private=True) as client:
        answer = await client.post(receiver.url, body, headers)
    assert (answer.status, len(receiver.calls)) == (200, 1)
