"""The colours that follow from the shop's one colour, each legible on what it stands on.

Owns contrast as WCAG 2 reckons it and what is changed where the shop's colour does not reach it.
Pure. A colour is "#rrggbb".
"""

import re

from msgspec import Struct

DEFAULT = "#0b6b4f"
TEXT = 4.5
"""The least contrast of text (AA)."""
SHAPE = 3.0
"""The least contrast of what is no text but has to be seen: a switch, a bar (AA)."""

PANEL = {"light": "#ffffff", "dark": "#1c221f"}
"""What the pages' text stands on; `card.css` has the same."""
WHITE, INK, BLACK = "#ffffff", "#101613", "#000000"
_FORM = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_STEPS = 50

RGB = tuple[float, float, float]


class Scheme(Struct, frozen=True):
    """One scheme's colours: `brand` and `deep` are grounds that bear `on` as text, `accent` is text
    on a panel, `shape` a control there. `kept`: whether `brand` is the shop's colour itself."""

    brand: str
    deep: str
    on: str
    accent: str
    shape: str
    kept: bool


class Palette(Struct, frozen=True):
    """Both schemes of a colour, and what was changed, in words for the owner."""

    light: Scheme
    dark: Scheme
    words: tuple[tuple[str, str], ...]


def is_color(text: str) -> bool:
    """Whether this is a colour as it is written here."""
    return _FORM.fullmatch(text) is not None


def palette(color: str) -> Palette:
    """What follows from the shop's colour."""
    light, dark = _scheme(color, "light"), _scheme(color, "dark")
    words = []
    if light.on != WHITE:
        words.append(
            (
                "明るい色のため、この色の上の文字は濃い色にします。",
                "This colour is light, so text on it is dark.",
            )
        )
    if light.accent != color:
        words.append(
            (
                f"白地の文字には、読みやすいよう少し濃くした {light.accent} を使います。",
                f"As text on white it would be hard to read, so {light.accent} is used there.",
            )
        )
    if not dark.kept:
        words.append(
            (
                f"ダークモードでは背景に沈まないよう、{dark.brand} に明るくして使います。",
                f"In dark mode it would hardly be seen, so it is lightened to {dark.brand} there.",
            )
        )
    return Palette(light, dark, tuple(words))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours: 1 to 21."""
    first, second = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _scheme(color: str, name: str) -> Scheme:
    panel = PANEL[name]
    away = INK if name == "light" else WHITE
    least = 1.0 if name == "light" else 1.35  # a dark card has to stand out from a dark page
    brand = _towards(color, WHITE, panel, least) if name == "dark" else color
    on = next(each for each in (WHITE, INK, BLACK) if contrast(brand, each) >= TEXT)
    deep = mixed(brand, INK if on == WHITE else WHITE, 0.28)
    return Scheme(
        brand=brand,
        deep=deep,
        on=on,
        accent=_towards(color, away, panel, TEXT),
        shape=_towards(color, away, panel, SHAPE),
        kept=brand == color,
    )


def _towards(color: str, end: str, ground: str, least: float) -> str:
    """The colour, moved towards `end` as far as it has to be for the contrast."""
    for step in range(_STEPS + 1):
        moved = mixed(color, end, step / _STEPS)
        if contrast(moved, ground) >= least:
            return moved
    return end


def mixed(one: str, other: str, share: float) -> str:
    """`one` with a share (0 to 1) of `other`."""
    parts = [a + (b - a) * share for a, b in zip(_rgb(one), _rgb(other), strict=True)]
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _luminance(color: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _rgb(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(color: str) -> RGB:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue
