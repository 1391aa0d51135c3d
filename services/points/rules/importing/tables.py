"""Lines of a CSV file as rows of cells. A row that cannot be read is named, and the next one is
read as if nothing had been. Pure.

Rows are numbered as a spreadsheet shows them: the first one of the file is 1, empty ones count.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.points.rules.importing.spreadsheet import plain
from services.points.rules.importing.texts import BROKEN

DELIMITERS = (",", "\t", ";")
MOST_ROWS = 200_000
MOST_CELLS = 100
MOST_LINES = 50
"""Of one row: a quotation mark that is never closed must not swallow the file."""

MOST_CHARACTERS = 50_000
"""Of one row."""


class Row(NamedTuple):
    """A row that is not empty. `fault` says why it cannot be read; its cells are then what the line
    holds."""

    number: int
    cells: list[str]
    fault: str | None = None


class TooManyRows(ValueError):
    """More rows than one import takes."""


class _Runaway(Exception):
    """A row that does not end."""


def delimiter_of(line: str) -> str:
    """What separates the cells, by the first line: what occurs most outside of quotes."""
    outside = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def rows(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """All rows but empty ones. Raises TooManyRows."""
    feed = _Feed(lines)
    number = 0
    while feed.more():
        reader = csv.reader(feed, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                number += 1
                feed.read.clear()
                if any(cells):
                    yield _checked(number, cells)
                if number > MOST_ROWS:
                    raise TooManyRows
        except (csv.Error, _Runaway):
            number += 1
            line = feed.again()
            if line.strip():
                yield Row(number, [_cut(line)], "quotes")


def _checked(number: int, cells: list[str]) -> Row:
    plain_cells = [plain(cell).strip() for cell in cells[:MOST_CELLS]]
    if len(cells) > MOST_CELLS:
        return Row(number, list(map(_shown, plain_cells)), "too_many_cells")
    if any("\0" in cell or BROKEN in cell for cell in plain_cells):
        return Row(number, list(map(_shown, plain_cells)), "characters")
    return Row(number, plain_cells)


def _shown(cell: str) -> str:
    return cell.replace("\0", BROKEN)


def _cut(line: str) -> str:
    return _shown(line.strip())[:1000]


class _Feed:
    """Lines for a reader, remembered until the row that they make has been read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._ahead: deque[str] = deque()
        self.read: list[str] = []

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if len(self.read) >= MOST_LINES or sum(map(len, self.read)) > MOST_CHARACTERS:
            raise _Runaway
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self.read.append(line)
        return line

    def more(self) -> bool:
        """Whether a line is left."""
        if not self._ahead:
            line = next(self._lines, None)
            if line is None:
                return False
            self._ahead.append(line)
        return True

    def again(self) -> str:
        """Give up the row at hand: its first line is returned, the others are read anew."""
        first, *others = self.read or [next(self)]
        self._ahead.extendleft(reversed(others))
        self.read.clear()
        return first
