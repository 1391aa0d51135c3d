"""What each event says, in both languages, within LINE's limits whatever it carries."""

import json
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from deploy.sandbox import message_rules
from services.notify import announcements, wording
from services.notify.errors import BadWording, Untellable
from services.notify.template import utf16_length
from shared.events import (
    ChatDataProvided,
    Explained,
    MemberJoined,
    MissingToNext,
    PointsAdjusted,
    PointsEarned,
    RankChanged,
)

TOKYO = ZoneInfo("Asia/Tokyo")
WORDINGS = wording.load()
MEMBER = UUID(int=1)
AT = datetime(2026, 1, 5, 15, 4, tzinfo=UTC)


def told(say, data, language="ja"):
    """The messages, as LINE would get them."""
    said = say(data, WORDINGS[language], TOKYO)
    return json.loads(WORDINGS[language].templates[said.kind].fill(said.values))


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
    texts = [each["text"] for each in message["contents"]["body"]["contents"]]
    assert "+1,500 pt" in texts
    assert "ご利用 2026/01/06 00:04" in texts


@pytest.mark.parametrize("changes", [{"points": 0}, {"source": "welcome"}])
def test_no_receipt_for_nothing_or_for_the_welcome(changes):
    assert announcements.earned(earned(**changes), WORDINGS["ja"], TOKYO) is None


@pytest.mark.parametrize(("points", "kind"), [(0, "joined"), (500, "joined_with_points")])
def test_the_welcome_names_welcome_points_if_there_are_any(points, kind):
    data = MemberJoined(member_id=MEMBER, card="29", welcome_points=points, balance=points)
    assert announcements.joined(data, WORDINGS["ja"], TOKYO).kind == kind


def test_an_adjustment_tells_its_size_and_reason():
    data = PointsAdjusted(member_id=MEMBER, entry_id=MEMBER, points=-30, balance=-5, reason="誤")
    text = told(announcements.adjusted, data, "en")[0]["text"]
    assert text == "30 points were deducted.\nReason: 誤\n\nBalance: -5 points"


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


def test_the_balance_tells_what_is_missing_to_the_next_rank():
    missing = MissingToNext("ゴールド", points_earned=1200, visits=2)
    text = told(announcements.chat_answer, chat(rank="銀", next_rank=missing))[0]["text"]
    assert text == (
        "残高: 1,234 ポイント\nランク: 銀\n"
        "次の「ゴールド」まで: あと 1,200 ポイント、ご来店あと 2 回"
    )


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
    missing = MissingToNext(long, 10**18, 10**18, 10**18)
    for data in (
        chat(topic="why", entries=entries),
        chat(balance=10**18, pending=10**18, rank=long, next_rank=missing),
    ):
        assert utf16_length(told(announcements.chat_answer, data, language)[0]["text"]) <= 5000


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
