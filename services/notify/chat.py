"""What a customer asks in chat: keywords and postbacks, and nothing else. Pure.

Points are never granted on text; a text that is no question gets no answer, so that people can
write to the shop.
"""

import unicodedata

from services.notify.preferences import menu
from services.notify.preferences.menu import NOTICES

BALANCE = "balance"
WHY = "why"
LINK = "link"

KEYWORDS = {
    BALANCE: (
        "ポイント",
        "残高",
        "ポイント残高",
        "残高照会",
        "ポイント確認",
        "point",
        "points",
        "balance",
        "my points",
    ),
    WHY: ("なぜ", "なんで", "理由", "ポイントの理由", "why"),
    LINK: (
        "連携",
        "カード連携",
        "カードを連携",
        "カードの連携",
        "link",
        "link card",
        "link my card",
    ),
    NOTICES: menu.KEYWORDS,
}

_topics = {keyword: topic for topic, keywords in KEYWORDS.items() for keyword in keywords}
_LONGEST = 40
_ENDINGS = "?!.。…、~ー "


def topic_of_text(text: str) -> str | None:
    """The topic asked about, whatever the width, case or closing punctuation of the word."""
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    return _topics.get(plain) or _topics.get(plain.rstrip(_ENDINGS))


def topic_of_postback(data: str) -> str | None:
    """The topic of a tapped button."""
    return NOTICES if menu.asks(data) else data if data in KEYWORDS else None
