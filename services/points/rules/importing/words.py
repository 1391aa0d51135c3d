"""What is said of rows, in both languages. Pure."""

from collections.abc import Sequence

from services.points.rules.explain import Words
from services.points.rules.importing.rows import Fault

FIELDS = {
    "external_id": Words("会員ID", "Member ID"),
    "card": Words("カード番号", "Card number"),
    "phone": Words("電話番号", "Phone"),
    "name": Words("氏名", "Name"),
    "birthday": Words("生年月日", "Birthday"),
    "area": Words("地域", "Area"),
    "tags": Words("タグ", "Tags"),
    "points": Words("ポイント残高", "Points balance"),
    "points_until": Words("ポイント有効期限", "Points expiry"),
    "rank": Words("ランク", "Rank"),
    "rank_until": Words("ランク有効期限", "Rank until"),
    "joined": Words("入会日", "Joined"),
    "last_visit": Words("最終来店日", "Last visit"),
    "spent": Words("累計購入金額", "Lifetime spend"),
    "note": Words("備考", "Note"),
}
"""The headings of the export, too: what is exported can be imported."""

FATES = {
    "new": Words("新しい会員になります", "Becomes a new member"),
    "matched": Words("登録済みの会員に加えます", "Added to a member who is there"),
    "skipped": Words("何もしません", "Nothing is done"),
    "bad": Words("取り込めません", "Cannot be taken in"),
}

_SAID = {
    "quotes": Words(
        '引用符(")が閉じていないか、余分です',
        'A quotation mark (") is not closed, or is one too many',
    ),
    "too_many_cells": Words("列が多すぎます", "There are too many columns"),
    "characters": Words(
        "文字化けしているか、使えない文字があります",
        "It has broken characters, or some that cannot be kept",
    ),
    "too_long": Words("{}文字以内にしてください", "It may have at most {} characters"),
    "spreadsheet_number": Words(
        "表計算ソフトが数値に変えています(1.23E+12など)。列を「文字列」にして書き出し直してください",
        "The spreadsheet made a number of it (such as 1.23E+12). Format the column as text and "
        "export again",
    ),
    "phone": Words(
        "電話番号として読めません(例: 090-1234-5678)",
        "This is no phone number (such as 090-1234-5678)",
    ),
    "number": Words("数として読めません", "This is no number"),
    "negative": Words("マイナスの値は取り込めません", "It is below zero"),
    "fraction": Words(
        "小数は取り込めません。整数にしてください", "It has a fraction; give whole ones"
    ),
    "too_many": Words("{}までです", "At most {}"),
    "date": Words(
        "日付として読めません(例: 2026/1/5、令和8年1月5日)",
        "This is no date (such as 2026/1/5)",
    ),
    "past": Words("期限が過ぎています", "This day is over"),
    "future": Words("未来の日付です", "This day is still to come"),
    "rank": Words("このランクはありません。あるもの: {}", "There is no such rank. There are: {}"),
    "tag": Words(
        "タグは50文字以内で、「/」は使えません", 'A tag has at most 50 characters and no "/"'
    ),
    "too_many_tags": Words("タグは{}個までです", "At most {} tags"),
    "no_name": Words(
        "会員ID・カード番号・電話番号のどれかが必要です",
        "It needs a member ID, a card number or a phone number",
    ),
    "duplicate": Words("{}行目と同じです", "It is the same as in row {}"),
    "card_replaced": Words("再発行済みの古いカードです", "This card was replaced by a new one"),
    "names_differ": Words(
        "会員ID・カード番号・電話番号が別々の会員のものです",
        "Member ID, card number and phone number lead to different members",
    ),
    "member_left": Words("退会した会員です", "This member has left"),
    "other_external_id": Words(
        "この会員には別の会員IDがあります", "This member has another member ID"
    ),
    "same_member": Words("{}行目と同じ会員です", "It is the same member as in row {}"),
    "books_broken": Words(
        "この会員の台帳が合いません。tamaru ledger verify で確かめてください",
        "This member's ledger does not add up; run tamaru ledger verify",
    ),
    "zero_added": Words("先頭の0を補いました", "The leading 0 was put back"),
    "phone_kept": Words(
        "登録済みの電話番号をそのまま残します", "The phone number that is there is kept"
    ),
    "brought_before": Words(
        "以前の取り込みで引き継ぎ済みです", "Brought along by an earlier import"
    ),
}


def said(fault: Fault) -> Words:
    """What is wrong with a row, or was noted, without its column."""
    words = _SAID.get(fault.kind, Words("取り込めません", "It cannot be taken in"))
    return Words(words.ja.format(fault.detail), words.en.format(fault.detail))


def sentence(fault: Fault) -> Words:
    """The same with the column that it is about."""
    words = said(fault)
    if fault.field is None:
        return words
    column = FIELDS[fault.field]
    return Words(f"{column.ja}: {words.ja}", f"{column.en}: {words.en}")


def sentences(faults: Sequence[Fault]) -> Words:
    """All of a row in one text."""
    told = [sentence(each) for each in faults]
    return Words(" / ".join(each.ja for each in told), " / ".join(each.en for each in told))
