"""The card's two codes as SVG: paths only, for the pages' policy allows no inline style."""

import re

import barcode
import segno

QUIET = 11  # modules of white beside the bars, as EAN-13 wants
BAR_HEIGHT = 60
BORDER = 2  # modules of white around the square; the card around it is white too
_DARK = re.compile(rb"\x01+")
MASK = 3
"""What a member's code says is as good as random, so one mask serves as well as the others; to try
all eight would take five times as long."""


def ean13(card: str) -> str:
    """The card's EAN-13, one path of bars (the library's own has inline styles)."""
    path = bars(card)
    width = 95 + 2 * QUIET
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {BAR_HEIGHT}" '
        f'preserveAspectRatio="none" shape-rendering="crispEdges"><path d="{path}"/></svg>'
    )


def bars(card: str) -> str:
    """The bars as the data of a path."""
    modules = barcode.get("ean13", card).build()[0]
    return "".join(
        f"M{x} 0h1v{BAR_HEIGHT}h-1z" for x, module in enumerate(modules, QUIET) if module != "0"
    )


def qr(token: str) -> str:
    """A member's rotating code, one stroke for each dark run of a row."""
    rows = segno.make(token, error="m", micro=False, mask=MASK).matrix
    path = "".join(_strokes(bytes(row), y) for y, row in enumerate(rows, BORDER))
    size = len(rows) + 2 * BORDER
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" '
        f'shape-rendering="crispEdges" stroke="#000"><path d="{path}"/></svg>'
    )


def _strokes(row: bytes, y: int) -> str:
    """A row, whose bytes are 1 where it is dark, as strokes from left to right."""
    said, at = f"M{BORDER} {y}.5", 0
    for run in _DARK.finditer(row):
        gap = run.start() - at
        said += f"m{gap} 0h{run.end() - run.start()}" if gap else f"h{run.end() - run.start()}"
        at = run.end()
    return said
