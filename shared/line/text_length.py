"""How LINE counts the length of a text: UTF-16 units for bodies, graphemes for labels and names.

Owns counting only; which limit applies where stands in the rule modules.
"""

import unicodedata

_ZERO_WIDTH_JOINER = "\u200d"


def utf16_units(text: str) -> int:
    """Length in UTF-16 code units, as LINE counts message texts (an emoji is 2)."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def graphemes(text: str) -> int:
    """Length in characters as a reader sees them, as LINE counts labels and names.

    The standard library has no segmentation, so this joins what commonly combines: marks,
    variation selectors, skin tones, joined emoji and flags. Rarer scripts may count higher.
    """
    if text.isascii():
        return len(text)
    count = 0
    flag_open = False
    previous = ""
    for character in text:
        is_flag_half = "\U0001f1e6" <= character <= "\U0001f1ff"
        if not (previous and (_extends(character) or previous == _ZERO_WIDTH_JOINER)):
            if is_flag_half and flag_open:
                flag_open = False
            else:
                count += 1
                flag_open = is_flag_half
        previous = character
    return count


def _extends(character: str) -> bool:
    return (
        character == _ZERO_WIDTH_JOINER
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
        or unicodedata.category(character) in ("Mn", "Me", "Mc")
    )
