"""What counts as a question in chat."""

import pytest

from services.notify.chat import topic_of_postback, topic_of_text


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("ポイント", "balance"),
        ("ﾎﾟｲﾝﾄ", "balance"),
        (" ポイント？ ", "balance"),
        ("残高", "balance"),
        ("残高。", "balance"),
        ("point", "balance"),
        ("POINTS!", "balance"),
        ("Ｐｏｉｎｔｓ", "balance"),
        ("Balance?", "balance"),
        ("なぜ", "why"),
        ("なぜ？？", "why"),
        ("理由", "why"),
        ("WHY", "why"),
        ("カード連携", "link"),
        ("連携", "link"),
        ("Link", "link"),
        ("連携 123456", None),
        ("123456", None),
        ("連携解除", None),
        ("ポイントカードはありますか", None),
        ("pointless", None),
        ("", None),
        ("?", None),
        ("ポイント" * 1000, None),
        ("ありがとう", None),
    ],
)
def test_only_a_question_is_one(text, topic):
    assert topic_of_text(text) == topic


@pytest.mark.parametrize(("data", "topic"), [("balance", "balance"), ("why", "why"), ("x", None)])
def test_postbacks_name_the_topic(data, topic):
    assert topic_of_postback(data) == topic
