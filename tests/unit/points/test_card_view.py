"""What the card shows of a member."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.points.web import schemas
from services.points.web.card import TEMPLATES, _expiring
from shared import ids


def card(lang: str, **shown: Any) -> str:
    member = schemas.Member(
        id=ids.new_id(),
        card="2900000000012",
        status="active",
        rank=None,
        next_rank=None,
        points=schemas.Points(balance=1_234, pending=0, held=0, expiring=[]),
        lifetime=schemas.Lifetime(earned=0, spent=0, visits=0),
        joined_at=datetime(2025, 4, 1, tzinfo=UTC),
        last_visit_at=None,
    )
    given: dict[str, Any] = {
        "expiring": [],
        "barcode": "",
        "qr": "",
        "entries": [],
        "next_rank": None,
        "next_point": None,
    }
    html: str = TEMPLATES.get_template("card_view.html").render(
        lang=lang, member=member, **{**given, **shown}
    )
    return html


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_what_is_missing_for_the_next_point_is_on_the_card(lang: str) -> None:
    assert "あと20円で1ポイント" in card(lang, next_point="あと20円で1ポイント")
    assert "1,234" in card(lang)
    assert card(lang).count('class="quiet"') == card(lang, next_point="x").count('"quiet"') - 1


@pytest.mark.parametrize(
    ("zone", "at", "last_day"),
    [
        ("Asia/Tokyo", datetime(2025, 3, 31, 15, tzinfo=UTC), date(2025, 3, 31)),
        ("America/New_York", datetime(2025, 4, 1, 4, tzinfo=UTC), date(2025, 3, 31)),
    ],
)
def test_points_show_the_last_day_on_which_they_are_good(
    zone: str, at: datetime, last_day: date
) -> None:
    expiring = [schemas.Expiring(points=1_000, at=at)] * 3
    points = schemas.Points(balance=3_000, pending=0, held=0, expiring=expiring)
    found = _expiring(points, ZoneInfo(zone))
    assert found == [(1_000, last_day)] * 2
    assert card("ja", expiring=found).count("1,000 ポイントは 2025年03月31日 まで") == 2
    assert "1,000 points valid through 31 Mar 2025" in card("en", expiring=found)
