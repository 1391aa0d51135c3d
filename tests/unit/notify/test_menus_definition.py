"""What a rich menu may hold: at the limit and one over."""

from typing import Any

import pytest

from services.notify.menus import shipping
from services.notify.menus.areas import bounds, line_object
from services.notify.menus.definition import check, parse, with_addresses
from shared.line.rich_menu_rules import rich_menu

ADDRESSES = {"card": "https://liff.line.me/1-a", "public_url": "https://shop.example.jp"}
TAP = {"type": "postback", "data": "balance"}


def area(*cell: int, **changes: Any) -> dict[str, Any]:
    return {"cell": list(cell), "label": "ポイント", "action": TAP, **changes}


def document(**changes: Any) -> dict[str, Any]:
    return {
        "name": "gold",
        "size": {"width": 2500, "height": 843},
        "chatBarText": "メニュー",
        "applies": {"ranks": ["gold"]},
        "grid": {"columns": 2, "rows": 1},
        "areas": [area(0, 0), area(1, 0)],
        **changes,
    }


def size(width: int, height: int) -> dict[str, Any]:
    return {"size": {"width": width, "height": height}}


def areas(count: int) -> dict[str, Any]:
    grid = {"columns": 7, "rows": 3}
    return {"grid": grid, "areas": [area(n % 7, n // 7) for n in range(count)]}


def one(**changes: Any) -> dict[str, Any]:
    return {"grid": {"columns": 1, "rows": 1}, "areas": [area(0, 0, **changes)]}


def action(**fields: Any) -> dict[str, Any]:
    return one(action=fields)


HOST = "https://a.jp/"
FINE_AND_ONE_OVER = [
    (size(800, 250), size(799, 250), "size.width"),
    (size(2500, 250), size(2501, 250), "size.width"),
    (size(800, 250), size(800, 249), "size.height"),
    (size(1450, 1000), size(1449, 1000), "size"),
    (areas(20), areas(21), "areas"),
    (areas(1), {"areas": []}, "areas"),
    ({"chatBarText": "あ" * 14}, {"chatBarText": "あ" * 15}, "chatBarText"),
    ({"chatBarText": "👨‍👩‍👧" * 14}, {"chatBarText": ""}, "chatBarText"),
    ({"name": "a" * 40}, {"name": "a" * 41}, "name"),
    ({"name": "a-1"}, {"name": "A"}, "name"),
    (one(label="あ" * 20), one(label="あ" * 21), "areas.0.label"),
    (one(icon="bell"), one(icon="bells"), "areas.0.icon"),
    (one(span=[1, 1]), one(span=[2, 1]), "areas.0"),
    (one(), one(cell=[0, 1]), "areas.0"),
    (one(), one(cell=[0]), "areas.0.cell"),
    (
        action(type="postback", data="a" * 300),
        action(type="postback", data="a" * 301),
        "areas.0.action.data",
    ),
    (
        action(type="uri", uri=HOST + "a" * (1000 - len(HOST))),
        action(type="uri", uri=HOST + "a" * (1001 - len(HOST))),
        "areas.0.action.uri",
    ),
    (action(type="uri", uri="tel:0312345678"), action(type="uri", uri="ftp://a"), None),
    (
        action(type="message", text="a" * 300),
        action(type="message", text="a" * 301),
        "areas.0.action.text",
    ),
    (action(type="uri", uri="{card}?x=1"), action(type="camera"), "areas.0.action.type"),
    (action(type="uri", uri="{public_url}/a"), action(type="uri", url=HOST), None),
    ({"applies": {"default": True}}, {"applies": {}}, "applies"),
    ({"applies": {"states": ["left"]}}, {"applies": {"states": ["gone"]}}, "applies.states.0"),
    (
        {"applies": {"languages": ["en"]}},
        {"applies": {"default": True, "languages": ["en"]}},
        "applies",
    ),
    ({"look": {"colour": "#A0b1C2"}}, {"look": {"colour": "green"}}, "look.colour"),
    ({"open": False}, {"open": 1}, "open"),
    ({"look": None}, {"colour": "#000000"}, "colour"),
]


@pytest.mark.parametrize(("fine", "over", "path"), FINE_AND_ONE_OVER)
def test_limits(fine: dict[str, Any], over: dict[str, Any], path: str | None) -> None:
    right = document(**fine)
    assert check(right, ADDRESSES) == []
    assert rich_menu(line_object(parse(with_addresses(right, ADDRESSES)), b"")) == ()
    found = check(document(**over), ADDRESSES)
    assert found
    if path is not None:
        assert [each for each, _ in found] == [path]


def test_areas_do_not_lie_over_each_other() -> None:
    over = document(areas=[area(0, 0, span=[2, 1]), area(1, 0)])
    assert check(over, ADDRESSES) == [("areas.1", "lies over area 0")]


def test_all_problems_are_told_at_once() -> None:
    wrong = document(chatBarText="", name="?", areas=[area(0, 0, label="")], size={"width": 1})
    paths = {path for path, _ in check(wrong, ADDRESSES)}
    assert paths == {"chatBarText", "name", "areas.0.label", "size.width", "size.height"}


@pytest.mark.parametrize("odd", [None, [], "x", 1, {}, {"areas": 1}, {"areas": [1, {"action": 2}]}])
def test_anything_else_is_refused(odd: Any) -> None:
    assert check(odd, ADDRESSES)


def test_an_address_that_is_not_known_is_said() -> None:
    found = check(document(**action(type="uri", uri="{card}")), {})
    assert found == [("areas.0.action.uri", "{card} is not known: set PUBLIC_URL")]


def test_areas_cover_the_menu_without_gaps() -> None:
    made = parse(document(**size(2500, 1686), **areas(20)))
    for each in made.areas:
        at = bounds(made, each)
        right = [
            bounds(made, other)["x"]
            for other in made.areas
            if other.cell == (each.cell[0] + 1, each.cell[1])
        ]
        assert right in ([], [at["x"] + at["width"]])
    last = bounds(made, made.areas[6])
    assert last["x"] + last["width"] == 2500


def test_the_name_at_line_follows_from_all_there_is() -> None:
    plain = line_object(parse(document()), b"image")["name"]
    assert plain.startswith("tamaru/gold/")
    assert plain == line_object(parse(document()), b"image")["name"]
    others = [
        line_object(parse(document(chatBarText="別")), b"image"),
        line_object(parse(document(open=False)), b"image"),
        line_object(parse(document()), b"another"),
    ]
    assert len({plain, *(each["name"] for each in others)}) == 4


@pytest.mark.parametrize("shipped", shipping.documents(), ids=lambda each: each["name"])
def test_what_is_shipped_is_right(shipped: dict[str, Any]) -> None:
    assert check(shipped, ADDRESSES) == []


def test_one_of_the_shipped_is_the_default_and_each_language_has_the_same() -> None:
    names = {each["name"] for each in shipping.documents()}
    assert {name.removesuffix("-ja") for name in names if name.endswith("-ja")} == {
        name.removesuffix("-en") for name in names if name.endswith("-en")
    }
    defaults = [each["name"] for each in shipping.documents() if each["applies"].get("default")]
    assert defaults == ["member-ja"]
