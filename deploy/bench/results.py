"""What a benchmark says: one line a figure, each beside its yardstick, and the table of them all.

Words and numbers only; measures nothing.
"""

from collections.abc import Iterable, Sequence

import msgspec


class Line(msgspec.Struct, frozen=True):
    """A figure in its unit. With `beside` the yardstick's figure comes from the same run, and the
    target is of the ratio; `most` says that the target is one not to exceed, of the figure."""

    name: str
    figure: float
    unit: str = "/s"
    yardstick: str = ""
    beside: float | None = None
    target: float | None = None
    most: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure in yardsticks."""
        return self.figure / self.beside if self.beside else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        if self.most:
            return self.figure <= self.target
        return self.ratio is not None and self.ratio >= self.target


HEADS = ("", "figure", "yardstick", "ratio", "target", "met")


def table(lines: Sequence[Line]) -> str:
    """The lines as text in columns; what has to be said of a line stands below."""
    rows = [HEADS, *map(_cells, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    shown = [_row(row, widths) for row in rows]
    return "\n".join([shown[0], "-" * len(shown[0]), *shown[1:], *_notes(lines)])


def as_json(lines: Iterable[Line], **more: object) -> bytes:
    """The lines and whatever else there is to keep, as indented JSON."""
    found = [
        msgspec.structs.asdict(line) | {"ratio": line.ratio, "met": line.met} for line in lines
    ]
    return msgspec.json.format(msgspec.json.encode({**more, "figures": found}), indent=2) + b"\n"


def _cells(line: Line) -> tuple[str, ...]:
    beside = f"{line.yardstick} {_number(line.beside)}" if line.beside else line.yardstick
    ratio = f"{line.ratio:.2f}" if line.ratio else ""
    sign = "<=" if line.most else ">="
    target = "" if line.target is None else f"{sign} {line.target:g}"
    met = {True: "yes", False: "NO", None: ""}[line.met]
    mark = "*" if line.note else ""
    return (f"{line.name}{mark}", f"{_number(line.figure)} {line.unit}", beside, ratio, target, met)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    texts = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)]
    return "  ".join(texts)


def _notes(lines: Iterable[Line]) -> list[str]:
    return [f"* {line.name}: {line.note}" for line in lines if line.note]
