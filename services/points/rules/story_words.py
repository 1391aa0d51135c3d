"""What happened to a member in few words, Japanese and English; entries have theirs in `explain`.
Pure."""

from collections.abc import Mapping
from typing import Any

from services.points.rules.explain import Words

_PARTS = {
    "external_id": Words("お店の会員番号", "your own id"),
    "phone": Words("電話番号", "phone"),
    "birthday": Words("誕生日", "birthday"),
    "gender": Words("性別", "gender"),
    "area": Words("地域", "area"),
    "fields": Words("お名前など", "name and other fields"),
    "consent": Words("同意", "consent"),
    "tags": Words("タグ", "tags"),
}
_FIELDS = {
    "name": Words("お名前", "name"),
    "name_kana": Words("フリガナ", "name in kana"),
    "nickname": Words("ニックネーム", "nickname"),
}
_PURPOSES = {
    "profile": Words("プロフィール", "profile"),
    "marketing": Words("お知らせ", "marketing"),
}
_STATUS = {
    "active": Words("利用を再開", "Resumed"),
    "suspended": Words("利用を停止", "Suspended"),
}
_REDEMPTIONS = {
    "authorised": Words("ポイントを確保中", "Points held"),
    "voided": Words("ポイント利用の取り消し", "Use of points voided"),
    "expired": Words("確保の時間切れ", "Hold timed out"),
}
JOINED = Words("入会", "Joined")
LEFT = Words("退会", "Left")
ERASED = Words("個人情報を消去", "Personal data erased")
FRIEND = Words("LINEの友だちになっています", "Is a friend in LINE")
BLOCKED = Words("LINEでブロックされています", "Has blocked the account in LINE")
EXPORT = Words("データの書き出し", "Copy of all data asked for")
REFUND = Words("返品(ポイントの増減なし)", "Refund, no points moved")
VISIT = Words("ご来店", "Visit")


def change(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, Words]:
    """What kind of change it is (tags, status, card, link, profile), and what it is called."""
    if "linked" in after:
        if after["linked"]:
            return "link", Words("LINEと連携", "Linked to LINE")
        return "link", Words("LINE連携を解除", "Link to LINE taken back")
    if "card" in after:
        return "card", Words("カードを再発行", "Card replaced")
    if "status" in after:
        plain = str(after["status"])
        return "status", _STATUS.get(plain, Words(plain, plain))
    if set(after) == {"tags"}:
        return "tags", _tags(before.get("tags") or [], after["tags"] or [])
    parts = [_part(name) for name in after]
    listed = Words("・".join(each.ja for each in parts), ", ".join(each.en for each in parts))
    return "profile", Words(f"会員情報の変更({listed.ja})", f"Profile changed: {listed.en}")


def _tags(before: list[str], after: list[str]) -> Words:
    on = [tag for tag in after if tag not in before]
    off = [tag for tag in before if tag not in after]
    ja = [
        *(f"タグ「{tag}」を付けました" for tag in on),
        *(f"タグ「{tag}」を外しました" for tag in off),
    ]
    en = [*(f"Tagged “{tag}”" for tag in on), *(f"Tag “{tag}” taken off" for tag in off)]
    return Words("、".join(ja), ", ".join(en))


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[tuple[Words, str | None, str | None]]:
    """The parts of a change as (what it is, as it was, as it is); fields each by their own name."""
    found: list[tuple[Words, str | None, str | None]] = []
    for name in after:
        old, new = before.get(name), after[name]
        if name in ("linked", "member", "tags"):
            continue
        if isinstance(new, Mapping) or isinstance(old, Mapping):
            old, new = old or {}, new or {}
            keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
            found += [
                (_field(name, key), _plain(old.get(key)), _plain(new.get(key))) for key in keys
            ]
        else:
            found.append((_part(name), _plain(old), _plain(new)))
    return found


def _part(name: str) -> Words:
    return _PARTS.get(name, Words(name, name))


def _field(part: str, name: str) -> Words:
    if part == "consent":
        purpose = _PURPOSES.get(name, Words(name, name))
        return Words(f"同意「{purpose.ja}」", f"consent “{purpose.en}”")
    return _FIELDS.get(name, Words(name, name))


def _plain(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Mapping):  # a consent
        return "✓" if value.get("given") else "–"
    return str(value)


def rank(direction: str, before: str | None, after: str | None) -> Words:
    """A rank that moved; the names of the ranks, None for none."""
    old_ja, old_en = before or "ランクなし", before or "no rank"
    new_ja, new_en = after or "ランクなし", after or "no rank"
    up = direction == "up"
    return Words(
        f"ランク{'アップ' if up else 'ダウン'}: {old_ja} → {new_ja}",
        f"Rank {'up' if up else 'down'}: {old_en} → {new_en}",
    )


def floor(code: str | None) -> Words:
    """A rank that was given by hand, or lifted (None)."""
    if code is None:
        return Words("手動のランクを解除", "Rank given by hand lifted")
    return Words(f"手動でランク「{code}」以上に", f"Rank at least {code}, by hand")


def merge(card: str | None, *, kept: bool, undone: bool) -> Words:
    """A merge from the side of the one who was kept, or of the other one."""
    which_ja, which_en = (
        (f"カード {card}", f"card {card}") if card else ("別のカード", "another card")
    )
    if undone:
        return Words(f"統合を取り消し({which_ja})", f"Merge undone: {which_en}")
    if kept:
        return Words(f"{which_ja} を統合", f"Took over {which_en}")
    return Words(f"{which_ja} に統合", f"Merged into {which_en}")


def redemption(status: str) -> Words:
    """A redemption that spent nothing (yet)."""
    return _REDEMPTIONS.get(status, Words(status, status))
