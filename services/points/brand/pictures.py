"""A logo or a picture as somebody sent it, drawn anew as we serve it: small, nothing but pixels.

What comes is hostile until it was decoded: its size is looked at before its pixels, only three
formats are tried, and what is kept is our own drawing of it, without whatever else it carried.
"""

import hashlib
import io
import warnings
from typing import Literal

from msgspec import Struct
from PIL import Image, ImageOps, UnidentifiedImageError

Kind = Literal["logo", "picture"]

MOST_BYTES = 5_000_000
MOST_PIXELS = 24_000_000
"""As a phone's camera takes them; decoded it is 96 MB for a moment."""
SIZES: dict[Kind, tuple[int, int]] = {"logo": (256, 256), "picture": (1200, 600)}
LEAST = 32
FORMATS = ("PNG", "JPEG", "WEBP")
MEDIA_TYPE = "image/webp"
QUALITY = 82


class NotAPicture(Exception):
    """What was sent is no picture that can be used; `ja` and `en` say what to send."""

    def __init__(self, ja: str, en: str) -> None:
        self.ja, self.en = ja, en
        super().__init__(f"{ja} / {en}")


class Picture(Struct, frozen=True):
    """A picture ready to be served, named by its content."""

    content: bytes
    width: int
    height: int

    @property
    def hash(self) -> str:
        """What names it in its address."""
        return hashlib.sha256(self.content).hexdigest()[:24]


def redrawn(content: bytes, kind: Kind) -> Picture:
    """The picture, drawn anew in the size in which it is shown. Takes a moment: not for the loop.
    Raises NotAPicture."""
    if len(content) > MOST_BYTES:
        raise NotAPicture(
            f"画像は{MOST_BYTES // 1_000_000}MBまでです。小さくしてお送りください。",
            f"A picture may have {MOST_BYTES // 1_000_000} MB at most. Send a smaller one.",
        )
    image = _decoded(content)
    wanted = SIZES[kind]
    image = ImageOps.exif_transpose(image)
    mode = "RGBA" if kind == "logo" and _see_through(image) else "RGB"
    image = image.convert(mode)
    if kind == "logo":
        image.thumbnail(wanted, Image.Resampling.LANCZOS)
    else:
        image = _cropped(image, wanted)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY, method=4)
    return Picture(out.getvalue(), image.width, image.height)


def _decoded(content: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            _require_size(image.width, image.height)
            image.load()
    except NotAPicture:
        raise
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        ValueError,
        SyntaxError,
        MemoryError,
    ) as problem:
        raise NotAPicture(
            "画像として読み取れません。PNG・JPEG・WebPのいずれかをお送りください。",
            "This cannot be read as a picture. Send a PNG, JPEG or WebP.",
        ) from problem
    return image


def _require_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise NotAPicture(
            f"画像が大きすぎます({width}×{height})。縦横を小さくしてお送りください。",
            f"The picture is too large ({width}×{height} pixels). Send a smaller one.",
        )
    if min(width, height) < LEAST:
        raise NotAPicture(
            f"画像が小さすぎます。縦横とも{LEAST}ピクセル以上の画像をお送りください。",
            f"The picture is too small. Send one of {LEAST} pixels or more each way.",
        )


def _see_through(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _cropped(image: Image.Image, wanted: tuple[int, int]) -> Image.Image:
    """The middle of it in the shape that is wanted, never larger than it was."""
    share = min(image.width / wanted[0], image.height / wanted[1], 1)
    size = (max(round(wanted[0] * share), 1), max(round(wanted[1] * share), 1))
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
