"""Numbers, money and moments as people read them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from shared.web import formats, navigation

TOKYO = ZoneInfo("Asia/Tokyo")


def test_numbers_and_money() -> None:
    assert formats.number(-1234567) == "−1,234,567"
    assert [formats.signed(each) for each in (30, 0, -30)] == ["+30", "0", "−30"]
    assert formats.money(1200, "JPY") == "¥1,200"
    assert formats.money(-1205, "USD") == "−$12.05"
    assert formats.money(1205, "CHF") == "CHF 12.05"


def test_words_that_stand_alone() -> None:
    assert formats.sentence("a card was linked") == "A card was linked"
    assert formats.sentence("カードの連携") == "カードの連携"
    assert formats.sentence("") == ""


def test_days_and_moments_on_the_shops_clock() -> None:
    late = datetime(2026, 11, 28, 15, 5, tzinfo=UTC)
    assert formats.moment(late, TOKYO, "ja") == "2026年11月29日 00:05"
    assert formats.moment(late, TOKYO, "en") == "29 Nov 2026 00:05"
    assert formats.day(date(2026, 11, 28), "ja") == "2026年11月28日(土)"
    assert formats.day(date(2026, 11, 28), "en") == "Sat 28 Nov 2026"


def test_everybody_sees_their_areas_and_no_more() -> None:
    def seen(role: str) -> set[str]:
        return {area.address for group in navigation.groups_for(role) for area in group.areas}

    assert seen("staff") == {"/counter"}
    assert "/console/staff" in seen("owner")
    assert "/console/staff" not in seen("manager")
    assert "/counter" not in seen("viewer")
    assert not seen("somebody")


def test_a_page_belongs_to_the_nearest_area() -> None:
    assert navigation.current("/console") == "/console"
    assert navigation.current("/console/members/1") == "/console/members"
    assert navigation.current("/console/membersonly") == ""
    assert navigation.current("/elsewhere") == ""
