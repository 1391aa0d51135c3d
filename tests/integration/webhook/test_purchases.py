"""`POST /v1/purchases` over HTTP: accepted, repeated, refused, waited for."""

import asyncio
import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, purchase_id
from shared.events import PointsOfPurchase, PurchaseAnswer

JSON = {"content-type": "application/json"}


async def test_a_purchase_is_published_before_it_is_answered(edge) -> None:
    answer = await edge.post(edge.purchase(), key="receipt 1")
    assert answer.status == 202
    assert answer.json["status"] == "accepted"
    assert answer.headers["location"] == f"/v1/purchases/{answer.json['id']}"
    [event] = await edge.publishes(1)
    assert str(event.id) == answer.json["id"]
    assert event.data.purchase.total == 1000
    assert event.data.key == "receipt 1"
    assert event.data.reply_to is None
    assert purchase_id.is_genuine(b"a key of sixteen letters or more", event.id)


async def test_a_repeat_gets_the_same_answer_and_is_published_again(edge) -> None:
    first = await edge.post(edge.purchase(), key="k")
    body = b"  " + repr(edge.purchase()).replace("'", '"').encode()
    second = await edge.post(body, key="k")
    assert (first.status, first.json) == (second.status, second.json)
    one, two = await edge.publishes(2)
    assert (one.id, one.data.body_hash) == (two.id, two.data.body_hash)


async def test_the_same_key_with_another_body_is_a_conflict(edge) -> None:
    await edge.post(edge.purchase(), key="k2")
    answer = await edge.post(edge.purchase(total=1001), key="k2")
    assert answer.status == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "another body" in answer.json["detail"]
    assert len(edge.published) == 1


async def test_keys_are_scoped_to_the_api_key(edge) -> None:
    one = await edge.post(edge.purchase(), key="k3", secret="till")
    other = await edge.post(edge.purchase(total=5, tax=0), key="k3", secret="owner")
    assert one.status == other.status == 202
    assert one.json["id"] != other.json["id"]


async def test_many_at_once_share_messages(edge) -> None:
    answers = await asyncio.gather(*(edge.post(edge.purchase()) for _ in range(100)))
    assert {answer.status for answer in answers} == {202}
    events = await edge.publishes(100)
    assert {str(event.id) for event in events} == {answer.json["id"] for answer in answers}
    assert len(edge.messages) < 60


LINES = [{"amount": 1000}]
HOSTILE: list[tuple[str, Any, dict[str, str], int, str]] = [
    ("no body", b"", {}, 400, "not JSON"),
    ("truncated", b'{"store":"main"', {}, 400, "not JSON"),
    ("html", b"<purchase/>", {}, 400, "not JSON"),
    ("NaN", b'{"total":NaN}', {}, 400, "not JSON"),
    ("not UTF-8", b'{"store":"\xff"}', {}, 400, "UTF-8|JSON"),
    ("half a surrogate pair", b'{"store":"\\ud800"}', {}, 400, "not JSON"),
    ("too deep", b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, 400, "too deep"),
    ("two documents", b"{}{}", {}, 400, "not JSON"),
    ("an array", [], {}, 422, "errors"),
    ("a string", "main", {}, 422, "errors"),
    ("null", None, {}, 422, "errors"),
    ("nothing in it", {}, {}, 422, "store"),
    ("a huge number", {"total": 10**400}, {}, 422, "total"),
    ("an infinite number", b'{"total":1e999}', {}, 422, "total"),
    ("a string for money", {"total": "1000"}, {}, 422, "total"),
    ("a fraction of a yen", {"total": 1000.5}, {}, 422, "total"),
    ("less than nothing", {"total": -1, "tax": 0}, {}, 422, "total"),
    ("tax above total", {"tax": 2000}, {}, 422, "tax"),
    ("no member", {"member": {}}, {}, 422, "member"),
    ("two members", {"member": {"card": "1", "phone": "2"}}, {}, 422, "exactly one"),
    ("a NUL", {"member": {"card": "\u0000"}}, {}, 422, "control"),
    ("no offset", {"occurred_at": "2026-01-02T12:00:00"}, {}, 422, "offset"),
    ("next year", {"occurred_at": "2999-01-01T00:00:00Z"}, {}, 422, "future"),
    ("no such store", {"store": "nowhere"}, {}, 422, "store"),
    ("a closed store", {"store": "closed"}, {}, 422, "store"),
    ("SQL", {"store": "main'; DROP TABLE spool; --"}, {}, 422, "store"),
    ("lines that do not sum", {"lines": [{"amount": 5}]}, {}, 422, "sum to 5"),
    ("no such line", {"lines": LINES, "discounts": [{"amount": 1, "lines": [1]}]}, {}, 422, "ind"),
    ("501 lines", {"lines": LINES * 501}, {}, 422, "500"),
    ("overpaid", {"payments": [{"method": "cash", "amount": 1001}]}, {}, 422, "1001"),
    ("a long text", {"receipt": "r" * 201}, {}, 422, "200"),
    ("too large", {"receipt": "r" * 300_000}, {}, 413, "262144"),
    ("no key", {}, {"authorization": ""}, 401, "Authorization: Bearer"),
    ("another scheme", {}, {"authorization": "Basic dGlsbA=="}, 401, "Bearer"),
    ("an empty key", {}, {"authorization": "Bearer  "}, 401, "Bearer"),
    ("an unknown key", {}, {"authorization": "Bearer nobody"}, 401, "not known"),
    ("a hostile key", {}, {"authorization": "Bearer \xff\xfe'--"}, 401, "not known"),
    ("a revoked key", {}, {"authorization": "Bearer revoked"}, 401, "revoked"),
    ("a key that reads", {}, {"authorization": "Bearer reader"}, 403, "only read"),
    ("no idempotency key", {}, {"idempotency-key": ""}, 400, "Idempotency-Key"),
    ("a long one", {}, {"idempotency-key": "x" * 256}, 400, "255"),
    ("an unprintable one", {}, {"idempotency-key": "a\tb"}, 400, "printable"),
    ("a form", {}, {"content-type": "application/x-www-form-urlencoded"}, 415, "application/json"),
    ("another charset", {}, {"content-type": "application/json; charset=utf-16"}, 415, "UTF-8"),
    ("compressed", {}, {"content-encoding": "br"}, 415, "uncompressed"),
]


