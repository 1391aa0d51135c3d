"""What LINE allows in the messages of one call: types, lengths, quick replies.

Source: LINE's reference, "Message objects". Owns no request field other than `messages`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from shared.line.action_rules import action, image_url, uri
from shared.line.field_rules import (
    FINE,
    Problems,
    Rule,
    anything,
    both,
    by_type,
    choice,
    each,
    integer,
    mapping,
    matching,
    number,
    problem,
    shape,
    text,
)
from shared.line.flex_rules import container
from shared.line.text_length import graphemes

Shape: TypeAlias = Callable[[dict[str, Rule], dict[str, Rule]], Rule]

MOST_MESSAGES = 5
TEXT_LIMIT = 5000
ALT_TEXT_LIMIT = 1500
QUICK_REPLIES = 13

EMOJIS = 20
SUBSTITUTES = 100

_body = text(1, TEXT_LIMIT)
_alt_text = text(1, ALT_TEXT_LIMIT)
_color = matching(r"#[0-9A-Fa-f]{6}", "invalid color")


def rules(*, closed: bool) -> dict[str, Rule]:
    """The rule of each message type. LINE overlooks a field that it does not know outside of Flex;
    closed rules refuse it, for whoever wrote it meant something by it."""
    shape_ = partial(shape, closed=closed)
    action_ = partial(action, closed=closed)
    common = _common(shape_, action_())

    def message(required: dict[str, Rule], optional: dict[str, Rule] | None = None) -> Rule:
        return shape_({"type": anything, **required}, {**(optional or {}), **common})

    media = {"originalContentUrl": image_url, "previewImageUrl": image_url}
    quote: dict[str, Rule] = {"quoteToken": text(1, 1000)}
    emoji = shape_(
        {"index": integer(0, TEXT_LIMIT), "productId": text(1, 50), "emojiId": text(1, 50)}, {}
    )
    place = {"title": text(1, 100), "address": text(1, 100)}
    place |= {"latitude": number(-90, 90), "longitude": number(-180, 180)}
    return {
        "text": message({"text": _body}, {"emojis": each(emoji, 1, EMOJIS), **quote}),
        "textV2": message(
            {"text": _body}, {"substitution": mapping(_substitute(shape_), SUBSTITUTES), **quote}
        ),
        "sticker": message({"packageId": text(1, 50), "stickerId": text(1, 50)}, quote),
        "image": message(media),
        "video": message(media, {"trackingId": text(1, 100)}),
        "audio": message({"originalContentUrl": image_url, "duration": integer(1, 10**9)}),
        "location": message(place),
        "imagemap": message(_imagemap(shape_), {"video": _imagemap_video(shape_)}),
        "template": message({"altText": _alt_text, "template": _template(shape_, action_)}),
        "flex": message({"altText": _alt_text, "contents": container}),
        "coupon": message({"couponId": text(1, 100)}, {"deliveryTag": text(1, 30)}),
    }


def _substitute(shape_: Shape) -> Rule:
    """What may stand in the place of a name in a text: an emoji, or somebody who is meant."""
    user = shape_({"type": anything, "userId": text(1, 50)}, {})
    mentionee = by_type({"user": user, "all": shape_({"type": anything}, {})})
    emoji = {"type": anything, "productId": text(1, 50), "emojiId": text(1, 50)}
    return by_type(
        {
            "emoji": shape_(emoji, {}),
            "mention": shape_({"type": anything, "mentionee": mentionee}, {}),
        }
    )


def _common(shape_: Shape, tap: Rule) -> dict[str, Rule]:
    item = shape_({"action": tap}, {"type": anything, "imageUrl": image_url})
    return {
        "quickReply": shape_({"items": each(item, 1, QUICK_REPLIES)}, {}),
        "sender": shape_({}, {"name": text(1, 20, graphemes), "iconUrl": image_url}),
    }


def _imagemap(shape_: Shape) -> dict[str, Rule]:
    act = by_type(
        {
            "message": _imagemap_act(shape_, {"text": text(1, 400)}),
            "uri": _imagemap_act(shape_, {"linkUri": uri}),
            "clipboard": _imagemap_act(shape_, {"clipboardText": text(1, 1000)}),
        }
    )
    return {
        "baseUrl": image_url,
        "altText": _alt_text,
        "baseSize": shape_(dict.fromkeys(("width", "height"), integer(1, 10_000)), {}),
        "actions": each(act, 1, 50),
    }


def _imagemap_act(shape_: Shape, required: dict[str, Rule]) -> Rule:
    needs = {"type": anything, "area": _area(shape_), **required}
    return shape_(needs, {"label": text(0, 100)})


def _imagemap_video(shape_: Shape) -> Rule:
    link = shape_({"linkUri": uri, "label": text(1, 30)}, {})
    media = {"originalContentUrl": image_url, "previewImageUrl": image_url}
    return shape_({**media, "area": _area(shape_)}, {"externalLink": link})


def _area(shape_: Shape) -> Rule:
    return shape_(dict.fromkeys(("x", "y", "width", "height"), integer(0, 10_000)), {})


def _template(shape_: Shape, action_: Callable[..., Rule]) -> Rule:
    column_fields: dict[str, Rule] = {
        "thumbnailImageUrl": image_url,
        "imageBackgroundColor": _color,
        "title": text(1, 40),
        "defaultAction": action_(label_required=False),
    }
    looks: dict[str, Rule] = {
        "imageAspectRatio": choice("rectangle", "square"),
        "imageSize": choice("cover", "contain"),
    }

    def typed(required: dict[str, Rule], optional: dict[str, Rule] | None = None) -> Rule:
        return shape_({"type": anything, **required}, optional or {})

    column = shape_({"text": text(1, 120), "actions": each(action_(), 1, 3)}, column_fields)
    image = {"imageUrl": image_url, "action": action_(label_limit=12, label_required=False)}
    return by_type(
        {
            "buttons": typed(
                {"text": text(1, 160), "actions": each(action_(), 1, 4)}, column_fields | looks
            ),
            "confirm": typed({"text": text(1, 240), "actions": each(action_(), 2, 2)}),
            "carousel": both(
                typed({"columns": each(column, 1, 10)}, looks), _same_number_of_actions
            ),
            "image_carousel": typed({"columns": each(shape_(image, {}), 1, 10)}),
        }
    )


def _same_number_of_actions(value: Any) -> Problems:
    counts = {len(column["actions"]) for column in value["columns"]}
    return FINE if len(counts) == 1 else problem("The number of actions must be the same")


message = by_type(rules(closed=False))
messages = each(message, 1, MOST_MESSAGES)
