"""What LINE allows in the messages of one call: types, lengths, quick replies.

Source: LINE's reference, "Message objects". Owns no request field other than `messages`.
"""

from typing import Any

from shared.line.action_rules import action, image_url, uri
from shared.line.field_rules import (
    FINE,
    Problems,
    Rule,
    anything,
    both,
    by_type,
    each,
    integer,
    number,
    problem,
    shape,
    text,
)
from shared.line.flex_rules import container
from shared.line.text_length import graphemes

MOST_MESSAGES = 5
TEXT_LIMIT = 5000
ALT_TEXT_LIMIT = 1500
QUICK_REPLIES = 13

_alt_text = text(1, ALT_TEXT_LIMIT)
_common: dict[str, Rule] = {
    "quickReply": shape(
        {
            "items": each(
                shape({"action": action()}, {"type": anything, "imageUrl": image_url}),
                1,
                QUICK_REPLIES,
            )
        },
        {},
    ),
    "sender": shape({}, {"name": text(1, 20, graphemes), "iconUrl": image_url}),
}


def _message(required: dict[str, Rule], optional: dict[str, Rule] | None = None) -> Rule:
    return shape({"type": anything, **required}, {**(optional or {}), **_common})


_column_fields: dict[str, Rule] = {
    "thumbnailImageUrl": image_url,
    "title": text(1, 40),
    "defaultAction": action(label_required=False),
}


def _same_number_of_actions(value: Any) -> Problems:
    counts = {len(column["actions"]) for column in value["columns"]}
    return FINE if len(counts) == 1 else problem("The number of actions must be the same")


_template = by_type(
    {
        "buttons": shape(
            {"text": text(1, 160), "actions": each(action(), 1, 4)},
            {**_column_fields, "imageAspectRatio": anything, "imageSize": anything},
        ),
        "confirm": shape({"text": text(1, 240), "actions": each(action(), 2, 2)}, {}),
        "carousel": both(
            shape(
                {
                    "columns": each(
                        shape(
                            {"text": text(1, 120), "actions": each(action(), 1, 3)},
                            _column_fields,
                        ),
                        1,
                        10,
                    )
                },
                {},
            ),
            _same_number_of_actions,
        ),
        "image_carousel": shape(
            {
                "columns": each(
                    shape(
                        {
                            "imageUrl": image_url,
                            "action": action(label_limit=12, label_required=False),
                        },
                        {},
                    ),
                    1,
                    10,
                )
            },
            {},
        ),
    }
)
_area = shape(dict.fromkeys(("x", "y", "width", "height"), integer(0, 10_000)), {})
_imagemap_action = by_type(
    {
        "message": shape({"text": text(1, 400), "area": _area}, {}),
        "uri": shape({"linkUri": uri, "area": _area}, {}),
        "clipboard": shape({"clipboardText": text(1, 1000), "area": _area}, {}),
    }
)
_body = text(1, TEXT_LIMIT)

message = by_type(
    {
        "text": _message({"text": _body}),
        "textV2": _message({"text": _body}, {"substitution": shape({}, {})}),
        "sticker": _message({"packageId": text(1, 50), "stickerId": text(1, 50)}),
        "image": _message({"originalContentUrl": image_url, "previewImageUrl": image_url}),
        "video": _message(
            {"originalContentUrl": image_url, "previewImageUrl": image_url},
            {"trackingId": text(1, 100)},
        ),
        "audio": _message({"originalContentUrl": image_url, "duration": integer(1, 10**9)}),
        "location": _message(
            {
                "title": text(1, 100),
                "address": text(1, 100),
                "latitude": number(-90, 90),
                "longitude": number(-180, 180),
            }
        ),
        "imagemap": _message(
            {
                "baseUrl": image_url,
                "altText": _alt_text,
                "baseSize": shape(dict.fromkeys(("width", "height"), integer(1, 10_000)), {}),
                "actions": each(_imagemap_action, 1, 50),
            }
        ),
        "template": _message({"altText": _alt_text, "template": _template}),
        "flex": _message({"altText": _alt_text, "contents": container}),
        "coupon": _message({"couponId": text(1, 100)}, {"deliveryTag": text(1, 30)}),
    }
)
messages = each(message, 1, MOST_MESSAGES)
