"""The menu of notices in chat: what asks for it, what it says, and that LINE takes it."""

import json

import pytest

from services.notify import chat
from services.notify.categories import OPTIONAL
from services.notify.preferences import menu
from services.notify.preferences.menu import Wish
from services.notify.preferences.profiles import Found, Profile, spoken
from services.notify.sending.outcomes import profile_in
from services.notify.templates import checking

LANGUAGES = ("ja", "en")


@pytest.mark.parametrize(
    "text", ["通知", "お知らせ停止", "Notices", " ＮＯＴＩＣＥＳ！", "配信停止。"]
)
def test_words_that_ask_for_it(text):
    assert chat.topic_of_text(text) == menu.NOTICES


@pytest.mark.parametrize("text", ["通知が来ない", "お知らせありがとう", "stop"])
def test_words_that_do_not(text):
    assert chat.topic_of_text(text) is None


def test_buttons_say_what_is_wanted():
    assert menu.wish_in("notices:stop:receipt") == Wish("receipt", stopped=True)
    assert menu.wish_in("notices:start:campaign") == Wish("campaign", stopped=False)


@pytest.mark.parametrize(
    "data",
    ["", "notices", "notices:stop:chat", "notices:stop:", "notices:drop:rank", "x:stop:rank"],
)
def test_what_is_no_button_of_ours_wants_nothing(data):
    assert menu.wish_in(data) is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stopped", [(), ("rank",), OPTIONAL])
def test_each_button_leads_to_the_other_state(language, stopped):
    (message,) = json.loads(menu.menu(stopped, language))
    actions = [item["action"] for item in message["quickReply"]["items"]]
    wishes = [menu.wish_in(action["data"]) for action in actions]
    assert [(wish.category, wish.stopped) for wish in wishes] == [
        (category, category not in stopped) for category in OPTIONAL
    ]
    assert all(chat.topic_of_postback(action["data"]) == menu.NOTICES for action in actions)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stopped", [(), OPTIONAL])
def test_line_takes_it(language, stopped):
    (message,) = json.loads(menu.menu(stopped, language))
    for item in message["quickReply"]["items"]:
        assert len(item["action"]["label"]) <= 20
    assert checking.check([message], {}) == []


@pytest.mark.parametrize(
    ("language", "ours"),
    [("ja", "ja"), ("ja-JP", "ja"), ("en", "en"), ("zh-Hant", "en"), (None, None), ("", None)],
)
def test_who_is_not_japanese_is_spoken_to_in_english(language, ours):
    assert spoken(language) == ours


@pytest.mark.parametrize(
    ("status", "body", "profile"),
    [
        (
            200,
            b'{"displayName":" Hana\\u0000 ","language":"ja"}',
            Profile(Found.TOLD, "Hana", "ja"),
        ),
        (200, b'{"displayName":"","statusMessage":"hi"}', Profile(Found.TOLD)),
        (404, b'{"message":"Not found"}', Profile(Found.NONE)),
        (200, b"<html>", Profile(Found.LATER)),
        (429, b"{}", Profile(Found.LATER)),
        (500, b"", Profile(Found.LATER)),
        (401, b"{}", Profile(Found.LATER)),
    ],
)
def test_a_profile_as_line_tells_it(status, body, profile):
    assert profile_in(status, body) == profile
