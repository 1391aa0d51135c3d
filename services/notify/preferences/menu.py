"""Stopping notices in chat: the words that ask for the menu, the menu, and what its buttons say.

A button names what is wanted, never "the other way", so a tap that comes twice changes nothing.
Pure.
"""

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from services.notify.categories import CATEGORIES, OPTIONAL

NOTICES = "notices"
KEYWORDS = (
    "通知",
    "通知設定",
    "通知停止",
    "お知らせ",
    "お知らせ設定",
    "お知らせ停止",
    "配信停止",
    "notice",
    "notices",
    "notifications",
    "stop notices",
)
_STOP, _START = "stop", "start"


class Wish(NamedTuple):
    """A category to stop, or to hear of again."""

    category: str
    stopped: bool


def asks(data: str) -> bool:
    """Whether a postback is the menu's, or asks for it."""
    return data == NOTICES or wish_in(data) is not None


def wish_in(data: str) -> Wish | None:
    """What a tapped button of the menu wants; None for another's."""
    name, _, rest = data.partition(":")
    verb, _, category = rest.partition(":")
    if name != NOTICES or verb not in (_STOP, _START) or category not in OPTIONAL:
        return None
    return Wish(category, verb == _STOP)


_WORDS: dict[str, dict[str, str]] = {
    "ja": {
        "title": "お知らせの設定",
        "on": "受け取る",
        "off": "停止中",
        "stop": "{0}を停止",
        "start": "{0}を受け取る",
        "how": "下のボタンで変えられます。いつでも元に戻せます。",
        "always": "トークでの返信と会員登録のご案内は、いつもお届けします。",
    },
    "en": {
        "title": "Your notices",
        "on": "on",
        "off": "stopped",
        "stop": "Stop {0}",
        "start": "Get {0}",
        "how": "Change them with the buttons below, and back at any time.",
        "always": "Answers in chat and news of your membership always arrive.",
    },
}
_SHORT = {
    "ja": {"receipt": "ポイント", "rank": "ランク", "expiry": "有効期限", "campaign": "お得な情報"},
    "en": {"receipt": "points", "rank": "rank news", "expiry": "expiry", "campaign": "offers"},
}


def menu(stopped: Collection[str], language: str) -> str:
    """The menu as LINE's messages: how things are, and a button for each category."""
    words = _WORDS[language]
    lines = [
        f"{_name(category, language)}: {words['off' if category in stopped else 'on']}"
        for category in OPTIONAL
    ]
    text = "\n".join([words["title"], "", *lines, "", words["how"], words["always"]])
    buttons = [_button(category, category not in stopped, language) for category in OPTIONAL]
    message = {"type": "text", "text": text, "quickReply": {"items": buttons}}
    return json.dumps([message], ensure_ascii=False, separators=(",", ":"))


def _button(category: str, stops: bool, language: str) -> dict[str, Any]:
    verb = _STOP if stops else _START
    label = _WORDS[language][verb].format(_SHORT[language][category])
    action = {
        "type": "postback",
        "label": label,
        "data": f"{NOTICES}:{verb}:{category}",
        "displayText": label,
    }
    return {"type": "action", "action": action}


def _name(category: str, language: str) -> str:
    found = CATEGORIES[category]
    return found.en if language == "en" else found.ja
