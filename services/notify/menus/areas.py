"""From a definition to what LINE is told: areas in pixels, and a telling name. Pure."""

import hashlib
from typing import Any

import msgspec

from services.notify.menus.definition import Area, Definition

PREFIX = "tamaru/"
"""What the names of our menus at LINE begin with; all others are left alone."""


def bounds(definition: Definition, area: Area) -> dict[str, int]:
    """Where an area lies; neighbours touch, whatever the size is divided by."""
    size, grid = definition.size, definition.grid
    (column, row), (columns, rows) = area.cell, area.span
    left, top = size.width * column // grid.columns, size.height * row // grid.rows
    right = size.width * (column + columns) // grid.columns
    bottom = size.height * (row + rows) // grid.rows
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def line_object(definition: Definition, image: bytes) -> dict[str, Any]:
    """LINE's rich menu object, of a definition whose addresses are filled. Its name holds a hash of
    all there is, image too, so that the same menu is found again and another one is new."""
    made: dict[str, Any] = {
        "size": {"width": definition.size.width, "height": definition.size.height},
        "selected": definition.open,
        "chatBarText": definition.chat_bar_text,
        "areas": [
            {
                "bounds": bounds(definition, area),
                "action": {"label": area.label, **area.action},
            }
            for area in definition.areas
        ],
    }
    hashed = hashlib.sha256(msgspec.json.encode(made, order="sorted") + image).hexdigest()
    return {"name": f"{PREFIX}{definition.name}/{hashed[:24]}", **made}
