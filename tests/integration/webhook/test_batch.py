"""`POST /v1/purchases/batch` over HTTP: each judged alone, the good ones kept."""

import json
from typing import Any

PATH = "/v1/purchases/batch"


def with_key(purchase: dict[str, Any], key: Any) -> dict[str, Any]:
    return {**purchase, "idempotency_key": key}


async def post(edge, body: Any, **headers: str) -> Any:
    return await edge.post(body, path=PATH, key=None, headers=headers)


async def test_the_good_ones_are_kept_and_each_has_its_result(edge) -> None:
    good = edge.purchase()
    answer = await post(
        edge,
        [
            with_key(good, "a"),
            with_key({**good, "total": -5, "tax": 0}, "b"),
            good,
            with_key(good, "c"),
            with_key({**good, "store": "nowhere"}, "d"),
            "purchase",
            with_key(good, ""),
        ],
    )
    assert answer.status == 200
    assert answer.json["next"] is None
    items = answer.json["items"]
    assert [item["index"] for item in items] == list(range(7))
    statuses = [item["status"] for item in items]
    assert statuses == ["accepted", "rejected", "rejected", "accepted", *["rejected"] * 3]
    assert [item["problem"]["status"] for item in items if "problem" in item] == [
        *(422, 422, 422, 422, 400)
    ]
    assert items[1]["problem"]["errors"][0]["path"] == "total"
    assert items[2]["problem"]["errors"][0]["message"].endswith("`idempotency_key`")
    assert items[4]["problem"]["errors"][0]["path"] == "store"
    events = await edge.publishes(2)
    assert [str(event.id) for event in events] == [items[0]["id"], items[3]["id"]]


async def test_a_key_names_the_same_purchase_alone_and_in_a_batch(edge) -> None:
    single = await edge.post(edge.purchase(), key="same")
    batch = await post(edge, [with_key(edge.purchase(), "same")])
    assert batch.json["items"] == [{"index": 0, "status": "accepted", "id": single.json["id"]}]
    one, two = await edge.publishes(2)
    assert one.data.body_hash == two.data.body_hash


async def test_a_key_with_two_bodies_is_a_conflict_within_a_batch_and_across(edge) -> None:
    first, other = edge.purchase(), edge.purchase(total=7, tax=0)
    answer = await post(edge, [with_key(first, "k"), with_key(other, "k"), with_key(first, "k")])
    items = answer.json["items"]
    assert [item["status"] for item in items] == ["accepted", "rejected", "accepted"]
    assert items[1]["problem"]["status"] == 409
    [again] = (await post(edge, [with_key(other, "k")])).json["items"]
    assert (again["status"], again["problem"]["status"]) == ("rejected", 409)
    await post(edge, [with_key(first, "last")])
    assert [event.data.key for event in await edge.publishes(3)] == ["k", "k", "last"]


async def test_lines_are_taken_and_one_that_is_no_json_is_rejected_alone(edge) -> None:
    line = json.dumps(with_key(edge.purchase(), "n1"))
    last = json.dumps(with_key(edge.purchase(), "n2"))
    body = f"{line}\r\n\n{{broken\n  \n\udcff\n{last}".encode(errors="surrogateescape")
    answer = await post(edge, body, **{"content-type": "application/x-ndjson"})
    items = answer.json["items"]
    assert [item["status"] for item in items] == ["accepted", "rejected", "rejected", "accepted"]
    assert [item["problem"]["status"] for item in items[1:3]] == [400, 400]


async def test_results_come_as_lines_when_asked_for(edge) -> None:
    body = json.dumps(with_key(edge.purchase(), "n1")).encode()
    headers = {"content-type": "application/x-ndjson", "accept": "application/x-ndjson"}
    answer = await post(edge, body + b"\n" + body, **headers)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["index"] for line in answer.body.splitlines()] == [0, 1]


async def test_a_thousand_go_in_few_messages_and_in_order(edge) -> None:
    batch = [with_key(edge.purchase(total=n, tax=0), str(n)) for n in range(1000)]
    answer = await post(edge, batch)
    assert {item["status"] for item in answer.json["items"]} == {"accepted"}
    events = await edge.publishes(1000)
    assert [event.data.purchase.total for event in events] == list(range(1000))
    assert len(edge.messages) == 5


async def test_an_empty_batch_is_no_fault(edge) -> None:
    assert (await post(edge, [])).json == {"items": [], "next": None}


async def test_a_batch_that_cannot_be_read_is_refused_whole(edge) -> None:
    good = with_key(edge.purchase(), "x")
    wrong = []
    for name, body, headers, status, says in [
        ("an object", good, {}, 422, "array"),
        ("a string", "x", {}, 422, "array"),
        ("null", None, {}, 422, "array"),
        ("nothing", b"", {}, 400, "not JSON"),
        ("truncated", json.dumps([good]).encode()[:-1], {}, 400, "not JSON"),
        ("deep", b"[" * 100_000 + b"]" * 100_000, {}, 400, "too deep"),
        ("1001", [good] * 1001, {}, 422, "1000"),
        ("large", b" " * 8_400_000, {}, 413, "8388608"),
        ("csv", [good], {"content-type": "text/csv"}, 415, "application/x-ndjson"),
        ("nobody", [good], {"authorization": "Bearer nobody"}, 401, "not known"),
        ("a reader", [good], {"authorization": "Bearer reader"}, 403, "only read"),
    ]:
        answer = await post(edge, body, **headers)
        if answer.status != status or says not in answer.body.decode():
            wrong.append((name, answer.status, answer.body))
    assert wrong == []
    assert edge.published == []


async def test_hostile_purchases_are_rejected_one_by_one(edge) -> None:
    bad: list[Any] = [
        *(None, 5, "x", [], {}, [[]], True, 1e300),
        with_key(edge.purchase(), None),
        with_key(edge.purchase(), 5),
        with_key(edge.purchase(), "x" * 256),
        with_key(edge.purchase(), "a\u0000"),
        with_key(edge.purchase(member={}), "a"),
        with_key(edge.purchase(member={"line_user_id": "U1"}), "a"),
        with_key(edge.purchase(total=10**400), "a"),
        with_key(edge.purchase(total="1"), "a"),
        with_key(edge.purchase(tax=5000), "a"),
        with_key(edge.purchase(occurred_at="now"), "a"),
        with_key(edge.purchase(occurred_at="2999-01-01T00:00:00Z"), "a"),
        with_key(edge.purchase(lines=[{"amount": 5}]), "a"),
        with_key(edge.purchase(receipt="\u0000"), "a"),
        with_key(edge.purchase(store="closed"), "a"),
    ]
    answer = await post(edge, [*bad, with_key(edge.purchase(), "good")])
    assert answer.status == 200
    *rejected, good = answer.json["items"]
    assert {item["status"] for item in rejected} == {"rejected"}
    assert {item["problem"]["status"] for item in rejected} == {400, 403, 422}
    assert good["status"] == "accepted"
    assert len(await edge.publishes(1)) == 1
