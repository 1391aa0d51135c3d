"""A purchase as a till posts it: decoded, checked whole, hashed, and turned into its event.

Owns the rules that need nothing but the purchase and the clock's word. Must not know keys, stores
or members; whether the store exists and the key may post for it is judged by the endpoints.
"""

import hashlib
import re
from collections.abc import Iterator, Sized
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from shared.events import Line, MemberRef, Purchase
from shared.problems import invalid, malformed

LARGEST = 10**12
MOST_ROWS = 500
LONGEST_TEXT = 200
LONGEST_KEY = 255
FUTURE = timedelta(hours=24)
MEMBER_FIELDS = ("id", "card", "qr", "external_id", "phone", "line_user_id")
LINE_TEXTS = ("sku", "category", "name")

Errors = Iterator[tuple[str, str]]

_decoder = msgspec.json.Decoder(Purchase)
_encoder = msgspec.json.Encoder()
_NO_OFFSET = "Expected `datetime` with a timezone component"
_control = re.compile(r"[\x00-\x1f\x7f]")


class Checked(NamedTuple):
    """A purchase without fault, and the SHA-256 of its canonical form: the decoded purchase encoded
    again, so that spaces, the order of fields and unknown fields make no other body."""

    purchase: Purchase
    digest: bytes


def read(body: bytes | msgspec.Raw, now: datetime) -> Checked:
    """Decode and check. Raises Problem: 400 for no JSON, 422 with what is wrong."""
    purchase = decode(body, _decoder)
    canonical = _encoder.encode(purchase)
    errors = [*_faults(purchase, now)]
    if b"\\" in canonical or b"\x7f" in canonical:  # only then may a text have control characters
        errors += _control_characters(purchase)
    if errors:
        raise invalid(errors)
    return Checked(purchase, hashlib.sha256(canonical).digest())


def decode(body: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[Any]) -> Any:
    """Decode, or raise the Problem that says what is wrong where."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as problem:
        require_json(body)
        raise invalid([_located(str(problem))]) from None
    except msgspec.DecodeError as problem:
        raise malformed(f"The body is not JSON: {problem}.") from None
    except UnicodeDecodeError as problem:
        raise malformed(f"The body is not UTF-8: {problem.reason}.") from None
    except RecursionError:
        raise malformed("The body is nested too deep.") from None


def require_json(body: bytes | msgspec.Raw) -> None:
    """Raise a 400 unless the whole body is JSON; a decoder stops at the first wrong field."""
    try:
        bytes(body).decode()
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise malformed(f"The body is not JSON: {problem}.") from None
    except RecursionError:
        raise malformed("The body is nested too deep.") from None


def require_key(key: str | None, where: str) -> str:
    """An idempotency key as it must be. Raises Problem 400."""
    if not key:
        raise malformed(
            f"Send {where}: 1 to {LONGEST_KEY} printable characters, new for each purchase and the "
            "same when you send a purchase again."
        )
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise malformed(f"{where} must have 1 to {LONGEST_KEY} printable characters.")
    return key


def _located(message: str) -> tuple[str, str]:
    """msgspec's "what - at `$.path`" as (path, what)."""
    what, _, where = message.partition(" - at `")
    if what == _NO_OFFSET:
        what = "must have an offset, such as 2026-01-31T12:00:00+09:00"
    return where.rstrip("`").removeprefix("$").removeprefix(".") or "$", what


def _faults(purchase: Purchase, now: datetime) -> Errors:
    yield from _member(purchase.member)
    yield from _time(purchase.occurred_at, now)
    yield from _money("total", purchase.total)
    yield from _money("tax", purchase.tax)
    if purchase.tax > purchase.total:
        yield "tax", "must not be more than total, which includes it"
    yield from _required("store", purchase.store)
    yield from _text("terminal", purchase.terminal)
    yield from _text("receipt", purchase.receipt)
    if purchase.lines:
        yield from _lines(purchase)
    if purchase.payments:
        yield from _payments(purchase)
    if purchase.discounts:
        yield from _discounts(purchase)


def _member(member: MemberRef) -> Errors:
    named = (
        member.id,
        member.card,
        member.qr,
        member.external_id,
        member.phone,
        member.line_user_id,
    )
    given = [name for name, value in zip(MEMBER_FIELDS, named, strict=True) if value is not None]
    if len(given) != 1:
        yield "member", f"give exactly one of {', '.join(MEMBER_FIELDS)}"
    for name in given:
        yield from _required(f"member.{name}", getattr(member, name))


