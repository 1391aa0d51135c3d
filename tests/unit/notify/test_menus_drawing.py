"""Drawn menus: right for LINE, the same every time, and honest about a missing font."""

import io
from typing import Any

import pytest
from PIL import Image

from services.notify.menus import fonts, shipping
from services.notify.menus.definition import parse
from services.notify.menus.drawing import draw
from services.notify.menus.icons import ICONS, icon
from shared.line.rich_menu_rules import IMAGE_BYTES, image_fault

SIZES = [(2500, 1686), (2500, 843), (1200, 810), (1200, 405), (800, 540), (800, 250), (2500, 250)]


@pytest.mark.parametrize("shipped", shipping.documents(), ids=lambda each: each["name"])
def test_what_is_shipped_is_drawn_small_enough(shipped: dict[str, Any]) -> None:
    drawn = draw(parse(shipped))
    assert image_fault(drawn.content, shipped["size"]) is None
    assert len(drawn.content) < IMAGE_BYTES / 4
    assert drawn.wordless is (fonts.japanese() is None and shipped["name"].endswith("-ja"))


def small(width: int, height: int) -> dict[str, Any]:
    (shipped,) = [each for each in shipping.documents() if each["name"] == "gold-en"]
    return {**shipped, "size": {"width": width, "height": height}}


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_size_of_line_is_drawn(width: int, height: int) -> None:
    drawn = draw(parse(small(width, height)))
    assert image_fault(drawn.content, {"width": width, "height": height}) is None


def test_the_same_definition_gives_the_same_bytes() -> None:
    assert draw(parse(small(1200, 405))) == draw(parse(small(1200, 405)))


def colours(content: bytes) -> set[tuple[int, ...]]:
    with Image.open(io.BytesIO(content)) as image:
        most = image.convert("RGB").quantize(4).convert("RGB").getcolors()
    return {colour for _, colour in most or []}


def test_ranks_are_told_apart() -> None:
    grounds = [
        colours(draw(parse({**small(800, 540), "look": each["look"]})).content)
        for each in shipping.documents()
        if each["name"].endswith("-en")
    ]
    assert len(grounds) == 3
    assert not grounds[0] & grounds[1]
    assert not grounds[1] & grounds[2]


@pytest.mark.parametrize("name", sorted(set(ICONS) - {"none"}))
def test_every_icon_is_a_picture_of_its_own(name: str) -> None:
    drawn = icon(name, 40)
    assert drawn.getextrema() == (0, 255)
    assert [other for other in ICONS if icon(other, 40).tobytes() == drawn.tobytes()] == [name]


def test_without_a_japanese_font_it_draws_what_it_can_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fonts, "japanese", lambda: None)
    fonts.sized.cache_clear()
    japanese = {**small(800, 540), "look": {"title": "会員"}}
    assert draw(parse(japanese)).wordless
    assert not draw(parse(small(800, 540))).wordless
    fonts.sized.cache_clear()
