"""What messages to many say of somebody."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.notify.templates import people
from services.notify.templates.template import Template
from shared.events import SegmentPerson

TOKYO = ZoneInfo("Asia/Tokyo")
PERSON = SegmentPerson(
    UUID(int=1),
    "2900000000016",
    points=12345,
    rank_name="銀",
    next_rank_name="金",
    missing_ja="あと来店2回で金",
    missing_en="2 more visits to 金",
    expiring_points=1200,
    expiring_at=datetime(2026, 1, 31, 15, tzinfo=UTC),
    visits=1001,
    last_visit_at=datetime(2026, 1, 31, 15, tzinfo=UTC),
)


def test_all_that_is_known_is_told_in_the_shops_time_zone():
    assert people.values(PERSON, "ja", TOKYO, "はなこ") == {
        "name": "はなこ",
        "card": "2900000000016",
        "points": "12,345",
        "rank": "銀",
        "next_rank": "金",
        "missing": "あと来店2回で金",
        "expiring_points": "1,200",
        "expiring_at": "2026/01/31",
        "visits": "1,001",
        "last_visit": "2026/02/01",
    }
    assert people.values(PERSON, "en", TOKYO, None)["missing"] == "2 more visits to 金"


def test_what_is_not_known_is_never_empty():
    bare = SegmentPerson(UUID(int=1), "29")
    for language, name in (("ja", "お客"), ("en", "there")):
        told = people.values(bare, language, TOKYO, " ")
        assert told["name"] == name
        assert set(told) == set(people.VARIABLES)
        assert all(told.values())


def test_a_message_to_many_is_filled_with_them():
    words = " ".join(f"{{{name}}}" for name in people.VARIABLES)
    template = Template("t", [{"type": "text", "text": words}], people.VARIABLES)
    assert "12,345" in template.fill(people.values(PERSON, "ja", TOKYO, None))
