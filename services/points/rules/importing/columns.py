"""What columns may hold, how headings name it, and which presets there are. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from msgspec import Struct

_HEADINGS = {
    "external_id": """
        会員id 会員コード 会員番号 顧客id 顧客コード 顧客番号 お客様番号 お客様コード
        お客様id 外部id ユーザーid 管理番号 externalid memberid customerid customercode
        customernumber membernumber userid id
    """,
    "card": """
        カード番号 カードno カードid 会員証番号 会員カード番号 バーコード カード
        ショップカード番号 ポイントカード番号 card cardnumber cardno cardid barcode 番号 no
    """,
    "phone": """
        電話番号 電話 携帯 携帯電話 携帯番号 携帯電話番号 tel phone mobile phonenumber
        telephone ご連絡先 連絡先
    """,
    "name": """
        氏名 名前 お名前 会員名 顧客名 お客様名 name fullname customername membername
        ユーザー名 表示名
    """,
    "birthday": "生年月日 誕生日 お誕生日 birthday birthdate dateofbirth dob",
    "area": "地域 エリア お住まい 市区町村 住所 area region city",
    "tags": "タグ ラベル 分類 グループ tags tag labels groups",
    "points": """
        ポイント ポイント残高 残高 残ポイント 保有ポイント 現在のポイント ポイント数
        合計ポイント 累計ポイント 有効ポイント 利用可能ポイント スタンプ スタンプ数 個数
        points point balance pointsbalance pointbalance stamps stampcount currentpoints
    """,
    "points_until": """
        有効期限 ポイント有効期限 失効日 期限 カード有効期限 pointsexpiry pointsuntil expiry
        expirydate expiresat expirationdate expires
    """,
    "rank": "ランク 会員ランク ステージ 会員ステージ 等級 rank tier level",
    "rank_until": "ランク有効期限 ランク期限 ステージ有効期限 rankuntil tieruntil",
    "joined": """
        入会日 登録日 会員登録日 入会日時 登録日時 発行日 カード発行日 カード取得日 作成日
        joinedat joined joindate registeredat signupdate createdat
    """,
    "last_visit": """
        最終来店日 最終利用日 最終来店 最終利用日時 最終購入日 最終来店日時 lastvisit
        lastvisitat lastpurchase lastused lastusedat
    """,
    "spent": """
        累計購入金額 累計金額 購入金額 累計利用金額 累計売上 総購入額 購入累計 lifetimespend
        totalspend totalspent amountspent spent ltv
    """,
    "note": "備考 メモ コメント note notes memo comment remarks",
}
"""What a column may hold, each with the headings that mean it, as `_simple` writes them."""

FIELDS = {field: tuple(names.split()) for field, names in _HEADINGS.items()}

NAMES = ("external_id", "card", "phone")
"""What names a member: a row needs one of them."""

ATTRIBUTES = ("name", "birthday", "area", "note")
"""What is kept with the customer's consent only."""

MOST_COLUMNS = 60
_BRACKETS = re.compile(r"[((\[【].*?[))\]】]")
_MARKS = re.compile(r"[\s_\-・:./*※\"']+")


class Preset(Struct, frozen=True):
    """Where a shop comes from: `without_headings` is what the columns hold where there are none,
    `reads` what headings mean there that mean something else elsewhere."""

    ja: str
    en: str
    without_headings: tuple[str, ...]
    reads: Mapping[str, str] = {}


PRESETS: dict[str, Preset] = {
    "line_shop_card": Preset(
        "LINEショップカード",
        "LINE shop card (reward card)",
        ("card", "points", "last_visit"),
        {
            "会員番号": "card",
            "ユーザーid": "external_id",
            "取得日": "joined",
            "使用日": "last_visit",
        },
    ),
    "paper_card": Preset(
        "紙のカード", "Paper card", ("card", "points"), {"会員番号": "card", "no": "card"}
    ),
    "other": Preset("ほかのツール", "Another tool", ("external_id", "phone", "name", "points")),
}


class Guess(Struct, frozen=True):
    """Whether the first row are headings, and what the columns hold."""

    has_headings: bool
    columns: dict[int, str]


def guess(first: Sequence[str], preset: str) -> Guess:
    """What the first row of a file says about its columns."""
    chosen = PRESETS[preset]
    found: dict[int, str] = {}
    for place, heading in enumerate(first[:MOST_COLUMNS]):
        field = _meant(heading, chosen)
        if field is not None and field not in found.values():
            found[place] = field
    if found:
        return Guess(True, found)
    if any(any(letter.isdigit() for letter in cell) for cell in first):
        return Guess(False, dict(enumerate(chosen.without_headings[: len(first)])))
    return Guess(True, {})


def _meant(heading: str, preset: Preset) -> str | None:
    simple = _simple(heading)
    if not simple:
        return None
    if simple in preset.reads:
        return preset.reads[simple]
    return next((field for field, names in FIELDS.items() if simple in names), None)


def _simple(heading: str) -> str:
    """A heading without what people write differently: width, case, marks, what is in brackets."""
    plain = unicodedata.normalize("NFKC", heading).casefold()
    return _MARKS.sub("", _BRACKETS.sub("", plain))
