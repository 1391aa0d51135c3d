"""The channel's rich menus: which exist, their images, aliases, and who sees which.

Owns that state. What LINE allows and answers stands in `rich_menu_rules` and `rich_menu_api`.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

MOST_MENUS = 1_000
MOST_ALIASES = 1_000
MOST_BATCHES = 1_000

Phase = Literal["ongoing", "succeeded", "failed"]


class Image(NamedTuple):
    media: str
    data: bytes


@dataclass(slots=True)
class RichMenu:
    """A menu as it was created; it can be shown once it has an image."""

    menu_id: str
    content: dict[str, Any]
    image: Image | None = None

    def shown(self) -> dict[str, Any]:
        return {"richMenuId": self.menu_id, **self.content}


class Batch(NamedTuple):
    """One accepted batch, for its progress; times are seconds."""

    phase: Phase
    accepted: float
    completed: float


@dataclass
class RichMenus:
    """A menu that is deleted disappears from whoever had it, and its aliases lead nowhere."""

    menus: dict[str, RichMenu] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    default: str | None = None
    links: dict[str, str] = field(default_factory=dict)
    batches: OrderedDict[str, Batch] = field(default_factory=OrderedDict)

    def add(self, content: dict[str, Any]) -> RichMenu:
        menu = RichMenu(f"richmenu-{secrets.token_hex(16)}", content)
        self.menus[menu.menu_id] = menu
        return menu

    def remove(self, menu_id: str) -> None:
        self.menus.pop(menu_id, None)
        if self.default == menu_id:
            self.default = None

    def linked(self, user_id: str) -> RichMenu | None:
        """The menu linked to this very user."""
        return self.menus.get(self.links.get(user_id, ""))

    def of_user(self, user_id: str) -> RichMenu | None:
        """The menu on the user's phone: the one linked to them, or else the default."""
        return self.linked(user_id) or self.menus.get(self.default or "")

    def replace(self, old: str, new: str | None) -> None:
        """Give everyone who has the menu `old` the menu `new`, or none."""
        holders = [user_id for user_id, menu_id in self.links.items() if menu_id == old]
        for user_id in holders:
            if new is None:
                del self.links[user_id]
            else:
                self.links[user_id] = new

    def finish_batch(self, request_id: str, batch: Batch) -> None:
        self.batches[request_id] = batch
        while len(self.batches) > MOST_BATCHES:
            self.batches.popitem(last=False)

    def clear(self) -> None:
        for store in (self.menus, self.aliases, self.links, self.batches):
            store.clear()
        self.default = None
