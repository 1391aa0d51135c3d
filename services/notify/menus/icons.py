"""Icons of rich menus, drawn from shapes in a square of 100 by 100, so that no font is needed."""

import math
from collections.abc import Callable

from PIL import Image, ImageDraw

SCALE = 4
"""Drawn larger and made smaller: Pillow's shapes have hard edges."""

_INK, _NONE = 255, 0
_LINE = 7


class _Pen:
    """Draws in hundredths of the square."""

    def __init__(self, side: int) -> None:
        self.image = Image.new("L", (side, side), _NONE)
        self._draw = ImageDraw.Draw(self.image)
        self._unit = side / 100

    def box(self, *at: float, radius: float = 0, fill: int | None = None, line: float = 0) -> None:
        """A rectangle from left, top to right, bottom; an outline of `line`, or filled."""
        self._draw.rounded_rectangle(
            [each * self._unit for each in at],
            radius * self._unit,
            fill=_INK if fill is None and not line else fill,
            outline=_INK if line else None,
            width=round(line * self._unit),
        )

    def circle(
        self, x: float, y: float, radius: float, *, fill: int | None = None, line: float = 0
    ) -> None:
        self._draw.ellipse(
            [each * self._unit for each in (x - radius, y - radius, x + radius, y + radius)],
            fill=_INK if fill is None and not line else fill,
            outline=_INK if line else None,
            width=round(line * self._unit),
        )

    def path(self, *points: tuple[float, float], line: float = _LINE, fill: int = _INK) -> None:
        """Strokes with round ends and corners."""
        scaled = [(x * self._unit, y * self._unit) for x, y in points]
        self._draw.line(scaled, fill=fill, width=round(line * self._unit), joint="curve")
        for x, y in points:
            self.circle(x, y, line / 2, fill=fill)

    def shape(self, *points: tuple[float, float], fill: int = _INK) -> None:
        self._draw.polygon([(x * self._unit, y * self._unit) for x, y in points], fill=fill)

    def arc(self, *box: float, start: float, end: float, line: float = _LINE) -> None:
        """Clockwise from `start` to `end` degrees, 0 at three o'clock."""
        self._draw.arc(
            [each * self._unit for each in box],
            start,
            end,
            fill=_INK,
            width=round(line * self._unit),
        )


def _card(pen: _Pen) -> None:
    pen.box(6, 20, 94, 80, radius=10, line=_LINE)
    pen.box(6, 34, 94, 47)
    pen.box(18, 59, 46, 66, radius=3)
    pen.box(66, 56, 82, 69, radius=3)


def _points(pen: _Pen) -> None:
    pen.circle(50, 50, 42, line=_LINE)
    pen.path((41, 74), (41, 28), line=9)
    pen.arc(22, 23.5, 72, 59, start=-90, end=90, line=9)
    pen.path((41, 28), (48, 28), line=9)
    pen.path((41, 54.5), (48, 54.5), line=9)


def _question(pen: _Pen) -> None:
    pen.circle(50, 50, 42, line=_LINE)
    pen.arc(33, 22, 67, 56, start=180, end=410, line=9)
    pen.circle(37.5, 39, 4.5)
    pen.path((58, 48.6), (50, 60), line=9)
    pen.circle(50, 75, 5.5)


def _bell(pen: _Pen) -> None:
    pen.circle(50, 15, 7)
    pen.circle(50, 40, 26)
    pen.shape((24, 40), (76, 40), (80, 68), (88, 76), (12, 76), (20, 68))
    pen.box(10, 71, 90, 79, radius=4)
    pen.circle(50, 86, 9)


def _link(pen: _Pen) -> None:
    pen.box(2, 20, 70, 64, radius=8, line=_LINE)
    pen.box(2, 31, 70, 41)
    pen.circle(74, 68, 26, fill=_NONE)
    pen.circle(74, 68, 21)
    pen.path((63, 68), (85, 68), line=6, fill=_NONE)
    pen.path((74, 57), (74, 79), line=6, fill=_NONE)


def _coupon(pen: _Pen) -> None:
    pen.box(6, 24, 94, 76, radius=8)
    pen.circle(6, 50, 9, fill=_NONE)
    pen.circle(94, 50, 9, fill=_NONE)
    for top in (30, 44, 58):
        pen.box(63, top, 68, top + 9, radius=2, fill=_NONE)
    pen.path((24, 63), (47, 37), line=6, fill=_NONE)
    pen.circle(27, 40, 6, fill=_NONE)
    pen.circle(44, 60, 6, fill=_NONE)


def _shop(pen: _Pen) -> None:
    pen.shape((16, 14), (84, 14), (94, 42), (6, 42))
    for left in (6, 28, 50, 72):
        pen.circle(left + 11, 42, 11)
    for left in (28, 50, 72):
        pen.box(left - 1.5, 22, left + 1.5, 44, fill=_NONE)
    pen.box(15, 58, 85, 90, radius=4)
    pen.box(56, 66, 74, 90, fill=_NONE)
    pen.box(25, 66, 47, 80, fill=_NONE)


def _gift(pen: _Pen) -> None:
    pen.box(12, 32, 88, 50, radius=4)
    pen.box(18, 55, 82, 92, radius=4)
    pen.box(45, 32, 55, 92, fill=_NONE)
    pen.circle(37, 21, 11, line=_LINE)
    pen.circle(63, 21, 11, line=_LINE)


def _star(pen: _Pen) -> None:
    corners = []
    for number in range(10):
        radius = 46 if number % 2 == 0 else 20
        angle = math.pi * number / 5 - math.pi / 2
        corners.append((50 + radius * math.cos(angle), 54 + radius * math.sin(angle)))
    pen.shape(*corners)


def _stamp(pen: _Pen) -> None:
    pen.circle(50, 50, 42, line=_LINE)
    pen.path((30, 52), (44, 66), (71, 36), line=10)


def _phone(pen: _Pen) -> None:
    pen.box(28, 6, 72, 94, radius=10, line=_LINE)
    pen.box(43, 80, 57, 85, radius=2)


def _clock(pen: _Pen) -> None:
    pen.circle(50, 50, 42, line=_LINE)
    pen.path((50, 26), (50, 52), (67, 62), line=8)


def _map(pen: _Pen) -> None:
    pen.circle(50, 38, 30)
    pen.shape((22.5, 50), (77.5, 50), (50, 94))
    pen.circle(50, 38, 12, fill=_NONE)


def _none(_: _Pen) -> None:
    """No icon."""


ICONS: dict[str, Callable[[_Pen], None]] = {
    "none": _none,
    "bell": _bell,
    "card": _card,
    "clock": _clock,
    "coupon": _coupon,
    "gift": _gift,
    "link": _link,
    "map": _map,
    "phone": _phone,
    "points": _points,
    "question": _question,
    "shop": _shop,
    "stamp": _stamp,
    "star": _star,
}
"""The icons by name."""


def icon(name: str, side: int) -> Image.Image:
    """An icon as a mask of `side` by `side` pixels."""
    pen = _Pen(side * SCALE)
    ICONS[name](pen)
    return pen.image.resize((side, side), Image.Resampling.LANCZOS)
