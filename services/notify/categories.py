"""What messages are about: the categories that people stop, owners set and budgets are for. Pure.

Owns the list, its order of urgency and its words. What a category may do stands in `preferences`.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Name = Literal["chat", "account", "receipt", "rank", "expiry", "campaign"]

URGENT = 1
"""Up to this priority somebody waits for it right now: a rush of the rest must not delay it."""

CAMPAIGN = 3
"""The priority of messages to many, which a process of their own sends."""


class Category(NamedTuple):
    """`priority`: lower goes first. `optional`: people may stop it, and owners time it."""

    priority: int
    optional: bool
    ja: str
    en: str


CATEGORIES: Mapping[str, Category] = {
    "chat": Category(0, False, "トークでの返信", "Answers in chat"),
    "account": Category(0, False, "会員登録・カード連携", "Membership and card"),
    "receipt": Category(1, True, "ポイントの増減", "Points earned and used"),
    "rank": Category(2, True, "ランク", "Rank"),
    "expiry": Category(2, True, "有効期限", "Expiry"),
    "campaign": Category(CAMPAIGN, True, "お得な情報", "Offers and news"),
}

OPTIONAL = tuple(name for name, category in CATEGORIES.items() if category.optional)

_OF_KIND: Mapping[str, str] = {
    "balance": "chat",
    "balance_next_rank": "chat",
    "why": "chat",
    "why_nothing": "chat",
    "notices": "chat",
    "earned": "receipt",
    "earned_pending": "receipt",
    "points_added": "receipt",
    "points_taken": "receipt",
    "redeemed": "receipt",
    "points_given": "receipt",
    "points_given_pending": "receipt",
    "refunded": "receipt",
    "rank_reached": "rank",
    "rank_reached_with_points": "rank",
    "rank_expiring": "expiry",
    "points_expiring": "expiry",
}


def of_kind(kind: str) -> str:
    """The category of what the engine says: of a template's name. What is about the membership
    itself, and what nobody has sorted yet, is `account`: it always arrives."""
    return _OF_KIND.get(kind, "account")
