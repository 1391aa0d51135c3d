"""The font of drawn menus: one that is made to be read, from the distribution's packages.

Without a font that has Japanese, words in Latin letters are still drawn in Pillow's own; menus with
other words get their icons only, and say so.
"""

from functools import cache
from pathlib import Path

from PIL import ImageFont

PLACES = (
    "/usr/share/fonts/truetype/bizud-gothic/BIZUDPGothic-Bold.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf",
    "/System/Library/Fonts/ヒラギノ角ゴシック W6.ttc",
)
"""The first that is there: the one of the image first, those of other systems after it."""

MISSING = (
    "There is no Japanese font on this machine, so the menu shows icons without words. Install "
    "the package fonts-morisawa-bizud-gothic or fonts-noto-cjk; the menu is then drawn anew."
)

Font = ImageFont.FreeTypeFont


@cache
def japanese() -> str | None:
    """The path of a font that has Japanese, or None."""
    return next((place for place in PLACES if Path(place).is_file()), None)


def has(words: str) -> bool:
    """Whether these words can be drawn on this machine."""
    return japanese() is not None or all(letter <= "\xff" for letter in words)


@cache
def sized(pixels: int) -> Font:
    """The font in a size."""
    place = japanese()
    if place is not None:
        return ImageFont.truetype(place, pixels)
    own = ImageFont.load_default(pixels)
    assert isinstance(own, ImageFont.FreeTypeFont)  # noqa: S101 - with a size it is
    return own
