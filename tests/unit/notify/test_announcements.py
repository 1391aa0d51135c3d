"""What each event says, in both languages, within LINE's limits whatever it carries."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.notify.errors import BadWording, Untellable
from services.notify.notices import announcements
from services.notify.templates import wording
from shared.events import (
    ChatDataProvided,
    ExpiringPoints,
    Explained,
    MemberJoined,
    MissingToKeep,
    MissingToNext,
    PointsAdjusted,
    PointsEarned,
    PointsExpiring,
    PointsRedeemed,
    PointsReversed,
    RankChanged,
    RankExpiring,
)
from shared.line import message_rules
from shared.line.text_length import utf16_units as utf16_length

TOKYO = ZoneInfo("Asia/Tokyo")
WORDINGS = wording.load()
MEMBER = UUID(int=1)
AT = datetime(2026, 1, 5, 15, 4, tzinfo=UTC)


def told(say, data, language="ja"):
    """The messages, as LINE would get them."""
    said = say(data, WORDINGS[language], TOKYO)
    return json.loads(WORDINGS[language].templates[said.kind].fill(said.values))


def texts(message) -> list[str]:
    """Every text of a message, in order."""
    if isinstance(message, list):
        return [text for each in message for text in texts(each)]
    if not isinstance(message, dict):
        return []
    own = [message["text"]] if message.get("type") == "text" else []
    return own + [text for each in message.values() for text in texts(each)]


def chat(**changes) -> ChatDataProvided:
    values = {
        "line_user_id": "U1",
        "topic": "balance",
        "member_id": MEMBER,
        "card": "2900000000016",
        "balance": 1234,
    }
    return ChatDataProvided(**{**values, **changes})


def earned(**changes) -> PointsEarned:
    values = {"source": "purchase", "points": 1500, "balance": 20000, "occurred_at": AT}
    return PointsEarned(member_id=MEMBER, entry_id=MEMBER, **{**values, **changes})


def test_the_receipt_tells_points_balance_and_local_time():
    message = told(announcements.earned, earned())[0]
    assert message["altText"] == "1,500 ポイントが付きました（残高 20,000 ポイント）"
    assert {"+1,500", "20,000 pt", "2026/01/06 00:04"} <= set(texts(message))


@pytest.mark.parametrize(
    ("language", "alt", "row"),
    [
        ("ja", "1,500 ポイントが付きました（2026/01/08 00:04 から使えます）", "使える日時"),
        ("en", "You earned 1,500 points (usable from 2026/01/08 00:04)", "Usable from"),
    ],
)
def test_the_receipt_of_points_that_wait_tells_from_when_they_can_be_spent(language, alt, row):
    waiting = earned(balance=0, usable_from=AT + timedelta(days=2))
    message = told(announcements.earned, waiting, language)[0]
    assert message["altText"] == alt
    assert {"+1,500", "0 pt", row, "2026/01/08 00:04"} <= set(texts(message))


def test_a_gift_and_a_welcome_that_wait_tell_so_too():
    gift = earned(source="service", reason="雨の日", balance=0, usable_from=AT)
    assert {"雨の日", "使える日時", "2026/01/06 00:04"} <= set(
        texts(told(announcements.earned, gift)[0])
    )
    welcome = MemberJoined(MEMBER, "29", welcome_points=50, balance=0, usable_from=AT)
    message = told(announcements.joined, welcome)[0]
    assert {"+50 pt", "使える日時", "2026/01/06 00:04", "0 pt"} <= set(texts(message))


@pytest.mark.parametrize("changes", [{"points": 0}, {"source": "welcome"}])
def test_no_receipt_for_nothing_or_for_the_welcome(changes):
    assert announcements.earned(earned(**changes), WORDINGS["ja"], TOKYO) is None


@pytest.mark.parametrize(("points", "kind"), [(0, "joined"), (500, "joined_with_points")])
def test_the_welcome_names_welcome_points_if_there_are_any(points, kind):
    data = MemberJoined(member_id=MEMBER, card="29", welcome_points=points, balance=points)
    assert announcements.joined(data, WORDINGS["ja"], TOKYO).kind == kind


@pytest.mark.parametrize(
    ("taken", "returned", "language", "details"),
    [
        (30, 0, "en", "Taken back, earned by the purchase: 30 points"),
        (0, 1200, "ja", "お支払いに使ったポイントのお戻し: 1,200 ポイント"),
        (
            3,
            4,
            "en",
            "Taken back, earned by the purchase: 3 points\n"
            "Given back, spent on the purchase: 4 points",
        ),
    ],
)
def test_a_refund_tells_what_was_taken_and_what_came_back(taken, returned, language, details):
    message = told(announcements.reversed_, reversed_(taken, returned), language)
    assert {details, "-5 pt"} <= set(texts(message))


def test_a_refund_that_moved_no_points_is_not_told():
    assert announcements.reversed_(reversed_(0, 0), WORDINGS["ja"], TOKYO) is None


def reversed_(taken: int, returned: int) -> PointsReversed:
    return PointsReversed(MEMBER, MEMBER, MEMBER, 500, taken, returned, -5)


def test_points_that_were_spent_are_told():
    data = PointsRedeemed(MEMBER, MEMBER, MEMBER, 1200, 1200, 30, "main")
    message = told(announcements.redeemed, data, "en")[0]
    assert message["altText"] == "You used 1,200 points (balance 30)"
    assert {"-1,200", "30 pt"} <= set(texts(message))


def test_service_points_are_told_with_their_reason():
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    data = PointsEarned(MEMBER, MEMBER, "service", 5, 35, moment, reason="雨の日")
    message = told(announcements.earned, data)[0]
    assert message["altText"] == "5 ポイントをお贈りしました（残高 35 ポイント）"
    assert {"+5", "雨の日", "35 pt"} <= set(texts(message))


def test_an_adjustment_tells_its_size_and_reason():
    data = PointsAdjusted(member_id=MEMBER, entry_id=MEMBER, points=-30, balance=-5, reason="誤")
    message = told(announcements.adjusted, data, "en")[0]
    assert message["altText"] == "30 points were deducted (balance -5)"
    assert {"-30", "誤", "-5 pt"} <= set(texts(message))


def test_what_was_brought_along_from_elsewhere_is_not_told():
    quiet = PointsAdjusted(MEMBER, MEMBER, 30, 30, "取り込み", quiet=True)
    assert announcements.adjusted(quiet, WORDINGS["ja"], TOKYO) is None
    reached = RankChanged(MEMBER, "up", "gold", "ゴールド", quiet=True)
    assert announcements.rank_changed(reached, WORDINGS["ja"], TOKYO) is None


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"direction": "up", "to_rank": "s", "to_name": "銀"}, "銀"),
        ({"direction": "up", "to_rank": "s"}, "s"),
        ({"direction": "up"}, None),
        ({"direction": "down", "to_rank": "b", "to_name": "銅"}, None),
    ],
)
def test_only_a_rank_that_was_reached_is_told(changes, kind):
    said = announcements.rank_changed(
        RankChanged(member_id=MEMBER, **changes), WORDINGS["ja"], TOKYO
    )
    assert (said and said.values["rank"]) == kind


def test_a_rank_that_was_reached_tells_what_it_gave():
    data = RankChanged(MEMBER, "up", "s", "銀", points=1500, brings_ja="2倍", brings_en="×2")
    message = told(announcements.rank_changed, data)[0]
    assert message["altText"] == "おめでとうございます！ランクが「銀」になりました"
    assert {"銀", "2倍", "+1,500 pt"} <= set(texts(message))
    assert {"銀", "×2", "+1,500 pt"} <= set(texts(told(announcements.rank_changed, data, "en")))


def test_a_rank_that_brings_nothing_is_still_told_warmly():
    data = RankChanged(member_id=MEMBER, direction="up", to_rank="s", to_name="銀")
    assert any("ありがとう" in text for text in texts(told(announcements.rank_changed, data)))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "ja",
            "ランク「銀」は 2026/01/31 まで。あと来店2回で続きます",
        ),
        ("en", "Your rank 銀 is valid through 2026/01/31. Keep it with 2 more visits"),
    ],
)
def test_before_a_rank_is_lost_its_last_day_and_what_keeps_it_are_told(language, text):
    midnight_in_tokyo = datetime(2026, 1, 31, 15, tzinfo=UTC)
    missing = MissingToKeep(visits=2, ja="来店2回", en="2 more visits")
    data = RankExpiring(MEMBER, "s", "銀", midnight_in_tokyo, missing)
    message = told(announcements.rank_expiring, data, language)[0]
    assert message["altText"] == text
    assert any("2026/01/31" in each for each in texts(message))
    assert any("来店2回" in each or "2 more visits" in each for each in texts(message))


def test_nothing_is_told_of_a_rank_that_nothing_is_missing_for():
    data = RankExpiring(MEMBER, "s", "銀", AT, MissingToKeep())
    assert announcements.rank_expiring(data, WORDINGS["ja"], TOKYO) is None


def test_the_balance_shows_the_way_to_the_next_rank():
    words = {"ja": "あと来店2回でゴールド", "en": "2 more visits to ゴールド"}
    missing = MissingToNext("ゴールド", visits=2, progress=60, **words)
    asked = chat(rank="銀", next_rank=missing)
    message = told(announcements.chat_answer, asked)[0]
    assert message["altText"] == "残高 1,234 ポイント（あと来店2回でゴールド）"
    assert {"1,234", "ゴールド", "あと来店2回でゴールド", "ランク: 銀"} <= set(texts(message))
    assert '"width": "60%"' in json.dumps(message)
    english = told(announcements.chat_answer, asked, "en")
    assert {"1,234", "2 more visits to ゴールド", "Rank: 銀"} <= set(texts(english))


def test_the_balance_alone_says_what_to_ask_next():
    wordless = chat(next_rank=MissingToNext("ゴールド", visits=2))
    for asked in (chat(), wordless):
        message = told(announcements.chat_answer, asked)[0]
        assert message["altText"] == "残高 1,234 ポイント"
        assert "「なぜ」と送ると、ポイントの理由をお答えします。" in texts(message)


def test_why_explains_the_latest_entries_in_the_members_language():
    entries = [Explained(10, AT, "お買い物", "a purchase"), Explained(-5, AT, "ご利用", "spent")]
    text = told(announcements.chat_answer, chat(topic="why", entries=entries), "en")[0]["text"]
    assert "2026/01/06 00:04  +10 points\na purchase" in text
    assert "-5 points\nspent" in text


def test_an_unknown_topic_cannot_be_told():
    with pytest.raises(Untellable):
        announcements.chat_answer(chat(topic="weather"), WORDINGS["ja"], TOKYO)


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_longest_answers_stay_within_lines_limit(language):
    long = "長" * 9000
    entries = [Explained(10**18, AT, long, long)] * 50
    missing = MissingToNext(long, 10**18, 10**18, 10**18, long, long)
    for data in (
        chat(topic="why", entries=entries),
        chat(balance=10**18, pending=10**18, rank=long, next_rank=missing),
    ):
        message = told(announcements.chat_answer, data, language)
        assert all(utf16_length(text) <= 5000 for text in texts(message))


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_every_kind_fills_from_what_announcements_give(language):
    names = {kind: WORDINGS[language].templates[kind].slots for kind in wording.KINDS}
    assert names == {kind: WORDINGS["ja"].templates[kind].slots for kind in wording.KINDS}


def test_a_missing_message_is_named():
    with pytest.raises(BadWording, match=r"messages\.joined"):
        wording.Wording("ja", {"messages": {}, "phrases": {}})


@pytest.mark.parametrize("kind", wording.KINDS)
@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_line_takes_what_is_said(language, kind):
    """By the sandbox's rules, which are LINE's."""
    template = WORDINGS[language].templates[kind]
    messages = json.loads(template.fill(dict.fromkeys(template.slots, '1 "é😀"')))
    assert list(message_rules.messages(messages)) == []


def expiring(points: int, day: int, later=()) -> PointsExpiring:
    """Points that can last be used on a day of January 2026 in Tokyo."""
    end = datetime(2026, 1, day, 15, tzinfo=UTC)
    return PointsExpiring(MEMBER, points, end, 7, 1234, "U1", list(later))


@pytest.mark.parametrize(
    ("language", "alt", "entries"),
    [
        (
            "ja",
            "1,500 ポイントが 2026/01/07 に期限を迎えます（残高 1,234 ポイント）",
            "2026/01/07 まで　1,500 pt\n2026/01/30 まで　20 pt",
        ),
        (
            "en",
            "1,500 points are valid through 2026/01/07 (balance 1,234)",
            "2026/01/07: 1,500 points\n2026/01/30: 20 points",
        ),
    ],
)
def test_all_dates_of_expiry_stand_in_one_message_with_their_last_days(language, alt, entries):
    later = [ExpiringPoints(20, datetime(2026, 1, 30, 15, tzinfo=UTC), 30)]
    message = told(announcements.points_expiring, expiring(1500, 7, later), language)[0]
    assert message["altText"] == alt
    assert {"1,500", entries, "1,234 pt"} <= set(texts(message))


def test_a_warning_of_no_points_is_not_sent():
    assert announcements.points_expiring(expiring(0, 7), WORDINGS["ja"], TOKYO) is None