async def test_hostile_input_gets_the_right_answer_with_a_useful_text(edge) -> None:
    wrong = []
    for name, change, headers, status, says in HOSTILE:
        body = edge.purchase(**change) if isinstance(change, dict) and change else change
        answer = await edge.post(edge.purchase() if headers else body, headers=headers)
        try:
            assert answer.status == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert re.search(says, answer.body.decode()), f"does not say {says}"
            assert answer.json["status"] == status
            assert answer.json["type"].startswith("urn:tamaru:problem:")
            if status == 422:
                assert all(each["path"] and each["message"] for each in answer.json["errors"])
        except AssertionError as problem:
            wrong.append((name, answer.status, answer.body, str(problem)))
    assert wrong == []
    assert (await edge.post(edge.purchase())).status == 202
    assert len(await edge.publishes(1)) == 1
    assert await edge.spooled() == 0


async def test_a_body_that_never_ends_is_refused_while_it_comes(edge) -> None:
    host, port = edge.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        "POST /v1/purchases HTTP/1.1\r\nhost: x\r\nauthorization: Bearer till\r\n"
        "idempotency-key: e\r\ncontent-type: application/json\r\n"
        "transfer-encoding: chunked\r\n\r\n"
    )
    writer.write(head.encode())
    for _ in range(30):
        writer.write(b"2710\r\n" + b" " * 10_000 + b"\r\n")
    await writer.drain()
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


async def test_a_till_bound_to_a_store_posts_only_for_it(edge) -> None:
    assert (await edge.post(edge.purchase(), secret="main-till")).status == 202
    refused = await edge.post(edge.purchase(store="second"), secret="main-till")
    assert (refused.status, "'main'" in refused.json["detail"]) == (403, True)
    assert (await edge.post(edge.purchase(store="second"), secret="owner")).status == 202


async def test_only_an_owner_names_members_by_line_user_id(edge) -> None:
    purchase = edge.purchase(member={"line_user_id": "U1"})
    assert (await edge.post(purchase)).status == 403
    assert (await edge.post(purchase, secret="owner")).status == 202


async def test_a_key_works_and_ends_as_points_says(edge, told) -> None:
    assert (await edge.post(edge.purchase(), secret="new")).status == 401
    await told.tell(edge, told.terminal("new"))

    async def status_is(status: int) -> bool:
        return (await edge.post(edge.purchase(), secret="new")).status == status

    await told.until(lambda: status_is(202))
    await told.tell(edge, told.terminal("new", 3, active=False), told.terminal("new", 2))
    await told.until(lambda: status_is(401))


async def test_what_another_replica_learnt_works_at_its_first_use(edge) -> None:
    await edge.pool.execute("INSERT INTO stores VALUES (gen_random_uuid(), 'kiosk', true, 1)")
    await edge.pool.execute("UPDATE projection SET version = version + 1")
    assert (await edge.post(edge.purchase(store="kiosk"))).status == 202
    key_hash = hashlib.sha256(b"fresh").hexdigest()
    await edge.pool.execute(
        "INSERT INTO api_keys VALUES (gen_random_uuid(), $1, 'pos', NULL, true, 1)", key_hash
    )
    await edge.pool.execute("UPDATE projection SET version = version + 1")
    assert (await edge.post(edge.purchase(), secret="fresh")).status == 202


