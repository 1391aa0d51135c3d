"""A rich menu as a document: what it may hold, checked against LINE's limits. Pure.

    {"name": "gold-ja", "size": {"width": 2500, "height": 1686}, "chatBarText": "メニュー",
     "applies": {"ranks": ["gold"], "languages": ["ja"]},
     "grid": {"columns": 3, "rows": 2},
     "areas": [{"cell": [0, 0], "span": [2, 1], "icon": "card", "label": "会員証",
                "action": {"type": "uri", "uri": "{card}"}}]}

`cell` is column and row, from 0; `span` how many of each. `{card}` and `{public_url}` in an address
are put in when the menu is made. Labels and chatBarText count graphemes, all else UTF-16 units.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from services.notify.menus.icons import ICONS
from shared.line import action_rules
from shared.line import rich_menu_rules as rules
from shared.line.field_rules import (
    Problems,
    Rule,
    boolean,
    both,
    by_type,
    choice,
    each,
    integer,
    matching,
    shape,
    text,
)
from shared.line.text_length import graphemes

State = Literal["linked", "unlinked", "suspended", "left"]
"""`linked` has a card of the shop's besides the one in LINE, `unlinked` has not; `suspended` earns
but does not spend; `left` is no member any more."""

STATES: tuple[State, ...] = ("linked", "unlinked", "suspended", "left")
LANGUAGES = ("ja", "en")
NAME = r"[a-z0-9][a-z0-9-]{0,39}"
MOST_LINES = 20
"""Columns or rows of a grid."""

ADDRESSES = ("card", "public_url")

Found = list[tuple[str, str]]
"""Problems as (path, what is wrong)."""


class Size(msgspec.Struct, frozen=True):
    """In pixels."""

    width: int
    height: int


class Grid(msgspec.Struct, frozen=True):
    """How the menu is divided."""

    columns: int
    rows: int


class Area(msgspec.Struct, frozen=True):
    """A button over some cells of the grid. `icon` is drawn where no image is given."""

    cell: tuple[int, int]
    label: str
    action: dict[str, Any]
    span: tuple[int, int] = (1, 1)
    icon: str = "none"


class Applies(msgspec.Struct, frozen=True):
    """Whom a menu is for: everybody whom all given lists name. The default is LINE's own, for
    whoever no other menu is for."""

    default: bool = False
    ranks: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    languages: tuple[str, ...] = ()


class Look(msgspec.Struct, frozen=True):
    """How an image is drawn: the ground, what stands out on it, and a line of words at the top."""

    colour: str = "#0b6b4f"
    accent: str = "#ffffff"
    title: str = ""


class Definition(msgspec.Struct, frozen=True, rename={"chat_bar_text": "chatBarText"}):
    """A checked document. `image` is PNG or JPEG in base64; without one an image is drawn."""

    name: str
    chat_bar_text: str
    areas: tuple[Area, ...]
    grid: Grid
    size: Size = Size(2500, 1686)
    open: bool = True
    applies: Applies = Applies()
    look: Look = Look()
    image: str | None = None


_LABELLED = {"type", "label"}
_FIELDS = {
    "postback": {*_LABELLED, "data", "displayText", "text", "inputOption", "fillInText"},
    "message": {*_LABELLED, "text"},
    "uri": {*_LABELLED, "uri", "altUri"},
    "datetimepicker": {*_LABELLED, "data", "mode", "initial", "max", "min"},
}
"""What LINE knows of the actions of rich menus. (Camera and location are for quick replies.)"""


def _pair(low: int) -> Rule:
    return each(integer(low, MOST_LINES), 2, 2)


def _only_known(action: Any) -> Problems:
    return [((name,), "unknown field") for name in action if name not in _FIELDS[action["type"]]]


_action = both(by_type(dict.fromkeys(_FIELDS, action_rules.rich_menu_action)), _only_known)
_colour = matching("#[0-9a-fA-F]{6}", "must be a colour such as #0b6b4f")
_code = text(1, 64)
_AREA = shape(
    {"cell": _pair(0), "label": text(1, action_rules.LABEL_LIMIT, graphemes), "action": _action},
    {"span": _pair(1), "icon": choice(*ICONS)},
    closed=True,
)
_DOCUMENT = shape(
    {
        "name": matching(NAME, "must be 1 to 40 of a-z, 0-9 and -"),
        "chatBarText": text(1, rules.CHAT_BAR_LIMIT, graphemes),
        "areas": each(_AREA, 1, rules.MOST_AREAS),
        "grid": shape(
            {"columns": integer(1, MOST_LINES), "rows": integer(1, MOST_LINES)}, {}, closed=True
        ),
    },
    {
        "size": shape(
            {
                "width": integer(rules.NARROWEST, rules.WIDEST),
                "height": integer(rules.LOWEST, rules.WIDEST),
            },
            {},
            closed=True,
        ),
        "open": boolean,
        "applies": shape(
            {},
            {
                "default": boolean,
                "ranks": each(_code, 0, 50),
                "states": each(choice(*STATES), 0, len(STATES)),
                "languages": each(choice(*LANGUAGES), 0, len(LANGUAGES)),
            },
            closed=True,
        ),
        "look": shape(
            {}, {"colour": _colour, "accent": _colour, "title": text(0, 30, graphemes)}, closed=True
        ),
        "image": text(1, 1_400_000),
    },
    closed=True,
)


def check(document: Any, addresses: Mapping[str, str]) -> Found:
    """All that is wrong with a document, empty if nothing. `addresses` are what `{card}` and
    `{public_url}` stand for; an empty one is not known here. The image has its own check."""
    assumed = {name: addresses.get(name) or "https://unknown.invalid" for name in ADDRESSES}
    filled = with_addresses(document, assumed)
    problems = _paths(_DOCUMENT(filled))
    if not problems:
        checked = parse(filled)
        problems = [*_of_size(checked.size), *_of_applying(checked.applies), *_of_cells(checked)]
        problems += _of_letters(filled)
    return [*_of_addresses(document, addresses), *problems]


def parse(document: Any) -> Definition:
    """A document that `check` found nothing in, its addresses as they stand there."""
    return msgspec.convert(without_nulls(document), Definition)


def without_nulls(document: Any) -> Any:
    """A checked document without what is null, which counts as left out."""
    if isinstance(document, list):
        return [without_nulls(each) for each in document]
    if isinstance(document, dict):
        return {key: without_nulls(value) for key, value in document.items() if value is not None}
    return document


def with_addresses(document: Any, addresses: Mapping[str, str]) -> Any:
    """The document with every `{card}` and `{public_url}` in the areas' addresses filled. Takes
    anything; what is no document stays as it is."""
    areas = document.get("areas") if isinstance(document, dict) else None
    if not isinstance(areas, list):
        return document
    return {**document, "areas": [_with_address(area, addresses) for area in areas]}


def _with_address(area: Any, addresses: Mapping[str, str]) -> Any:
    action = area.get("action") if isinstance(area, dict) else None
    if not isinstance(action, dict):
        return area
    filled = {
        key: _filled(value, addresses) if key == "uri" and isinstance(value, str) else value
        for key, value in action.items()
    }
    return {**area, "action": filled}


def _filled(value: str, addresses: Mapping[str, str]) -> str:
    for name in ADDRESSES:
        if addresses.get(name):
            value = value.replace(f"{{{name}}}", addresses[name])
    return value


def _of_letters(value: Any, *path: str) -> Iterator[tuple[str, str]]:
    """Words that can be neither kept nor drawn: control characters and half characters."""
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, inner in steps:
            yield from _of_letters(inner, *path, str(step))
    elif isinstance(value, str) and any(c < " " or "\ud800" <= c <= "\udfff" for c in value):
        yield ".".join(path), "holds characters that cannot be shown"


def _of_addresses(document: Any, addresses: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    areas = document.get("areas") if isinstance(document, dict) else None
    for index, area in enumerate(areas if isinstance(areas, list) else []):
        action = area.get("action") if isinstance(area, dict) else None
        uri = action.get("uri") if isinstance(action, dict) else None
        for name in ADDRESSES:
            if isinstance(uri, str) and f"{{{name}}}" in uri and not addresses.get(name):
                yield f"areas.{index}.action.uri", f"{{{name}}} is not known: set PUBLIC_URL"


def _of_size(size: Size) -> Iterator[tuple[str, str]]:
    if size.width / size.height < rules.FLATTEST_RATIO:
        yield "size", f"width must be at least {rules.FLATTEST_RATIO} times the height"


def _of_applying(applies: Applies) -> Iterator[tuple[str, str]]:
    conditions = bool(applies.ranks or applies.states or applies.languages)
    if applies.default and conditions:
        yield "applies", "the default is for whoever no other menu is for: give it no conditions"
    if not applies.default and not conditions:
        yield "applies", "say whom it is for: default, ranks, states or languages"


def _of_cells(checked: Definition) -> Iterator[tuple[str, str]]:
    taken: dict[tuple[int, int], int] = {}
    for index, area in enumerate(checked.areas):
        (column, row), (columns, rows) = area.cell, area.span
        if column + columns > checked.grid.columns or row + rows > checked.grid.rows:
            yield f"areas.{index}", "reaches beyond the grid"
            continue
        cells = [(x, y) for x in range(column, column + columns) for y in range(row, row + rows)]
        others = sorted({taken[cell] for cell in cells if cell in taken})
        if others:
            yield f"areas.{index}", f"lies over area {others[0]}"
        taken |= dict.fromkeys(cells, index)


def _paths(problems: Problems) -> Found:
    return [(_shown(".".join(map(str, path))), message) for path, message in problems]


def _shown(path: str) -> str:
    """A path of which a part may come from the document: short, and such that it can be sent."""
    return path[:200].encode(errors="replace").decode()
