"""What cells mean, and which faults they have."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.points.rules.importing import rows, words
from services.points.rules.importing.columns import FIELDS, PRESETS, guess
from services.points.rules.importing.rows import Fault, Terms

TERMS = Terms(
    datetime(2026, 11, 28, 12, tzinfo=UTC),
    ZoneInfo("Asia/Tokyo"),
    "JPY",
    rows.rank_names({"gold": "ゴールド", "silver": "シルバー"}),
)


def read(field: str, cell: str, terms: Terms = TERMS) -> rows.Read:
    """A row of one member with this cell."""
    other = "card" if field == "external_id" else "external_id"
    return rows.read([cell, "A-1"], {0: field, 1: other}, terms)


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("points", "1,500 pt", 1500),
        ("points", "１２０ポイント", 120),
        ("points", "8個", 8),
        ("points", "12.0", 12),
        ("points", "-", 0),
        ("spent", "¥12,300", 12300),
        ("spent", "12,300円", 12300),
        ("phone", "090-1234-5678", "09012345678"),
        ("phone", "+81 90 1234 5678", "09012345678"),
        ("phone", "9012345678", "09012345678"),
        ("external_id", " Ａ - 1 ", "A-1"),
        ("name", " 山田　花子 ", "山田 花子"),
        ("tags", "常連、犬,常連", ("常連", "犬")),
        ("birthday", "昭和55年3月12日", date(1980, 3, 12)),
        ("points_until", "2027/3/31", datetime(2027, 3, 31, 15, tzinfo=UTC)),
        ("points_until", "令和9年", datetime(2027, 12, 31, 15, tzinfo=UTC)),
        ("points_until", "無期限", None),
        ("points_until", "9999/12/31", None),
        ("rank", "ゴールド", "gold"),
        ("rank", "GOLD", "gold"),
        ("rank", "なし", None),
        ("joined", "令和2年", datetime(2019, 12, 31, 15, tzinfo=UTC)),
        ("last_visit", "2026/11/28", datetime(2026, 11, 27, 15, tzinfo=UTC)),
    ],
)
def test_what_a_cell_means(field: str, cell: str, value: Any) -> None:
    found = read(field, cell)
    assert found.faults == []
    assert getattr(found.wanted, field) == value


@pytest.mark.parametrize(
    ("field", "cell", "kind"),
    [
        ("points", "-5", "negative"),
        ("points", "▲5", "negative"),
        ("points", "1.5", "fraction"),
        ("points", "many", "number"),
        ("points", "1000000001", "too_many"),
        ("card", "4.90123E+12", "spreadsheet_number"),
        ("phone", "12", "phone"),
        ("points_until", "2026/11/27", "past"),
        ("points_until", "soon", "date"),
        ("birthday", "令和8年", "date"),
        ("birthday", "2026/11/29", "future"),
        ("last_visit", "2026/11/29", "future"),
        ("rank", "プラチナ", "rank"),
        ("tags", "a/b", "tag"),
        ("name", "x" * 201, "too_long"),
    ],
)
def test_what_is_wrong_with_a_cell(field: str, cell: str, kind: str) -> None:
    (fault,) = read(field, cell).faults
    assert (fault.kind, fault.field) == (kind, field)
    said = words.sentence(fault)
    assert said.ja.startswith(words.FIELDS[field].ja)
    assert "{" not in said.ja + said.en


def test_a_row_needs_a_name_and_says_all_that_is_wrong() -> None:
    assert rows.read(["5"], {0: "points"}, TERMS).faults == [Fault("no_name")]
    both = rows.read(["x", "y"], {0: "phone", 1: "points"}, TERMS)
    assert [fault.kind for fault in both.faults] == ["phone", "number"]


def test_attributes_need_consent() -> None:
    without = Terms(TERMS.now, TERMS.zone, "JPY", {}, attributes=False)
    assert read("name", "山田", without).wanted.name is None
    assert read("points", "5", without).wanted.points == 5


def test_money_with_decimals() -> None:
    dollars = Terms(TERMS.now, TERMS.zone, "USD", {})
    assert read("spent", "$1,234.5", dollars).wanted.spent == 123450
    assert read("spent", "0.005", dollars).faults[0].kind == "fraction"


def test_headings_of_the_export_are_understood() -> None:
    found = guess([said.ja for said in words.FIELDS.values()], "other")
    assert (found.has_headings, list(found.columns.values())) == (True, list(FIELDS))
    assert list(guess([said.en for said in words.FIELDS.values()], "other").columns.values()) == [
        *FIELDS
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_without_headings_the_preset_says_what_columns_hold(preset: str) -> None:
    found = guess(["0001", "12"], preset)
    assert not found.has_headings
    assert list(found.columns.values()) == list(PRESETS[preset].without_headings[:2])
    assert guess(["何か", "別の"], preset).columns == {}


def test_a_members_number_is_the_card_where_cards_are_brought() -> None:
    assert guess(["会員番号", "スタンプ数"], "paper_card").columns == {0: "card", 1: "points"}
    assert guess(["会員番号(4桁)", "残高"], "other").columns == {0: "external_id", 1: "points"}
