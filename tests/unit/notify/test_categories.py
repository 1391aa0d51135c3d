"""Every kind that the engine says has a category, and what somebody waits for goes first."""

import pytest

from services.notify import categories
from services.notify.categories import CAMPAIGN, CATEGORIES, OPTIONAL, URGENT
from services.notify.templates.wording import KINDS

ALWAYS = {
    "joined",
    "joined_with_points",
    "joined_with_pending_points",
    "returned",
    "linked",
    "linked_with_points",
    "unlinked",
    "link_refused",
    "link_offer",
}
"""About the membership itself: nobody stops these."""


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_about_the_membership_is_sorted_nowhere_else(kind):
    assert (categories.of_kind(kind) == "account") == (kind in ALWAYS)


def test_receipts_go_before_news_and_news_before_offers():
    order = sorted(CATEGORIES, key=lambda name: CATEGORIES[name].priority)
    assert order == ["chat", "account", "receipt", "rank", "expiry", "campaign"]
    assert CATEGORIES["receipt"].priority <= URGENT < CATEGORIES["rank"].priority < CAMPAIGN


def test_answers_cannot_be_stopped():
    assert OPTIONAL == ("receipt", "rank", "expiry", "campaign")
