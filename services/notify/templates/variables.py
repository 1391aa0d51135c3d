"""What stands in a variable of a message, how long it may get, and how it is made to fit. Pure.

Every bound counts: a template is checked with its variables at their shortest and at their longest,
so a value must never lie outside of what its variable says. LINE refuses empty texts, so no value
is empty: where nothing is known stands a dash.
"""

import re
from typing import Literal, NamedTuple
from urllib.parse import quote

from shared.line.text_length import utf16_units

Form = Literal["text", "percent", "address"]

NOTHING = "-"

_LONGEST_UNIT = "あ"  # no UTF-16 unit takes more bytes than these three, nor more escaped in a URI
_ADDRESS = "https://example.com/"
_unsendable = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_address = re.compile(r"https?://[!-~]+")
_percent = re.compile(r"\d{1,2}|100")


class Variable(NamedTuple):
    """`most` counts UTF-16 units. A `percent` is a whole number from 0 to 100, for widths; an
    `address` is a whole one, which is not escaped within a URI."""

    most: int
    form: Form = "text"

    @property
    def longest(self) -> str:
        """A value than which none takes more."""
        if self.form == "percent":
            return "100"
        if self.form == "address":
            return _ADDRESS + "a" * (self.most - len(_ADDRESS))
        return _LONGEST_UNIT * self.most

    @property
    def shortest(self) -> str:
        """A value than which none takes less."""
        if self.form == "percent":
            return "0"
        if self.form == "address":
            return _ADDRESS
        return NOTHING

    def fitted(self, value: str) -> str:
        """The value within its bounds, without what cannot be sent."""
        if self.form == "percent":
            return value if _percent.fullmatch(value) else "0"
        if self.form == "address":
            fits = len(value) <= self.most and _address.fullmatch(value)
            return value if fits else _ADDRESS
        if _unsendable.search(value):
            value = _unsendable.sub("", value)
        return clip(value, self.most) or NOTHING

    def in_uri(self, value: str) -> str:
        """A fitted value as it stands within a URI."""
        return value if self.form == "address" else quote(value, safe="")


def clip(text: str, units: int) -> str:
    """`text`, or as much of it as fits `units` UTF-16 units with an ellipsis."""
    if len(text) * 2 <= units or utf16_units(text) <= units:
        return text
    kept = text.encode("utf-16-le", "surrogatepass")[: (units - 1) * 2]
    return kept.decode("utf-16-le", "ignore") + "…"
