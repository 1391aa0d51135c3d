"""Stores' codes: whose they are, how long they are good, and that nobody else can make one."""

from datetime import UTC, datetime, timedelta

import pytest

from services.points.rules import qr, visit_codes
from shared import ids

KEY = b"a key of the tests"
NOW = datetime(2026, 11, 28, 3, 0, 10, tzinfo=UTC)
STORE = ids.new_id()
MINUTE = timedelta(minutes=1)


def test_a_code_on_the_screen_names_its_store_for_30_to_60_seconds() -> None:
    code = visit_codes.on_screen(KEY, STORE, NOW)
    assert visit_codes.changes_at(NOW) == NOW + timedelta(seconds=20)
    for seconds in (0, 19, 20, 49):
        read = visit_codes.read(KEY, code, NOW + timedelta(seconds=seconds))
        assert (read.store, read.printed) == (STORE, None)
    for seconds in (-11, 50, 3600):
        with pytest.raises(qr.Expired):
            visit_codes.read(KEY, code, NOW + timedelta(seconds=seconds))
    assert visit_codes.genuine(KEY, code).store == STORE


def test_a_printed_code_is_good_at_any_time() -> None:
    code = visit_codes.in_print(KEY, STORE)
    for days in (0, 4000):
        assert visit_codes.read(KEY, code, NOW + timedelta(days=days)).printed == STORE
    assert visit_codes.read(KEY, f" {code.lower()} ", NOW).printed == STORE


@pytest.mark.parametrize("make", ["screen", "print"])
def test_a_code_that_was_changed_or_made_elsewhere_is_none(make: str) -> None:
    def made(key: bytes) -> str:
        if make == "screen":
            return visit_codes.on_screen(key, STORE, NOW)
        return visit_codes.in_print(key, STORE)

    code = made(KEY)
    other = "A" if code[5] != "A" else "B"
    member = qr.make(KEY, STORE, NOW)
    for bad in (made(b"x"), code[:5] + other + code[6:], code[:-1], "", "V1..", "ＶＶ", member):
        with pytest.raises(qr.Forged):
            visit_codes.read(KEY, bad, NOW)


def test_a_ticket_holds_for_its_code_and_its_minutes_only() -> None:
    code = visit_codes.on_screen(KEY, STORE, NOW)
    other = visit_codes.on_screen(KEY, ids.new_id(), NOW)
    ticket = visit_codes.ticket(KEY, code, NOW)
    lives = 5 * MINUTE

    def good(code: str, ticket: str, at: datetime) -> bool:
        return visit_codes.opened(KEY, code, ticket, at, lives)

    assert good(code, ticket, NOW)
    assert good(code, ticket, NOW + lives)
    assert not good(code, ticket, NOW + lives + timedelta(seconds=1))
    assert not good(code, ticket, NOW - MINUTE)
    assert not good(other, ticket, NOW)
    later = ticket.replace(ticket.partition(".")[0], str(int(NOW.timestamp()) + 999))
    for bad in (later, "", ".", "x.y", "1" * 20 + ".a", "١.x", ticket + "0"):
        assert not good(code, bad, NOW)
