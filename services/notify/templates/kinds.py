"""The kinds of message that the engine sends: what each is for, and what its variables hold.

Owners read this in the API; checks and fillings go by it. A kind that goes, or a variable, makes
what owners saved of it unusable, so both are only ever added. Pure.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.notify.templates.checking import Found, check
from services.notify.templates.fixed import FIXED
from services.notify.templates.placeholders import mentions
from services.notify.templates.variables import Form, Variable

Told = str | tuple[str, str]


class Words(NamedTuple):
    """The same in each language."""

    ja: str
    en: str


class Slot(NamedTuple):
    """A variable of a kind, with an example of what it holds."""

    variable: Variable
    meaning: Words
    example: Words


class Kind(NamedTuple):
    """When a message is sent, and its variables by name."""

    purpose: Words
    slots: Mapping[str, Slot]

    @property
    def variables(self) -> dict[str, Variable]:
        """Name → bounds, for checks."""
        return {name: slot.variable for name, slot in self.slots.items()}


def _slot(most: int, ja: str, en: str, example: Told, form: Form = "text") -> Slot:
    both = (example, example) if isinstance(example, str) else example
    return Slot(Variable(most, form), Words(ja, en), Words(*both))


def _kind(ja: str, en: str, **slots: Slot) -> Kind:
    return Kind(Words(ja, en), slots)


_points = _slot(24, "ポイント数", "the number of points", "120")
_balance = _slot(24, "使えるポイントの残高", "the balance that can be spent", "1,250")
_card = _slot(40, "会員番号", "the member's number", "2900000000016")
_rank = _slot(100, "ランクの名前", "the rank's name", ("シルバー", "Silver"))
_reason = _slot(
    500,
    "お店が書いた理由",
    "the reason, as the shop wrote it",
    ("雨の日の贈り物", "Rainy day gift"),
)
_refund = _slot(
    900,
    "取り消したポイントとお戻ししたポイント",
    "points taken back and given back",
    ("買い物で付いた分の取り消し: 30 ポイント", "Taken back, earned by the purchase: 30 points"),
)
_brings = _slot(
    400,
    "そのランクの特典。なければひとこと",
    "what the rank brings; a friendly line where it brings nothing",
    ("ポイント1.5倍", "1.5 times the points"),
)
_details = _slot(
    900,
    "確定待ちのポイントなど。なければひとこと",
    "pending points and the like; a friendly line where there is nothing",
    ("確定待ち: 30 ポイント", "Pending: 30 points"),
)
_missing = _slot(
    400, "足りないもの", "what is missing", ("あとご来店2回でゴールド", "2 more visits to Gold")
)
_keeps = _slot(400, "あと何で続くか", "what keeps it", ("ご来店2回", "2 more visits"))
_progress = _slot(3, "次のランクまでの進み（%）", "progress to it, in percent", "60", "percent")
_dates = _slot(
    600,
    "期限ごとのポイント（1行ずつ）",
    "points by their last day, one a line",
    ("2026/01/31 まで　120 pt", "2026/01/31: 120 points"),
)
_latest = _slot(
    4500,
    "最近の記録と理由",
    "the latest entries and their reasons",
    (
        "2026/01/31 12:34　+120 ポイント\nお買い上げ12,000円",
        "2026/01/31 12:34  +120 points\nPurchase of ¥12,000",
    ),
)
_refusal = _slot(
    700,
    "できない理由と次にすること",
    "why, and what to do",
    ("このカードはすでにこのLINEと連携しています。", "This card is linked already."),
)
_link = _slot(
    600,
    "連携のページ（10分間有効）",
    "the page that links, good for ten minutes",
    "https://example.com/link",
    "address",
)
_usable = _slot(40, "使えるようになる日時", "from when they can be spent", "2026/02/03 12:34")
_bought = _slot(40, "お買い物の日時", "when it was", "2026/01/31 12:34")
_moved = {"points": _points, "balance": _balance}
_explained = {**_moved, "reason": _reason}
_carded = {"card": _card, "balance": _balance}
_answered = {**_carded, "rank": _rank, "details": _details}

KINDS: Mapping[str, Kind] = {
    "joined": _kind("友だち追加へのあいさつ", "welcomes a new member", **_carded),
    "joined_with_points": _kind(
        "あいさつとウェルカムポイント",
        "welcomes a new member with points",
        **_carded,
        points=_points,
    ),
    "joined_with_pending_points": _kind(
        "あいさつと、後日使えるようになるウェルカムポイント",
        "welcomes a new member with points that cannot be spent yet",
        **_carded,
        points=_points,
        usable=_usable,
    ),
    "returned": _kind(
        "ブロック解除で戻った会員へ", "greets a member who unblocked the account", **_carded
    ),
    "earned": _kind(
        "お買い物でポイントが付いたとき",
        "the receipt of a purchase's points",
        **_moved,
        when=_bought,
    ),
    "earned_pending": _kind(
        "お買い物でポイントが付き、後日使えるようになるとき",
        "the receipt of a purchase's points that cannot be spent yet",
        **_moved,
        when=_bought,
        usable=_usable,
    ),
    "points_added": _kind(
        "お店がポイントを追加したとき", "points were added by hand", **_explained
    ),
    "points_taken": _kind(
        "お店がポイントを差し引いたとき", "points were deducted by hand", **_explained
    ),
    "redeemed": _kind("ポイントが使われたとき", "points were spent", **_moved),
    "points_given": _kind(
        "スタッフがポイントを贈ったとき", "points were given by staff", **_explained
    ),
    "points_given_pending": _kind(
        "スタッフがポイントを贈り、後日使えるようになるとき",
        "points were given by staff that cannot be spent yet",
        **_explained,
        usable=_usable,
    ),
    "refunded": _kind(
        "返品でポイントが変わったとき",
        "a refund changed the points",
        balance=_balance,
        details=_refund,
    ),
    "rank_reached": _kind("ランクが上がったとき", "a rank was reached", rank=_rank, brings=_brings),
    "rank_reached_with_points": _kind(
        "ランクが上がり、ポイントを贈ったとき",
        "a rank was reached, with points as a gift",
        rank=_rank,
        brings=_brings,
        points=_points,
    ),
    "rank_expiring": _kind(
        "ランクの期限が近いとき",
        "a rank is about to be lost",
        rank=_rank,
        when=_slot(40, "ランクの最後の日", "the last day of the rank", "2026/01/31"),
        missing=_keeps,
    ),
    "points_expiring": _kind(
        "ポイントの期限が近いとき",
        "points are about to expire",
        **_moved,
        when=_slot(40, "いちばん早い期限の日", "the soonest last day", "2026/01/31"),
        entries=_dates,
    ),
    "balance": _kind("残高のお答え", "answers what the balance is", **_answered),
    "balance_next_rank": _kind(
        "残高のお答え。次のランクがあるとき",
        "answers what the balance is, when there is a rank to reach",
        **_answered,
        next_rank=_slot(100, "次のランク", "the next rank", ("ゴールド", "Gold")),
        missing=_missing,
        progress=_progress,
    ),
    "why": _kind("ポイントの理由のお答え", "answers how points came about", entries=_latest),
    "why_nothing": _kind(
        "理由のお答え。記録がないとき", "answers how points came about, where there are none"
    ),
    "linked": _kind("カードの連携が済んだとき", "a card was linked", **_carded),
    "linked_with_points": _kind(
        "連携が済み、ポイントを贈ったとき",
        "a card was linked, with welcome points",
        **_carded,
        points=_points,
    ),
    "unlinked": _kind("カードの連携を解除したとき", "a link was taken back", **_carded),
    "link_refused": _kind("カードを連携できないとき", "a card cannot be linked", text=_refusal),
    "link_offer": _kind(
        "カードの連携のご案内。最後のメッセージは、リンクを出せないときに代わりに送ります",
        "offers to link a card; the last message is sent instead where there is no link",
        link=_link,
    ),
}

_OFFER = "Write at least two messages: the last, without {link}, is sent where there is no link."


def problems(kind: str, messages: Any, fixed: Mapping[str, str] = FIXED) -> Found:
    """What keeps messages from being saved for a kind, as `checking.check` tells it."""
    found = check(messages, KINDS[kind].variables, fixed)
    if kind == "link_offer" and not found:
        *offer, words = messages
        if not mentions(offer, "link") or mentions(words, "link"):
            found.append(("messages", _OFFER))
    return found
