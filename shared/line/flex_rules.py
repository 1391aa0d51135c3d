"""What LINE allows in a Flex message: containers, components, their fields and sizes.

Source: LINE's OpenAPI file and the reference, "Flex Message". Unlike other messages, a Flex
message with a field that LINE does not know is refused.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.line.action_rules import action, image_url
from shared.line.field_rules import (
    FINE,
    Problems,
    Rule,
    anything,
    boolean,
    both,
    by_type,
    choice,
    each,
    integer,
    matching,
    problem,
    shape,
    text,
)

BUBBLE_BYTES = 30 * 1024
CAROUSEL_BYTES = 50 * 1024
CAROUSEL_BUBBLES = 12
MOST_CHILDREN = 500  # LINE names no number; the size limit bites long before.

_encode = msgspec.json.Encoder().encode
_STEP = r"none|xs|sm|md|lg|xl|xxl"
_PIXELS = r"-?\d+(\.\d+)?px"
_color = matching(r"#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?", "invalid color")
_space = matching(rf"{_STEP}|{_PIXELS}")
_length = matching(rf"{_PIXELS}|\d+(\.\d+)?%")
_font = matching(rf"xxs|xs|sm|md|lg|xl|xxl|[345]xl|{_PIXELS}")
_image_size = matching(rf"xxs|xs|sm|md|lg|xl|xxl|[345]xl|full|{_PIXELS}|\d+(\.\d+)?%")
_ratio = matching(r"\d{1,6}(\.\d+)?:\d{1,6}(\.\d+)?")
_flex = integer(0, 10_000)
_align = choice("start", "end", "center")
_gravity = choice("top", "bottom", "center")
_tap = action(label_required=False, closed=True)
_press = action(closed=True)
_placing: dict[str, Rule] = {
    "margin": _space,
    "position": choice("relative", "absolute"),
    **dict.fromkeys(("offsetTop", "offsetBottom", "offsetStart", "offsetEnd"), _space),
}


def _component(required: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    return shape({"type": anything, **required}, optional, closed=True)


_wording: dict[str, Rule] = {
    "color": _color,
    "size": _font,
    "weight": choice("regular", "bold"),
    "style": choice("normal", "italic"),
    "decoration": choice("none", "underline", "line-through"),
}
_span = _component({}, {"text": text(1, 5000), **_wording})
_spans = each(by_type({"span": _span}, "invalid property"), 1, MOST_CHILDREN)


def _has_words(value: Any) -> Problems:
    if value.get("text") is None and value.get("contents") is None:
        return ((("text",), "must be specified"),)
    return FINE


_text = both(
    _component(
        {},
        {
            "text": text(1, 5000),
            "contents": _spans,
            "flex": _flex,
            "align": _align,
            "gravity": _gravity,
            "wrap": boolean,
            "lineSpacing": matching(_PIXELS),
            "maxLines": integer(0, 10_000),
            "action": _tap,
            "adjustMode": choice("shrink-to-fit"),
            "scaling": boolean,
            **_wording,
            **_placing,
        },
    ),
    _has_words,
)
_button = _component(
    {"action": _press},
    {
        "flex": _flex,
        "color": _color,
        "style": choice("primary", "secondary", "link"),
        "gravity": _gravity,
        "height": choice("md", "sm"),
        "adjustMode": choice("shrink-to-fit"),
        "scaling": boolean,
        **_placing,
    },
)
_image = _component(
    {"url": image_url},
    {
        "flex": _flex,
        "align": _align,
        "gravity": _gravity,
        "size": _image_size,
        "aspectRatio": _ratio,
        "aspectMode": choice("fit", "cover"),
        "backgroundColor": _color,
        "action": _tap,
        "animated": boolean,
        **_placing,
    },
)
_icon = _component(
    {"url": image_url}, {"size": _font, "aspectRatio": _ratio, "scaling": boolean, **_placing}
)
_separator = _component({}, {"margin": _space, "color": _color})
_filler = _component({}, {"flex": _flex})


def _box(value: Any) -> Problems:
    return _box_rule(value)


_inside: dict[str, Rule] = {
    "box": _box,
    "button": _button,
    "image": _image,
    "text": _text,
    "separator": _separator,
    "filler": _filler,
}
_baseline: dict[str, Rule] = {"icon": _icon, "text": _text, "filler": _filler}
_any_child = each(by_type(_inside | _baseline, "invalid property"), 0, MOST_CHILDREN)
_baseline_child = each(by_type(_baseline, "invalid property"), 0, MOST_CHILDREN)
_block_child = each(by_type(_inside, "invalid property"), 0, MOST_CHILDREN)


def _layout_fits(value: Any) -> Problems:
    """A baseline box holds other components than the two block layouts do."""
    rule = _baseline_child if value["layout"] == "baseline" else _block_child
    allowed = _baseline if value["layout"] == "baseline" else _inside
    if all(child["type"] in allowed for child in value["contents"]):
        return FINE
    return [(("contents", *path), message) for path, message in rule(value["contents"])]


_gradient = by_type(
    {
        "linearGradient": _component(
            {"angle": matching(r"\d{1,3}(\.\d+)?deg"), "startColor": _color, "endColor": _color},
            {"centerColor": _color, "centerPosition": matching(r"\d{1,3}(\.\d+)?%")},
        )
    },
    "invalid property",
)
_box_rule = both(
    _component(
        {"layout": choice("horizontal", "vertical", "baseline"), "contents": _any_child},
        {
            "flex": _flex,
            "spacing": _space,
            "backgroundColor": _color,
            "borderColor": _color,
            "borderWidth": matching(rf"none|light|normal|medium|semi-bold|bold|{_PIXELS}"),
            "cornerRadius": _space,
            **dict.fromkeys(("width", "maxWidth", "height", "maxHeight"), _length),
            **dict.fromkeys(
                (
                    "paddingAll",
                    "paddingTop",
                    "paddingBottom",
                    "paddingStart",
                    "paddingEnd",
                ),
                matching(rf"{_STEP}|{_PIXELS}|\d+(\.\d+)?%"),
            ),
            "justifyContent": choice(
                "center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"
            ),
            "alignItems": choice("center", "flex-start", "flex-end"),
            "background": _gradient,
            "action": _tap,
            **_placing,
        },
    ),
    _layout_fits,
)
_video = _component(
    {
        "url": image_url,
        "previewUrl": image_url,
        "altContent": by_type({"box": _box, "image": _image}, "invalid property"),
    },
    {"aspectRatio": _ratio, "action": _tap},
)
_part = by_type({"box": _box}, "invalid property")
_block_style = shape(
    {}, {"backgroundColor": _color, "separator": boolean, "separatorColor": _color}, closed=True
)
_bubble_fields = _component(
    {},
    {
        "direction": choice("ltr", "rtl"),
        "size": choice("nano", "micro", "deca", "hecto", "kilo", "mega", "giga"),
        "header": _part,
        "hero": by_type({"box": _box, "image": _image, "video": _video}, "invalid property"),
        "body": _part,
        "footer": _part,
        "styles": shape(
            {}, dict.fromkeys(("header", "hero", "body", "footer"), _block_style), closed=True
        ),
        "action": _tap,
    },
)


def _sized(limit: int, name: str) -> Rule:
    def check(value: Any) -> Problems:
        if len(_encode(value)) <= limit:
            return FINE
        return problem(f"The {name} is too large (at most {limit // 1024} KB)")

    return check


def _has_a_block(value: Any) -> Problems:
    if any(value.get(block) for block in ("header", "hero", "body", "footer")):
        return FINE
    return problem("At least one block must be specified")


_bubble = both(both(_bubble_fields, _has_a_block), _sized(BUBBLE_BYTES, "bubble"))
_carousel = both(
    _component(
        {"contents": each(by_type({"bubble": _bubble}, "invalid property"), 1, CAROUSEL_BUBBLES)},
        {},
    ),
    _sized(CAROUSEL_BYTES, "carousel"),
)
container = by_type({"bubble": _bubble, "carousel": _carousel}, "invalid property")
