"""The colours of what is sent: all follow from one, the shop's own. Pure.

Contrast is that of WCAG 2: text is readable from 4.5 on.
"""

from collections.abc import Mapping

DEFAULT_BRAND = "#0B6B4F"
READABLE = 4.5
_WHITE = (255, 255, 255)
_BLACK = (17, 24, 21)
Rgb = tuple[int, int, int]


def colours(brand: str) -> Mapping[str, str]:
    """The names that messages may use, for a brand colour as #RRGGBB."""
    own = _rgb(brand)
    return {
        "color_brand": _text(own),
        "color_on_brand": _text(_WHITE if contrast(own, _WHITE) >= 3 else _BLACK),
        "color_accent": _text(_darkened(own)),
        "color_tint": _text(_mixed(own, _WHITE, 0.9)),
        "color_track": _text(_mixed(own, _WHITE, 0.8)),
        "color_text": "#1B2420",
        "color_muted": "#5F6B66",
        "color_line": "#E4E9E6",
        "color_warning": "#B45309",
        "color_warning_tint": "#FFF7E6",
    }


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast of two colours, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _darkened(colour: Rgb) -> Rgb:
    """The colour, as dark as it must be to be read as text on white."""
    share = 0.0
    while contrast(dark := _mixed(colour, _BLACK, share), _WHITE) < READABLE:
        share += 0.05
    return dark


def _mixed(colour: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _luminance(colour: Rgb) -> float:
    parts = (each / 255 for each in colour)
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(text: str) -> Rgb:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _text(colour: Rgb) -> str:
    return "#{:02X}{:02X}{:02X}".format(*colour)
