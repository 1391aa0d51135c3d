"""What became of a message, in words for owners. Pure.

Reasons that are not in the list are LINE's own words, or a budget's, and are shown as they are.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """The same in each language, and how it is marked: good, warn, bad or plain."""

    ja: str
    en: str
    mark: str = "plain"


STATUSES: Mapping[str, Words] = {
    "delivered": Words("送信済み", "Sent", "good"),
    "merged": Words("まとめて送信", "Sent with another", "good"),
    "waiting": Words("送信待ち", "Waiting", "warn"),
    "held": Words("保留", "Held", "warn"),
    "skipped": Words("送らなかった", "Not sent"),
    "dropped": Words("取りやめ", "Dropped"),
    "cancelled": Words("取り消し", "Cancelled"),
    "unknown": Words("結果不明", "Unknown", "warn"),
    "failed": Words("失敗", "Failed", "bad"),
}

WAYS: Mapping[str, Words] = {
    "reply": Words("返信(無料)", "Reply (free)"),
    "push": Words("プッシュ", "Push"),
    "multicast": Words("一斉", "Multicast"),
}

_REASONS: Mapping[str, Words] = {
    "blocked": Words("ブロックされています", "They have blocked the account"),
    "opted_out": Words("お客様が停止しています", "They have stopped such notices"),
    "switched_off": Words("お店の設定で停止しています", "The shop has switched such notices off"),
}


def reason(text: str | None) -> Words | None:
    """Why it was not sent, or not yet."""
    if not text:
        return None
    return _REASONS.get(text, Words(text, text))
