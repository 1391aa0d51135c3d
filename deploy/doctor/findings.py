"""What was found: in both languages, with what to do about it. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

State = Literal["good", "hint", "unknown", "bad"]

TITLES = {
    "settings": ("設定", "settings"),
    "database": ("データベース", "database"),
    "schema": ("データベースの版", "database schema"),
    "personal-data": ("個人情報の鍵", "the key of personal data"),
    "clock": ("時計", "clock"),
    "broker": ("ブローカー", "broker"),
    "queues": ("キュー", "queues"),
    "retries": ("再試行", "tried again"),
    "dead-letters": ("デッドレター", "dead letters"),
    "cache": ("キャッシュ", "cache"),
    "purchases": ("未処理の購入", "purchases"),
    "outbox": ("送信待ちイベント", "outbox"),
    "messages": ("LINEへの通知", "messages"),
    "scheduler": ("スケジューラー", "scheduler"),
    "night": ("夜間処理", "the night"),
    "ledger": ("台帳の検査", "the ledger"),
    "logs": ("記録の保管", "logs"),
    "line": ("LINE", "LINE"),
    "processes": ("プロセス", "processes"),
    "disk": ("ディスク", "disk"),
    "backup": ("バックアップ", "backup"),
}
"""Each check, in the order in which it is told."""

_MARKS: dict[State, str] = {
    "good": "  良好 ok     ",
    "hint": "！注意 hint   ",
    "unknown": "？不明 unknown",
    "bad": "✕ 異常 WRONG  ",
}


class Finding(NamedTuple):
    """One thing that was looked at. `do`: a command to type or a page to read."""

    check: str
    state: State
    ja: str
    en: str
    do: str = ""


def good(check: str, ja: str, en: str) -> Finding:
    """All is as it should be."""
    return Finding(check, "good", ja, en)


def bad(check: str, ja: str, en: str, do: str) -> Finding:
    """Something is wrong; `do` says what to do."""
    return Finding(check, "bad", ja, en, do)


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is wrong; a hint, and what could not be known, is no fault."""
    return all(each.state != "bad" for each in findings)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """In the order in which checks are told."""
    places = {name: place for place, name in enumerate(TITLES)}
    return sorted(findings, key=lambda each: places[each.check])


def text(findings: Sequence[Finding]) -> str:
    """For people: Japanese first, English second."""
    parts = [_told(each) for each in ordered(findings)]
    wrong = sum(each.state == "bad" for each in findings)
    verdict = (
        f"異常が {wrong} 件あります。 / {wrong} thing(s) are wrong."
        if wrong
        else "異常はありません。 / Nothing is wrong."
    )
    return "\n".join([*parts, "", verdict])


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    """For programs."""
    return {
        "well": is_well(findings),
        "findings": [each._asdict() for each in ordered(findings)],
    }


def _told(finding: Finding) -> str:
    ja, en = TITLES[finding.check]
    lines = [f"{_MARKS[finding.state]} {ja} / {en}", f"      {finding.ja}", f"      {finding.en}"]
    if finding.do and finding.state != "good":
        lines.append(f"      → {finding.do}")
    return "\n".join(lines)
