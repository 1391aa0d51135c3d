"""What LINE allows in an action: the thing that happens when a button is tapped.

Source: LINE's reference, "Action objects". Labels count graphemes, all else UTF-16 units.
"""

from functools import partial

from shared.line.field_rules import (
    Rule,
    anything,
    by_type,
    choice,
    matching,
    shape,
    text,
    url,
)
from shared.line.text_length import graphemes

POSTBACK_DATA_LIMIT = 300
URI_LIMIT = 1000
LABEL_LIMIT = 20

uri = url(URI_LIMIT, "http", "https", "line", "tel")
image_url = url(2000, "https")
_data = text(0, POSTBACK_DATA_LIMIT)
_moment = matching(r"[0-9T:t-]{4,16}", "invalid date or time")


def action(
    *, label_limit: int = LABEL_LIMIT, label_required: bool = True, closed: bool = False
) -> Rule:
    """The rule for an action where labels may have up to `label_limit` graphemes.

    The places differ: templates, quick replies and Flex buttons need a label; a tappable box or
    image does not. A closed one refuses fields that LINE does not know.
    """
    return by_type(_kinds(label_limit, label_required=label_required, closed=closed))


def _kinds(label_limit: int, *, label_required: bool, closed: bool = False) -> dict[str, Rule]:
    object_ = partial(shape, closed=closed)
    label = text(1 if label_required else 0, label_limit, graphemes)
    must: dict[str, Rule] = {"type": anything} | ({"label": label} if label_required else {})
    may: dict[str, Rule] = {} if label_required else {"label": label}
    return {
        "postback": object_(
            {**must, "data": _data},
            {
                **may,
                "displayText": text(0, 300),
                "text": text(0, 300),
                "inputOption": choice("closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"),
                "fillInText": text(0, 300),
            },
        ),
        "message": object_({**must, "text": text(1, 300)}, may),
        "uri": object_({**must, "uri": uri}, {**may, "altUri": object_({}, {"desktop": uri})}),
        "datetimepicker": object_(
            {**must, "data": _data, "mode": choice("date", "time", "datetime")},
            {**may, "initial": _moment, "max": _moment, "min": _moment},
        ),
        "clipboard": object_({**must, "clipboardText": text(1, 1000)}, may),
        "camera": object_(must, may),
        "cameraRoll": object_(must, may),
        "location": object_(must, may),
    }


def _in_rich_menu() -> Rule:
    """Without what belongs to quick replies; with the switch to another menu."""
    kinds = _kinds(LABEL_LIMIT, label_required=False)
    switch = shape(
        {"type": anything, "data": _data, "richMenuAliasId": matching(r"[a-z0-9_-]{1,32}")},
        {"label": text(0, LABEL_LIMIT, graphemes)},
    )
    names = ("postback", "message", "uri", "datetimepicker", "clipboard")
    return by_type({name: kinds[name] for name in names} | {"richmenuswitch": switch})


rich_menu_action = _in_rich_menu()