async def test_a_replaced_key_is_good_until_its_moment(edge, told) -> None:
    old, new = "replaced", "till"
    hashed = hashlib.sha256(old.encode()).hexdigest()
    for revision, offset, status in ((5, 60, 202), (6, -1, 401)):
        until = clock.now() + timedelta(seconds=offset)
        await told.tell(edge, told.terminal(new, revision, old_key_hash=hashed, old_until=until))

        async def answered(status: int = status) -> bool:
            return (await edge.post(edge.purchase(), secret=old)).status == status

        await told.until(answered)
        assert (await edge.post(edge.purchase(), secret=new)).status == 202


async def test_a_key_revoked_by_way_of_another_replica_ends_within_seconds(edge, told) -> None:
    assert (await edge.post(edge.purchase(), secret="main-till")).status == 202
    await edge.pool.execute("UPDATE api_keys SET active = false WHERE store = 'main'")
    await edge.pool.execute("UPDATE projection SET version = version + 1")

    async def refused() -> bool:
        return (await edge.post(edge.purchase(), secret="main-till")).status == 401

    await told.until(refused, 5)


async def test_a_store_opens_and_closes_as_points_says(edge, told) -> None:
    async def status_is(status: int) -> bool:
        return (await edge.post(edge.purchase(store="pop-up"))).status == status

    await told.tell(edge, told.store_of("pop-up"))
    await told.until(lambda: status_is(202))
    await told.tell(edge, told.store_of("pop-up", 2, active=False))
    await told.until(lambda: status_is(422))


async def waiting_for(edge, told, *answers: Any, seconds: str = "5") -> Any:
    """Post with `Prefer: wait`, let points say `answers`; the HTTP answer."""
    posting = asyncio.create_task(edge.post(edge.purchase(), headers={"prefer": f"wait={seconds}"}))
    [event] = await edge.publishes(1)
    for each in answers:
        await told.answer(edge, event.data.reply_to, PurchaseAnswer(event.id, **each))
    return await posting


async def test_a_till_that_waits_gets_the_points(edge, told) -> None:
    answer = await waiting_for(
        edge,
        told,
        {
            "status": "awarded",
            "points": PointsOfPurchase(10, 110, 0),
            "rank": {"code": "bronze"},
            "explanation": {"ja": "100円ごとに1ポイント"},
        },
    )
    assert answer.status == 201
    assert answer.headers["preference-applied"] == "wait=5"
    assert answer.json == {
        "id": answer.json["id"],
        "status": "awarded",
        "points": {"earned": 10, "balance": 110, "pending": 0},
        "rank": {"code": "bronze"},
        "explanation": {"ja": "100円ごとに1ポイント"},
    }


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        ({"status": "waiting_for_member"}, 202, '"waiting_for_member"'),
        ({"status": "conflict"}, 409, "another body"),
        ({"status": "rejected", "detail": "The store is closed."}, 422, "The store is closed."),
    ],
)
async def test_a_till_that_waits_is_told_what_else_became_of_it(
    edge, told, answer, status, says
) -> None:
    told_ = await waiting_for(edge, told, answer)
    assert told_.status == status
    assert says in told_.body.decode()


async def test_points_that_do_not_come_in_time_are_a_202(edge, told) -> None:
    answer = await waiting_for(edge, told, seconds="1")
    assert (answer.status, answer.json["status"]) == (202, "accepted")
    assert answer.headers["preference-applied"] == "wait=1"


@pytest.mark.parametrize("prefer", ["wait=0", "wait=-1", "wait=soon", "respond-async", ""])
async def test_nonsense_is_no_wait(edge, prefer: str) -> None:
    answer = await edge.post(edge.purchase(), headers={"prefer": prefer})
    assert answer.status == 202
    assert "preference-applied" not in answer.headers
    [event] = await edge.publishes(1)
    assert event.data.reply_to is None


async def test_what_is_not_there_is_a_problem_too(edge) -> None:
    async with edge.http.get(f"{edge.url}/v1/purchases") as response:
        assert response.status == 405
        assert response.content_type == "application/problem+json"
    assert (await edge.post({}, path="/v1/purchase")).status == 404


async def test_it_is_ready_and_documents_itself(edge) -> None:
    async with edge.http.get(f"{edge.url}/readyz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ready", "missing": []})
    async with edge.http.get(f"{edge.url}/openapi.json") as response:
        document = await response.json()
    assert {"/v1/purchases", "/v1/purchases/batch", "/line/webhook"} <= set(document["paths"])
