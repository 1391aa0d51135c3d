"""Phone numbers as one text each, however they are written: one phone is one member. Pure.

Japanese numbers are kept as they are dialled in Japan, digits only; others with + and their
country's code.
"""

import re
import unicodedata

FEWEST, MOST = 6, 15
"""Digits of a number; E.164 has at most 15."""

FEWEST_LAST = 4
"""Of so many last digits a member is found; fewer would tell too much of numbers that are not known
(docs/decisions/0026)."""

_JAPAN = re.compile(r"\+810?")
_FORM = re.compile(rf"\+?[0-9]{{{FEWEST},{MOST}}}", re.ASCII)
_SEPARATORS = re.compile(r"[\s()./‐-―−ー-]")


def normal(text: str) -> str | None:
    """The number in the one form, or None if this is no phone number."""
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    plain = _JAPAN.sub("0", plain, count=1) if plain.startswith("+81") else plain
    return plain if _FORM.fullmatch(plain) else None


def ends(number: str) -> list[str]:
    """The last digits of a number that it is found by, in all lengths but the whole number."""
    digits = number.lstrip("+")
    return [digits[-length:] for length in range(FEWEST_LAST, len(number))]
