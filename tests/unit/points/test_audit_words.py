"""What the log of changes shows: fields that differ, acts by name, devices as people say them."""

from zoneinfo import ZoneInfo

import pytest

from services.points.staff.act_words import Words, words_of
from services.points.staff.devices import device_of
from services.points.staff.differences import LONGEST, Difference, differences
from services.points.staff.spoken import UNKEPT, Change, Place, changes, subject
from shared.web.audit import HIDDEN, without_secrets, without_words


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (None, {"points": 5}, [Difference("points", None, "5")]),
        ({"role": "staff"}, {"role": "owner"}, [Difference("role", "staff", "owner")]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1]}}, [Difference("a.b", "1, 2", "1")]),
        ({"a": True}, {}, [Difference("a", "true", None)]),
        (
            {"rules": [{"id": "x", "per": 100}, {"id": "y"}]},
            {"rules": [{"id": "y"}, {"id": "x", "per": 50}]},
            [Difference("rules.x.per", "100", "50")],
        ),
        ({"stores": None}, {"stores": ["main"]}, [Difference("stores", None, "main")]),
        (3, 4, [Difference("", "3", "4")]),
        ({}, {"rules": []}, [Difference("rules", None, "")]),
    ],
)
def test_only_what_differs_is_shown(before: object, after: object, wanted: list[Difference]):
    assert differences(before, after) == wanted


def test_a_long_value_is_cut():
    (found,) = differences(None, {"a": "x" * 1000})
    assert found.after is not None and len(found.after) == LONGEST


def test_the_most_particular_name_of_an_act_is_taken():
    assert words_of("PUT /v1/program") == Words("ポイントのルールを公開", "Published the rules")
    assert words_of("PUT /v1/program/draft").en == "Saved a draft of the rules"
    assert words_of("POST /v1/members/{member_id}/adjustments").en == "Adjusted points"
    assert words_of("DELETE /v1/staff/{staff_id}/sessions/{session_id}").en == "Ended sessions"
    assert words_of("PUT /v1/nothing") == Words("PUT /v1/nothing", "PUT /v1/nothing")


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Line/14.1 Safari/",
            "LINE · iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537 Edg/120", "Edge · Windows"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/120 Mobile Safari/537", "Chrome · Android"),
        ("python-httpx/0.28", ""),
    ],
)
def test_a_device_as_people_say_it(agent: str, device: str):
    assert device_of(agent) == device


def test_what_is_secret_or_about_a_person_is_hidden_by_its_name():
    told = {
        "points": 5,
        "reason": "山田さんの誕生日",
        "profile": {"phone": "090", "birthday": "1990-01-01", "rank": "gold"},
        "secret": "s",
        "password": "p",
        "pin": "1234",
        "api_key": "k",
        "external_id": None,
        "include_line_user_id": True,
    }
    assert without_secrets(told) == {
        "points": 5,
        "reason": HIDDEN,
        "profile": {"phone": HIDDEN, "birthday": HIDDEN, "rank": "gold"},
        "secret": HIDDEN,
        "password": HIDDEN,
        "pin": HIDDEN,
        "api_key": HIDDEN,
        "external_id": None,
        "include_line_user_id": True,
    }


def test_of_what_nobody_described_free_text_is_hidden_too():
    told = {"store": "main", "items": [{"title": "山田さん", "amount": 3}], "on": True}
    shown = {"store": "main", "items": [{"title": HIDDEN, "amount": 3}], "on": True}
    assert without_words(told) == shown


HERE = Place(ZoneInfo("Asia/Tokyo"), {"main": "本店"})


@pytest.mark.parametrize(
    ("target", "before", "after", "wanted"),
    [
        ("member:1", {"status": "active"}, {"status": "left"}, ("状態", "有効", "退会")),
        ("member:1", None, {"changed": ["birthday", "x"]}, ("変更した項目", None, "誕生日・x")),
        ("staff:1", {"stores": ["main"]}, {"stores": []}, ("担当店舗", "本店", "")),
        ("store:1", {"active": True}, {"active": False}, ("使用中", "はい", "いいえ")),
        ("route:1", {"name": "draft"}, {"name": "active"}, ("名前", "draft", "active")),
        ("x:1", {"odd": {"name": 1}}, {"odd": {"name": 2}}, ("odd › 名前", "1", "2")),
        ("x:1", [{"text": "a"}], [{"text": "b"}], ("1番目 › 文章", "a", "b")),
        (
            "staff:1",
            {"one_time_codes": "off"},
            {"one_time_codes": "waiting"},
            ("2段階認証", "無効", "設定中"),
        ),
        ("x:1", {"secret": "…"}, None, ("署名の鍵", UNKEPT.ja, None)),
        (
            "item:a",
            {"due_at": "2026-05-10T18:30:00Z"},
            None,
            ("予定日時", "2026年5月11日 03:30", None),
        ),
        (
            "program:3",
            {"accrual.rules[base].per": 100},
            {"accrual.rules[base].per": 200},
            ("単位「base」", "100円", "200円"),
        ),
        (
            "program:3",
            {"state": "scheduled"},
            {"state": "withdrawn"},
            ("状態", "予約済み", "取り下げ"),
        ),
    ],
)
def test_a_change_is_said_in_words(target: str, before: object, after: object, wanted: Change):
    (found,) = changes(target, before, after, HERE)
    assert tuple(each and each.ja for each in found) == wanted


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("store:main", "店舗「本店」"),
        ("program:3", "ルール 第3版"),
        ("member:0196892c-8d00-7abc-8def-0123456789ab", "会員"),
        ("schedule:nightly", "予定「nightly」"),
    ],
)
def test_what_was_acted_on_goes_by_its_name(target: str, wanted: str):
    assert (subject(target, HERE.names) or Words("", "")).ja == wanted


def test_what_nobody_named_is_silent():
    assert subject("moon:1", {}) is None and subject(None, {}) is None
