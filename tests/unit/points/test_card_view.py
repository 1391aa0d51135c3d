"""What the card shows of a member."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from starlette.requests import Request

from services.points.brand.shown import Shown
from services.points.store.brand import Look
from services.points.web import card_shown, codes_drawn, schemas
from services.points.web.card_shown import CardShown, Code, Expiring, History
from services.points.web.pages import PAGES
from shared import ids

PLAIN_LOOK = Look(*[None] * 3, 0, *[None] * 7)
HOSTILE = '"><script>alert(1)</script>'


def asked(lang: str) -> Request:
    return Request({"type": "http", "headers": [(b"accept-language", lang.encode())]})


def member(**changed: Any) -> schemas.Member:
    known: dict[str, Any] = {
        "id": ids.new_id(),
        "card": "2900000000012",
        "status": "active",
        "rank": None,
        "next_rank": None,
        "points": schemas.Points(balance=1_234, pending=0, held=0, expiring=[]),
        "lifetime": schemas.Lifetime(earned=0, spent=0, visits=0),
        "joined_at": datetime(2025, 4, 1, tzinfo=UTC),
        "last_visit_at": None,
    }
    return schemas.Member(**{**known, **changed})


def card(
    lang: str, look: Look = PLAIN_LOOK, whose: schemas.Member | None = None, **shown: Any
) -> str:
    given: dict[str, Any] = {
        "member": whose or member(),
        "name": None,
        "tag": "t",
        "stamp": "s",
        "code": Code("", 30),
        "barcode": "",
        "next_rank": None,
        "next_point": None,
        "expiring": [],
        "history": History([], None, "all"),
        "at": datetime(2025, 4, 1, tzinfo=UTC),
    }
    facts = CardShown(**{**given, **shown})
    return PAGES.html(asked(lang), "card_view.html", shown=facts, brand=Shown(look))


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_what_is_missing_for_the_next_point_is_on_the_card(lang: str) -> None:
    assert "あと20円で1ポイント" in card(lang, next_point="あと20円で1ポイント")
    assert "1,234" in card(lang)
    assert "next-point" not in card(lang)


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
    expiring = [schemas.Expiring(points=1_000, at=at), schemas.Expiring(points=20, at=at)]
    points = schemas.Points(balance=3_000, pending=0, held=0, expiring=expiring)
    found = card_shown.expiring(points, ZoneInfo(zone))
    assert found == [Expiring(1_000, last_day), Expiring(20, last_day)]
    japanese = card("ja", expiring=found)
    assert "1,000 ポイントは 2025年3月31日(月) まで" in japanese  # the soonest, on its face
    assert japanese.count("2025年3月31日(月) まで") == 3
    assert "1,000 points valid through Mon 31 Mar 2025" in card("en", expiring=found)


@pytest.mark.parametrize(
    ("lang", "words"), [("ja", "お使いいただけません"), ("en", "cannot be spent")]
)
def test_who_is_suspended_reads_so_and_sees_the_balance(lang: str, words: str) -> None:
    suspended = card(lang, whose=member(status="suspended"))
    assert words in suspended
    assert "1,234" in suspended
    assert words not in card(lang)


def test_nothing_that_people_typed_is_markup() -> None:
    look = Look(HOSTILE, HOSTILE, "#0b6b4f", 1, None, *[None] * 6)
    rank = schemas.Rank(code="x", name=HOSTILE, next=None)
    row = {
        "amount": 1,
        "at": datetime(2025, 4, 1, tzinfo=UTC),
        "day": HOSTILE,
        "title": HOSTILE,
        "lines": [HOSTILE],
    }
    for lang in ("ja", "en"):
        html = card(
            lang,
            look,
            member(rank=rank, card=HOSTILE + "2900000000012"),
            name=HOSTILE,
            next_point=HOSTILE,
            history=History([row], None, "all"),
        )
        assert "<script>" not in html
        assert html.count("&lt;script&gt;") >= 7


def test_the_shops_name_stands_on_the_card_in_the_readers_language() -> None:
    look = Look("たまる珈琲", "", "#0b6b4f", 1, None, *[None] * 6)
    assert "たまる珈琲" in card("ja", look)
    assert "たまる珈琲" in card("en", look)  # there is no other
    assert "Member card" in card("en")


def test_the_barcode_begins_and_ends_with_its_guards_and_keeps_its_distance() -> None:
    modules = [int(part.split(" ")[0]) for part in codes_drawn.bars("2900000000012").split("M")[1:]]
    assert {modules[0], modules[1]} == {codes_drawn.QUIET, codes_drawn.QUIET + 2}
    assert modules[-1] == codes_drawn.QUIET + 94


@pytest.mark.parametrize(
    ("kind", "amount", "explanation", "shown"),
    [
        ("earn", 50, {}, ">+50<"),
        ("expire", -1200, {}, ">-1,200<"),
        ("release", 0, {"points": 1050}, ">1,050<"),
        ("release", 0, {}, ">0<"),
        ("adjust", 0, {"points": 3}, ">0<"),
    ],
)
def test_points_that_became_usable_are_counted_without_a_sign(
    kind: str, amount: int, explanation: dict[str, Any], shown: str
) -> None:
    row = {
        "kind": kind,
        "source": "night",
        "amount": amount,
        "occurred_at": datetime(2026, 11, 29, tzinfo=UTC),
        "explanation": msgspec.json.encode(explanation),
    }
    entry = card_shown.entry(row, "ja", ZoneInfo("Asia/Tokyo"))
    history = History([entry], None, "all")
    assert shown in PAGES.html(asked("ja"), "card_entries.html", history=history)
