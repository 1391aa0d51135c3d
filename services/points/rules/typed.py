"""What somebody typed to find a member, as the ranges of beginnings to look through; and where in
them a page ends. Pure.

What texts have in common (width, case, kana) is the database's to say: `form` comes from it.
"""

import base64
import re
import unicodedata
from collections.abc import Sequence
from uuid import UUID

import msgspec

LONGEST = 64
"""Letters of a term; what is typed beyond them is not looked at."""

HIGHEST = "\U0010ffff"
"""Behind every letter."""

START = UUID(int=0)
"""Before every owner."""

_SEPARATORS = re.compile(r"[\s()./‐-―−ー-]")
_JAPAN = re.compile(r"^\+810?")
_DIGITS = re.compile(r"\+?[0-9]+", re.ASCII)


class Range(msgspec.Struct, frozen=True):
    """All terms of a kind that begin with `low`; `also`: of those only whose phone ends by this
    mark, too."""

    kind: str
    low: str
    also: str | None = None

    @property
    def high(self) -> str:
        """Behind the last of them."""
        return self.low + HIGHEST


class Place(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Where a term stands among all that match: which range, the term, whose it is."""

    phase: int
    term: str
    owner: UUID


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: after `skip` members of the block that begins behind `place`."""

    place: Place
    skip: int = 0


def digits(text: str) -> str | None:
    """The digits of a card or a phone as they are kept, however far they are typed; else None."""
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    plain = _JAPAN.sub("0", plain)
    return plain if _DIGITS.fullmatch(plain) else None


def ranges(
    form: str,
    number: str | None,
    whole: str | None = None,
    end: str | None = None,
    also: str | None = None,
) -> list[Range]:
    """Where to look, best first: what begins so, numbers that end so, names that have it within.

    `whole` is the mark of a phone that is this number, `end` of one that has its last digits, and
    `also`, if there are more of them, of one that has them all."""
    found = [Range("b", form[:LONGEST])]
    if number and number != form:
        found.append(Range("b", number[:LONGEST]))
    if whole:
        found.append(Range("w", whole))
    if number and number.isdigit():
        found.append(Range("r", number[::-1][:LONGEST]))
    if end:
        found.append(Range("s", end, also))
    return [*found, Range("i", form[:LONGEST])]


def first(ranges: Sequence[Range]) -> Cursor:
    """Before everything."""
    return Cursor(Place(0, ranges[0].low, START))


def written(cursor: Cursor) -> str:
    """A cursor as it goes over the wire."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def read(text: str, ranges: Sequence[Range]) -> Cursor | None:
    """The cursor that was written so, if it is one of this search."""
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        cursor = msgspec.json.decode(plain, type=Cursor)
    except ValueError:  # msgspec's and base64's too
        return None
    place = cursor.place
    if not 0 <= place.phase < len(ranges) or not 0 <= cursor.skip <= 10_000:
        return None
    if "\x00" in place.term or not place.term.startswith(ranges[place.phase].low):
        return None
    return cursor
