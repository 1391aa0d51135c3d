"""What LINE allows in a rich menu, its image, its aliases and a batch.

Source: LINE's reference, "Rich menu". Names and chat bar texts count graphemes.
"""

import re
from typing import Any

from shared.line.action_rules import rich_menu_action
from shared.line.field_rules import (
    FINE,
    Problem,
    Problems,
    Rule,
    anything,
    boolean,
    both,
    by_type,
    each,
    integer,
    matching,
    problem,
    shape,
    text,
)
from shared.line.images import picture
from shared.line.text_length import graphemes

MOST_AREAS = 20
CHAT_BAR_LIMIT = 14
NAME_LIMIT = 300
NARROWEST, WIDEST, LOWEST = 800, 2500, 250
FLATTEST_RATIO = 1.45  # width by height, at least
IMAGE_BYTES = 1024 * 1024
MOST_USERS = 500
MOST_OPERATIONS = 1_000
_MOST_PIXELS = 2**31 - 1

is_alias = re.compile(r"[a-z0-9_-]{1,32}").fullmatch
_alias = matching(r"[a-z0-9_-]{1,32}")
_id = text(1, 1000)


def _wide_enough(value: Any) -> Problems:
    if value["width"] / value["height"] >= FLATTEST_RATIO:
        return FINE
    return problem(f"width / height must be at least {FLATTEST_RATIO}")


_size = both(
    shape({"width": integer(NARROWEST, WIDEST), "height": integer(LOWEST, WIDEST)}, {}),
    _wide_enough,
)
_start, _extent = integer(0, _MOST_PIXELS), integer(1, _MOST_PIXELS)
_area = shape(
    {
        "bounds": shape({"x": _start, "y": _start, "width": _extent, "height": _extent}, {}),
        "action": rich_menu_action,
    },
    {},
)


def _areas_lie_within(value: Any) -> Problems:
    size = value["size"]
    found: list[Problem] = [
        (("areas", index, "bounds"), "out of the menu")
        for index, area in enumerate(value["areas"])
        if not _lies_within(area["bounds"], size)
    ]
    return found or FINE


def _lies_within(bounds: dict[str, int], size: dict[str, int]) -> bool:
    right, bottom = bounds["x"] + bounds["width"], bounds["y"] + bounds["height"]
    return right <= size["width"] and bottom <= size["height"]


rich_menu: Rule = both(
    shape(
        {
            "size": _size,
            "selected": boolean,
            "name": text(1, NAME_LIMIT, graphemes),
            "chatBarText": text(1, CHAT_BAR_LIMIT, graphemes),
            "areas": each(_area, 0, MOST_AREAS),
        },
        {},
    ),
    _areas_lie_within,
)
_users = each(_id, 1, MOST_USERS)
bulk_link = shape({"richMenuId": _id, "userIds": _users}, {})
bulk_unlink = shape({"userIds": _users}, {})
new_alias = shape({"richMenuAliasId": _alias, "richMenuId": _id}, {})
changed_alias = shape({"richMenuId": _id}, {})
_operation = by_type(
    {
        "link": shape({"type": anything, "from": _id, "to": _id}, {}),
        "unlink": shape({"type": anything, "from": _id}, {}),
        "unlinkAll": shape({"type": anything}, {}),
    }
)


def _unlinking_all_stands_alone(value: Any) -> Problems:
    kinds = [operation["type"] for operation in value["operations"]]
    if "unlinkAll" in kinds and len(kinds) > 1:
        return problem("unlinkAll must be the only operation")
    return FINE


batch: Rule = both(
    shape(
        {"operations": each(_operation, 1, MOST_OPERATIONS)},
        {"resumeRequestKey": matching(r"[a-zA-Z0-9_-]{1,100}")},
    ),
    _unlinking_all_stands_alone,
)


def image_fault(data: bytes, size: dict[str, int]) -> str | None:
    """What is wrong with an image for a menu of this size; None when nothing is."""
    if len(data) > IMAGE_BYTES:
        return "The image is too large (at most 1 MB)"
    seen = picture(data)
    if seen is None:
        return "The image must be a JPEG or a PNG"
    if (seen.width, seen.height) != (size["width"], size["height"]):
        return f"The image is {seen.width} x {seen.height}, the rich menu is not"
    return None
