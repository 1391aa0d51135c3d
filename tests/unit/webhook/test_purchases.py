"""A purchase is checked whole; what is wrong is said where it is."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.webhook import purchases
from shared.problems import Problem

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "store": "main",
    "member": {"card": "2000000000015"},
    "occurred_at": "2026-11-22T12:00:00+09:00",
    "total": 1000,
    "tax": 90,
    "lines": [
        {"sku": "A", "name": "おにぎり", "quantity": 2, "amount": 700, "tax": 60},
        {"sku": "B", "amount": 400, "tax": 30},
    ],
    "payments": [{"method": "cash", "amount": 1000}],
    "discounts": [{"amount": 100}, {"amount": 50, "lines": [1]}],
}


def read(body: Any) -> purchases.Checked:
    return purchases.read(body if isinstance(body, bytes) else json.dumps(body).encode(), NOW)


def refused(body: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        read(body)
    return caught.value


def test_a_good_one_is_taken_as_it_is() -> None:
    purchase = read(GOOD).purchase
    assert (purchase.store, purchase.total, purchase.lines[0].quantity) == ("main", 1000, 2)


def test_the_least_is_enough() -> None:
    least = {name: GOOD[name] for name in ("store", "member", "occurred_at", "total")}
    assert read({**least, "total": 0}).purchase.lines == []


def test_years_ago_is_taken() -> None:
    assert read({**GOOD, "occurred_at": "2019-01-01T00:00:00Z"})


def test_spaces_order_and_unknown_fields_make_no_other_body() -> None:
    other = dict(reversed(GOOD.items())) | {"unknown": [1]}
    assert read(json.dumps(other, indent=4).encode()).digest == read(GOOD).digest
    assert read({**GOOD, "receipt": "2"}).digest != read(GOOD).digest


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"member": {}}, ["member"]),
        ({"member": {"card": "1", "phone": "2"}}, ["member"]),
        ({"member": {"card": ""}}, ["member.card"]),
        ({"member": {"card": "1" * 201}}, ["member.card"]),
        ({"member": {"card": "1\u0000"}}, ["member.card"]),
        ({"store": ""}, ["store"]),
        ({"store": "x" * 201}, ["store"]),
        ({"store": "a\nb"}, ["store"]),
        ({"receipt": "\u007f"}, ["receipt"]),
        ({"terminal": "t" * 201}, ["terminal"]),
        ({"occurred_at": "2026-11-22T12:00:00"}, ["occurred_at"]),
        ({"occurred_at": "2026-11-23T03:00:01Z"}, ["occurred_at"]),
        ({"occurred_at": "9999-12-31T23:59:59-23:59"}, ["occurred_at"]),
        ({"tax": -1}, ["tax"]),
        ({"tax": 1001}, ["tax"]),
        ({"total": -1, "lines": [], "payments": []}, ["total", "tax"]),
        ({"total": 10**12 + 1, "lines": [], "payments": []}, ["total"]),
        ({"total": 10**30, "lines": [], "payments": []}, ["total"]),
        ({"total": 999}, ["lines", "payments"]),
        ({"lines": [{"amount": 1100, "quantity": 0}]}, ["lines[0].quantity"]),
        ({"lines": [{"amount": 1101}, {"amount": -1}], "discounts": [{"amount": 100}]},
         ["lines[1].amount"]),
        ({"lines": [{"amount": 1100, "tax": -1}], "discounts": [{"amount": 100}]},
         ["lines[0].tax"]),
        ({"lines": [{"amount": 1100, "name": "n" * 201}], "discounts": [{"amount": 100}]},
         ["lines[0].name"]),
        ({"lines": [{"amount": 1100, "sku": "\u001b"}], "discounts": [{"amount": 100}]},
         ["lines[0].sku"]),
        ({"lines": [{"amount": 1}] * 501}, ["lines"]),
        ({"payments": [{"method": "cash", "amount": 600}, {"method": "card", "amount": 401}]},
         ["payments"]),
        ({"payments": [{"method": "", "amount": -1}]},
         ["payments[0].method", "payments[0].amount"]),
        ({"payments": [{"method": "points", "amount": 1, "redemption": "r" * 201}]},
         ["payments[0].redemption"]),
        ({"discounts": [{"amount": 100}, {"amount": 5, "lines": [2]}]}, ["discounts[1].lines"]),
        ({"discounts": [{"amount": 100}, {"amount": 5, "lines": [-1]}]}, ["discounts[1].lines"]),
        ({"discounts": [{"amount": 100}, {"amount": -5, "lines": [0]}]}, ["discounts[1].amount"]),
        ({"discounts": [{"amount": 99}]}, ["lines"]),
    ],
)  # fmt: skip
def test_a_rule_that_is_broken_is_named_with_its_path(
    change: dict[str, Any], paths: list[str]
) -> None:
    problem = refused({**GOOD, **change})
    assert problem.status == 422
    found = [error["path"] for error in problem.body["errors"]]
    assert [path for path in paths if path not in found] == []
    if "lines" not in change or "lines" in paths:
        assert found == paths
    assert all(len(error["message"]) > 10 for error in problem.body["errors"])


def test_all_that_is_wrong_is_said_at_once() -> None:
    bad = {**GOOD, "member": {}, "tax": -1, "store": "", "occurred_at": "2126-01-01T00:00:00Z"}
    found = [error["path"] for error in refused(bad).body["errors"]]
    assert found == ["member", "occurred_at", "tax", "store"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"total": "1000"}, "total"),
        ({"total": 1000.5}, "total"),
        ({"total": 1e3}, "total"),
        ({"total": True}, "total"),
        ({"total": None}, "total"),
        ({"store": 5}, "store"),
        ({"member": "2000000000015"}, "member"),
        ({"member": {"card": 2000000000015}}, "member.card"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": 1700000000}, "occurred_at"),
        ({"occurred_at": "2026-02-30T00:00:00Z"}, "occurred_at"),
        ({"lines": {}}, "lines"),
        ({"lines": [{"sku": "A"}]}, "lines[0]"),
        ({"lines": [1]}, "lines[0]"),
        ({"discounts": [{"amount": 1, "lines": ["0"]}]}, "discounts[0].lines[0]"),
    ],
)
def test_a_wrong_type_is_named_with_its_path(change: dict[str, Any], path: str) -> None:
    problem = refused({**GOOD, **change})
    assert problem.status == 422
    [error] = problem.body["errors"]
    assert error["path"] == path
    assert error["message"]


@pytest.mark.parametrize("body", [[], [GOOD], "text", 5, None])
def test_something_that_is_no_purchase_is_refused(body: Any) -> None:
    problem = refused(body)
    assert problem.status == 422
    assert problem.body["errors"][0]["path"] == "$"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"store=main", "not JSON"),
        (json.dumps(GOOD).encode()[:-1], "not JSON"),
        (json.dumps(GOOD).encode() + b"}", "not JSON"),
        (b'{"total": NaN}', "not JSON"),
        (b'{"total": 01}', "not JSON"),
        (b'{"store": "\xff", "total": 1}', "not (JSON|UTF-8)"),
        (b'{"store": "\\ud800"}', "not JSON"),
        (b'{"total": "x"', "not JSON"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deep"),
        (b'{"member": ' + b'{"card":' * 50_000, "not JSON|too deep"),
        (b"\x1f\x8b\x08\x00", "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not (JSON|UTF-8)"),
    ],
)
def test_what_is_no_json_is_malformed(body: bytes, says: str) -> None:
    with pytest.raises(Problem, match=says) as caught:
        read(body)
    assert caught.value.status == 400


@pytest.mark.parametrize("key", ["a", "x" * 255, "レシート-1", "a b"])
def test_a_good_idempotency_key(key: str) -> None:
    assert purchases.require_key(key, "Idempotency-Key") == key


@pytest.mark.parametrize("key", [None, "", "x" * 256, "a\tb", "\u0000", "a\u200bb"])
def test_a_bad_idempotency_key_is_explained(key: str | None) -> None:
    with pytest.raises(Problem, match="1 to 255 printable") as caught:
        purchases.require_key(key, "Idempotency-Key")
    assert caught.value.status == 400


@pytest.mark.parametrize("lines", [None, []])
def test_a_discount_that_names_no_lines_is_the_bills(lines: list[int] | None) -> None:
    discounts = [{"amount": 100, "lines": lines}]
    assert read({**GOOD, "discounts": discounts}).purchase.total == 1000