def _time(occurred_at: datetime, now: datetime) -> Errors:
    if occurred_at - now > FUTURE:
        yield "occurred_at", "is more than 24 hours in the future; check the till's clock"


def _money(path: str, amount: int) -> Errors:
    if not 0 <= amount <= LARGEST:
        yield path, f"must be from 0 to {LARGEST}"


def _required(path: str, text: str) -> Errors:
    if not text:
        yield path, "must not be empty"
    yield from _text(path, text)


def _text(path: str, text: str | None) -> Errors:
    if text is not None and len(text) > LONGEST_TEXT:
        yield path, f"must not be longer than {LONGEST_TEXT} characters"


def _lines(purchase: Purchase) -> Errors:
    yield from _few("lines", purchase.lines)
    amounts = 0
    for index, line in enumerate(purchase.lines[:MOST_ROWS]):
        amounts += line.amount
        if not _is_plain(line):
            yield from _line(f"lines[{index}]", line)
    off_the_bill = sum(each.amount for each in purchase.discounts if not each.lines)
    if len(purchase.lines) <= MOST_ROWS and amounts != purchase.total + off_the_bill:
        yield (
            "lines",
            f"amounts sum to {amounts}; total and the bill's discounts are "
            f"{purchase.total + off_the_bill}",
        )


def _is_plain(line: Line) -> bool:
    """Whether a line is beyond doubt; most are, and need not be looked at field by field."""
    return (
        0 <= line.amount <= LARGEST
        and 0 <= line.tax <= LARGEST
        and 1 <= line.quantity <= LARGEST
        and len(line.sku or "") + len(line.category or "") + len(line.name or "") <= LONGEST_TEXT
    )


def _line(path: str, line: Line) -> Errors:
    yield from _money(f"{path}.amount", line.amount)
    yield from _money(f"{path}.tax", line.tax)
    if not 1 <= line.quantity <= LARGEST:
        yield f"{path}.quantity", f"must be from 1 to {LARGEST}"
    for name in LINE_TEXTS:
        yield from _text(f"{path}.{name}", getattr(line, name))


def _payments(purchase: Purchase) -> Errors:
    yield from _few("payments", purchase.payments)
    for index, payment in enumerate(purchase.payments[:MOST_ROWS]):
        path = f"payments[{index}]"
        yield from _required(f"{path}.method", payment.method)
        yield from _money(f"{path}.amount", payment.amount)
        yield from _text(f"{path}.redemption", payment.redemption)
    paid = sum(payment.amount for payment in purchase.payments)
    if paid > purchase.total:
        yield "payments", f"amounts sum to {paid}, more than total, {purchase.total}"


def _discounts(purchase: Purchase) -> Errors:
    yield from _few("discounts", purchase.discounts)
    for index, discount in enumerate(purchase.discounts[:MOST_ROWS]):
        path = f"discounts[{index}]"
        yield from _money(f"{path}.amount", discount.amount)
        if not discount.lines:
            continue
        yield from _few(f"{path}.lines", discount.lines)
        if not all(0 <= line < len(purchase.lines) for line in discount.lines[:MOST_ROWS]):
            yield f"{path}.lines", "must be indexes into lines, the first being 0"


def _few(path: str, rows: Sized) -> Errors:
    if len(rows) > MOST_ROWS:
        yield path, f"must not have more than {MOST_ROWS} entries"


def _control_characters(purchase: Purchase) -> Errors:
    for path, text in _texts(purchase):
        if text is not None and _control.search(text):
            yield path, "must have no control characters"


def _texts(purchase: Purchase) -> Iterator[tuple[str, str | None]]:
    for name in ("store", "terminal", "receipt"):
        yield name, getattr(purchase, name)
    for name in MEMBER_FIELDS:
        yield f"member.{name}", getattr(purchase.member, name)
    for index, line in enumerate(purchase.lines[:MOST_ROWS]):
        for name in LINE_TEXTS:
            yield f"lines[{index}].{name}", getattr(line, name)
    for index, payment in enumerate(purchase.payments[:MOST_ROWS]):
        yield f"payments[{index}].method", payment.method
        yield f"payments[{index}].redemption", payment.redemption
