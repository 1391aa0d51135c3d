"""The image of a document: the one it brings, checked, or one drawn."""

import base64
import binascii
import io
from typing import Any

from PIL import Image

from services.notify.menus import drawing
from services.notify.menus.definition import Definition, Found, check, parse
from services.notify.menus.drawing import Drawn
from shared.line.rich_menu_rules import image_fault

_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg"}


def checked(document: Any, addresses: dict[str, str]) -> tuple[Definition | None, Found]:
    """A document with all that is wrong with it and its image; the definition if nothing is."""
    found = check(document, addresses)
    if found:
        return None, found
    definition = parse(document)
    found = _of_image(definition)
    return (None, found) if found else (definition, [])


def image_of(definition: Definition) -> Drawn:
    """The image of a definition in which `checked` found nothing. Drawing takes a third of a
    second: not in the event loop."""
    if definition.image is None:
        return drawing.draw(definition)
    content = base64.b64decode(definition.image)
    with Image.open(io.BytesIO(content)) as image:
        return Drawn(content, _FORMATS[str(image.format)], wordless=False)


def _of_image(definition: Definition) -> Found:
    if definition.image is None:
        return []
    try:
        content = base64.b64decode(definition.image, validate=True)
    except (binascii.Error, ValueError):
        return [("image", "must be base64")]
    size = {"width": definition.size.width, "height": definition.size.height}
    fault = image_fault(content, size)
    if fault is None and not _can_be_read(content):
        fault = "The image cannot be read"
    return [("image", fault)] if fault else []


def _can_be_read(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content), formats=list(_FORMATS)) as image:
            image.verify()
    except Exception:  # Pillow raises whatever its decoders do
        return False
    return True
