"""The look as pages need it, kept in memory: they are opened far more often than it changes."""

import time

from services.points.brand import palette, stylesheet
from services.points.store import brand as store
from services.points.store.brand import Look
from shared.bus.handling import Connection

FRESH_SECONDS = 5.0
"""How long another process may still show the look of before."""

PLAIN = {"ja": "会員カード", "en": "Member card"}
"""What stands in place of a name that nobody has given."""


class Brand:
    """The look that is shown now."""

    def __init__(self) -> None:
        self._shown: Shown | None = None
        self._until = 0.0

    async def shown(self, connection: Connection) -> "Shown":
        """The look, read anew when it is some seconds old."""
        if self._shown is None or time.monotonic() > self._until:
            self._shown = Shown(await store.find(connection))
            self._until = time.monotonic() + FRESH_SECONDS
        return self._shown

    def forget(self) -> None:
        """It has just been changed here."""
        self._shown = None


class Shown:
    """A look with the addresses of its parts; each changes with what is behind it."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.color = look.color or palette.DEFAULT
        self.style = f"/static/brand.css?v={stylesheet.version(self.color)}"
        self.logo = address("logo", look.logo)
        self.picture = address("picture", look.picture)

    def name(self, lang: str) -> str:
        """The shop's name in a language; in the other one where only that was given."""
        names = [self.look.name_ja, self.look.name_en]
        first, second = names if lang == "ja" else names[::-1]
        return first or second or PLAIN["en" if lang == "en" else "ja"]

    @property
    def named(self) -> bool:
        """Whether somebody has given the shop a name."""
        return bool(self.look.name_ja or self.look.name_en)

    @property
    def theme(self) -> str:
        """The colour of the browser's own bars."""
        return palette.palette(self.color).light.brand


def address(kind: str, hash: str | None) -> str | None:
    """Where a picture is served, or None without one."""
    return f"/static/brand/{kind}-{hash}.webp" if hash else None
