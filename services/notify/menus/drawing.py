"""The image of a menu that has none: large tiles on the brand's colour, an icon and a word each.

Dark ground and light signs, so that it is read in the sun and does not glare at night. The same
definition and font give the same bytes.
"""

import io
from typing import NamedTuple

from PIL import Image, ImageColor, ImageDraw

from services.notify.menus import fonts
from services.notify.menus.areas import bounds
from services.notify.menus.definition import Area, Definition
from services.notify.menus.icons import icon

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)

JPEG_QUALITIES = (90, 80, 65)
MOST_BYTES = 1_000_000
"""LINE says 1 MB, and leaves open of which kind."""


class Drawn(NamedTuple):
    """An image. `wordless`: some of its words could not be drawn, for want of a font."""

    content: bytes
    media_type: str
    wordless: bool


class _Paint(NamedTuple):
    """Colours of a menu."""

    ground: Colour
    tile: Colour
    hero: Colour
    sign: Colour
    """Icons."""


class Box(NamedTuple):
    """In pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


class _Layout(NamedTuple):
    """Where icon and word of a tile go: side by side or not, the icon's side, the word's room and
    most height."""

    beside: bool
    side: int
    room: float
    line: float


def draw(definition: Definition) -> Drawn:
    """The image of a checked definition: PNG, or JPEG if a PNG would be too large for LINE."""
    size = definition.size
    paint = _paint(definition)
    image = Image.new("RGB", (size.width, size.height), paint.ground)
    unit = min(size.width, size.height * 2) / 100
    header = _header(image, definition, paint, unit)
    boxes = [
        (area, _box(image, definition, area, round(unit * 0.8), header))
        for area in definition.areas
    ]
    sizes = _sizes(boxes)
    for area, box in boxes:
        is_hero = area is definition.areas[0] and area.span != (1, 1) and len(boxes) > 1
        fill = paint.hero if is_hero else paint.tile
        ink = _readable(fill)
        _rounded(image, box, round(unit * 2.4), fill)
        _sign(image, area, box, sizes, ink if is_hero else paint.sign, ink)
    wordless = not all(fonts.has(words) for words in _words(definition))
    return Drawn(*_encoded(image), wordless)


def _sizes(boxes: list[tuple[Area, Box]]) -> dict[bool, int]:
    """One size of words for all tiles of a kind (icon above, or beside): the smallest that fits,
    though not below two thirds of the largest, for one long word's sake."""
    fitting: dict[bool, list[int]] = {True: [], False: []}
    for area, box in boxes:
        layout = _layout(box, area.icon)
        fitting[layout.beside].append(int(_fitting(area.label, layout.room, layout.line).size))
    return {
        kind: max(min(found), max(found) * 2 // 3) if found else 0
        for kind, found in fitting.items()
    }


def _paint(definition: Definition) -> _Paint:
    ground = _colour(definition.look.colour)
    accent = _colour(definition.look.accent)
    hero = accent if accent != WHITE else _mixed(ground, WHITE, 0.16)
    return _Paint(
        ground=_mixed(ground, BLACK, 0.38),
        tile=ground,
        hero=hero,
        sign=accent if accent != WHITE else _mixed(ground, WHITE, 0.82),
    )


def _header(image: Image.Image, definition: Definition, paint: _Paint, unit: float) -> int:
    """The line of words at the top; how high it is. It lies in the first row's areas."""
    title = definition.look.title
    if not title or not fonts.has(title):
        return 0
    height = round(unit * 7)
    font = _fitting(title, image.width * 0.9, height * 0.55)
    draw = ImageDraw.Draw(image)
    draw.text((image.width / 2, height * 0.56), title, paint.sign, font, anchor="mm")
    return height


def _box(image: Image.Image, definition: Definition, area: Area, gap: int, header: int) -> Box:
    at = bounds(definition, area)
    top = at["y"] + gap + (header if area.cell[1] == 0 else 0)
    return Box(at["x"] + gap, top, at["x"] + at["width"] - gap, at["y"] + at["height"] - gap)


def _layout(box: Box, name: str) -> _Layout:
    """Icon and word in the middle of a box: one above the other, or side by side where it is wide
    and low."""
    beside = box.width > box.height * 1.9
    side = round(min(box.height * (0.52 if beside else 0.40), box.width * 0.42))
    side = 0 if name == "none" else side
    room = box.width * 0.86 - side * 1.3 if beside else box.width * 0.86
    return _Layout(beside, side, room, box.height * (0.26 if beside else 0.17))


def _sign(
    image: Image.Image, area: Area, box: Box, sizes: dict[bool, int], sign: Colour, ink: Colour
) -> None:
    beside, side, _, _ = layout = _layout(box, area.icon)
    words = area.label if fonts.has(area.label) else ""
    font = fonts.sized(min(sizes[beside], _fitting(words, layout.room, layout.line).size))
    draw = ImageDraw.Draw(image)
    middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    gap = side * 0.28 if side and words else 0
    if beside:
        start = middle[0] - (side + gap + draw.textlength(words, font)) / 2
        _stick(image, area.icon, side, (start, middle[1] - side / 2), sign)
        draw.text((start + side + gap, middle[1]), words, ink, font, anchor="lm")
        return
    line = font.size if words else 0
    start = middle[1] - (side + gap + line) / 2
    _stick(image, area.icon, side, (middle[0] - side / 2, start), sign)
    draw.text((middle[0], start + side + gap + line / 2), words, ink, font, anchor="mm")


def _stick(
    image: Image.Image, name: str, side: int, at: tuple[float, float], colour: Colour
) -> None:
    if side:
        place = (round(at[0]), round(at[1]))
        image.paste(Image.new("RGB", (side, side), colour), place, icon(name, side))


def _rounded(image: Image.Image, box: Box, radius: int, fill: Colour) -> None:
    """A tile with smooth corners."""
    size = (box.width, box.height)
    mask = Image.new("L", (box.width * 2, box.height * 2), 0)
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, mask.width - 1, mask.height - 1), radius * 2, fill=255
    )
    smooth = mask.resize(size, Image.Resampling.BOX)
    image.paste(Image.new("RGB", size, fill), (box.left, box.top), smooth)


def _fitting(words: str, room: float, height: float) -> fonts.Font:
    """The largest font, up to `height`, in which the words fit into `room`."""
    size = max(10, round(height))
    length = fonts.sized(size).getlength(words)
    return fonts.sized(max(10, int(size * room / length)) if length > room else size)


def _encoded(image: Image.Image) -> tuple[bytes, str]:
    content = _saved(image, "PNG", optimize=True)
    if len(content) <= MOST_BYTES:
        return content, "image/png"
    tries = (_saved(image, "JPEG", quality=quality, optimize=True) for quality in JPEG_QUALITIES)
    return next((each for each in tries if len(each) <= MOST_BYTES), content), "image/jpeg"


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _words(definition: Definition) -> list[str]:
    return [definition.look.title, *(area.label for area in definition.areas)]


def _colour(name: str) -> Colour:
    red, green, blue = ImageColor.getrgb(name)[:3]
    return red, green, blue


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    """The first colour with a share of the second."""
    red, green, blue = (
        round(a * (1 - share) + b * share) for a, b in zip(first, second, strict=True)
    )
    return red, green, blue


def _readable(ground: Colour) -> Colour:
    """Black or white, whichever stands out more."""
    red, green, blue = ground
    return (24, 24, 24) if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else WHITE
