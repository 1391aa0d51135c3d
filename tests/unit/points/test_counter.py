"""What the counter makes of a text, how long it undoes, how much of a name it shows."""

from datetime import UTC, datetime, timedelta

import pytest

from services.points.rules import cards, counter
from services.points.rules.program import Counter

CARD = cards.card_number(7, b"0123456789abcdef")
WRONG = CARD[:12] + str((int(CARD[12]) + 1) % 10)
NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "way", "name"),
    [
        (" t1.abc.def ", "qr", "T1.ABC.DEF"),
        (CARD, "card", CARD),
        (f"{CARD[:4]}-{CARD[4:8]} {CARD[8:]}", "card", CARD),
        ("".join(chr(ord(digit) + 0xFEE0) for digit in CARD), "card", CARD),
        ("4901234567894", "external_id", "4901234567894"),
        ("090-1234-5678", "phone", "090-1234-5678"),
        ("+81 90 1234 5678", "phone", "+81 90 1234 5678"),
        ("A-17", "external_id", "A-17"),
    ],
)
def test_a_text_is_read(text: str, way: str, name: str) -> None:
    assert counter.reading(text) == (way, name)


def test_a_card_with_a_wrong_digit_is_not_somebody_elses() -> None:
    with pytest.raises(counter.Misread):
        counter.reading(WRONG)


def test_a_manager_never_has_less_time() -> None:
    terms = Counter(undo_minutes=60, manager_undo_minutes=10)
    for manager in (False, True):
        until = counter.can_be_undone_until(terms, NOW, manager=manager)
        assert until == NOW + timedelta(hours=1)
    longer = counter.can_be_undone_until(Counter(), NOW, manager=True)
    assert longer == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("hours", "fine"), [(0, True), (-23.9, True), (-24.1, False), (0.02, True), (0.1, False)]
)
def test_acts_come_within_a_day(hours: float, fine: bool) -> None:
    assert counter.in_time(NOW + timedelta(hours=hours), NOW) is fine


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("山田 太郎", "山田"),
        ("  山田　太郎 ", "山田"),
        ("Featherstonehaugh", "Feathe…"),
        ("", None),
        ("   ", None),
        (None, None),
    ],
)
def test_a_list_shows_little_of_a_name(name: str | None, short: str | None) -> None:
    assert counter.short_name(name) == short
