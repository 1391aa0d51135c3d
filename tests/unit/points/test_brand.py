"""The shop's colour is always legible, and what is sent as a picture is served as nothing else."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.points.brand import palette, pictures, stylesheet
from services.points.brand.palette import PANEL, SHAPE, TEXT, contrast
from services.points.brand.pictures import Kind, NotAPicture

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLORS)
def test_whatever_the_colour_is_text_on_it_and_in_it_can_be_read(color: str) -> None:
    both = palette.palette(color)
    for name, scheme in (("light", both.light), ("dark", both.dark)):
        assert contrast(scheme.brand, scheme.on) >= TEXT
        assert contrast(scheme.deep, scheme.on) >= TEXT
        assert contrast(scheme.accent, PANEL[name]) >= TEXT
        assert contrast(scheme.shape, PANEL[name]) >= SHAPE
    assert both.light.brand == color
    changed = both.light.accent != color or both.light.on != palette.WHITE or not both.dark.kept
    assert bool(both.words) == changed


def test_contrast_is_as_the_standard_reckons_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_style_sheet_says_both_schemes_and_nothing_that_was_not_a_colour() -> None:
    style = stylesheet.stylesheet("#ffd400")
    assert style.startswith(":root{--brand:#ffd400;")
    assert "@media (prefers-color-scheme:dark)" in style
    assert stylesheet.version("#ffd400") != stylesheet.version("#ffd401")
    for bad in ("red", "#fff", "#12345g", "#123456;}", "＃123456", ""):
        assert not palette.is_color(bad)


def drawing(format: str, size: tuple[int, int] = (400, 300), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "#ff000080" if mode == "RGBA" else "red").save(out, format)
    return out.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(("kind", "size"), [("logo", (256, 192)), ("picture", (400, 200))])
def test_a_picture_is_drawn_anew_in_its_size(
    format: str, kind: Kind, size: tuple[int, int]
) -> None:
    made = pictures.redrawn(drawing(format), kind)
    with Image.open(io.BytesIO(made.content)) as image:
        assert (image.format, image.size) == ("WEBP", size)
    assert (made.width, made.height) == size


def test_what_a_picture_carries_besides_its_pixels_is_not_kept() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "<script>secret place</script>"
    Image.new("RGB", (64, 64), "red").save(out, "JPEG", exif=exif)
    sent = out.getvalue() + b"<script>trailing</script>"
    kept = pictures.redrawn(sent, "logo").content
    assert b"secret" in sent
    assert b"secret" not in kept
    assert b"script" not in kept


def test_a_logo_may_be_see_through() -> None:
    made = pictures.redrawn(drawing("PNG", mode="RGBA"), "logo")
    with Image.open(io.BytesIO(made.content)) as image:
        assert image.mode == "RGBA"


def bomb() -> bytes:
    """A PNG of some bytes that says it has 900 million pixels."""
    content = bytearray(drawing("PNG", (40, 40)))
    content[16:24] = (30_000).to_bytes(4, "big") * 2
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"GIF89a" + bytes(100),
        drawing("GIF"),
        drawing("BMP"),
        drawing("PNG")[:200],
        drawing("PNG", (20, 20)),
        drawing("PNG", (8_000, 4_000)),
        bomb(),
        bytes(pictures.MOST_BYTES + 1),
    ],
    ids=["empty", "svg", "broken", "gif", "bmp", "cut", "small", "large", "bomb", "heavy"],
)
def test_anything_else_is_refused_with_what_to_send(content: bytes) -> None:
    with pytest.raises(NotAPicture) as refused:
        pictures.redrawn(content, "logo")
    assert "Send" in refused.value.en
    assert refused.value.ja.endswith("ください。")
