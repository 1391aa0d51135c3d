"""Names in messages that stand for the same in all of them: the theme's colours, and where the
member's card is. Pure.

They are put in once, when a template is made ready, not with each message.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from services.notify.templates.placeholders import replaced
from services.notify.templates.theme import DEFAULT_BRAND, colours

CARD_URL = "card_url"
_CARD = f"{{{CARD_URL}}}"


def fixed(brand: str = DEFAULT_BRAND, public_url: str = "") -> Mapping[str, str]:
    """What each name stands for; `card_url` is "" where nobody knows the shop's address."""
    card = f"{public_url.rstrip('/')}/card" if public_url else ""
    return MappingProxyType({**colours(brand), CARD_URL: card})


FIXED = fixed(public_url="https://example.com/")
"""With sample values, for checks."""


def settled(messages: Any, fixed: Mapping[str, str]) -> Any:
    """The messages with these names put in. Without an address of the card, the buttons and links
    that lead to it are left out, and what is empty then."""
    if not fixed.get(CARD_URL):
        messages = _without_card(messages)
    return [] if messages is _GONE else replaced(messages, fixed)


_CARRIERS = ("button", "action")
_GONE = object()


def _without_card(value: Any) -> Any:
    if isinstance(value, list):
        kept = [left for each in value if (left := _without_card(each)) is not _GONE]
        return kept if kept or not value else _GONE
    if not isinstance(value, dict):
        return value
    if _leads_to_card(value):
        return _GONE
    fields = {key: _without_card(each) for key, each in value.items()}
    gone = {key for key, each in fields.items() if each is _GONE}
    if gone & {"contents", "items"} or ("action" in gone and value.get("type") in _CARRIERS):
        return _GONE
    return {key: each for key, each in fields.items() if key not in gone}


def _leads_to_card(value: dict[str, Any]) -> bool:
    uri = value.get("uri")
    return isinstance(uri, str) and _CARD in uri
