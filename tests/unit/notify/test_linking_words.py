"""What is said about linking a card, in both languages."""

import json
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.notify.notices import announcements
from services.notify.templates import wording
from shared.events import ChatDataProvided, LinkRefused, MemberLinked, MemberUnlinked

TOKYO = ZoneInfo("Asia/Tokyo")
WORDINGS = wording.load()
MEMBER = UUID(int=1)
AT = datetime(2026, 1, 5, 15, 4, tzinfo=UTC)
CARD = "2900000000016"


def told(say, data, language: str) -> str:
    said = say(data, WORDINGS[language], TOKYO)
    message = json.loads(WORDINGS[language].templates[said.kind].fill(said.values))[0]
    return str(message.get("text") or json.dumps(message, ensure_ascii=False))


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_link_is_told_with_card_and_balance_and_how_to_take_it_back(language: str):
    text = told(announcements.linked, MemberLinked(MEMBER, CARD, 1060, AT), language)
    assert CARD in text
    assert "1,060" in text
    assert ("連携解除" if language == "ja" else "unlink") in text
    with_points = MemberLinked(MEMBER, CARD, 1060, AT, welcome_points=75)
    assert "75" in told(announcements.linked, with_points, language)


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_taking_it_back_is_told(language: str):
    text = told(announcements.unlinked, MemberUnlinked(MEMBER, MEMBER, CARD, 50, AT), language)
    assert CARD in text


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_every_refusal_has_words_of_its_own_and_an_unknown_one_general_ones(language: str):
    texts = {
        reason: told(announcements.link_refused, LinkRefused("U1", reason), language)
        for reason in (*wording.LINK_REASONS, "of the future")
    }
    assert texts.pop("of the future") == texts["expired"]
    assert len(set(texts.values())) == len(wording.LINK_REASONS)


@pytest.mark.parametrize(("language", "word"), [("ja", "停止"), ("en", "cannot be spent")])
def test_who_is_suspended_is_told_so_with_the_balance(language: str, word: str):
    asked = ChatDataProvided("U1", "balance", MEMBER, CARD, 1234)
    assert word not in told(announcements.chat_answer, asked, language)
    suspended = ChatDataProvided("U1", "balance", MEMBER, CARD, 1234, status="suspended")
    text = told(announcements.chat_answer, suspended, language)
    assert word in text
    assert "1,234" in text
