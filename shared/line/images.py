"""The kind and size of a picture, read from its first bytes; no picture is decoded.

PNG tells its size in its first chunk; JPEG in a frame header, behind segments of known length.
"""

import struct
from typing import NamedTuple

_PNG = b"\x89PNG\r\n\x1a\n"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the markers that tell a size


class Picture(NamedTuple):
    """`media` is the content type; width and height are pixels."""

    media: str
    width: int
    height: int


def picture(data: bytes) -> Picture | None:
    """What the bytes are a picture of; None for anything but PNG and JPEG."""
    if data.startswith(_PNG) and data[12:16] == b"IHDR" and len(data) >= 24:
        return Picture("image/png", *struct.unpack(">II", data[16:24]))
    return _jpeg(data) if data.startswith(b"\xff\xd8") else None


def _jpeg(data: bytes) -> Picture | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return Picture("image/jpeg", width, height)
        at += 2 + max(length, 2)
    return None
