"""What LINE allows in the body of each call, beyond the messages.

The handlers check in LINE's order and words; these rules say all that is wrong at once, for the
log and for whoever checks requests. Source: LINE's reference.
"""

from collections.abc import Mapping

from shared.line import rich_menu_rules
from shared.line.field_rules import (
    Problems,
    Rule,
    anything,
    boolean,
    by_type,
    choice,
    each,
    integer,
    matching,
    shape,
    text,
    url,
)
from shared.line.message_rules import messages

MULTICAST_RECIPIENTS = 500
MOST_UPLOADED = 10_000
AUDIENCE_NAME = 120
MOST_OPERANDS = 10

_user = matching(r"U[0-9a-f]{32}", "invalid user id")
_receiver = matching(r"[UCR][0-9a-f]{32}", "invalid id")
_units = each(matching(r"[a-zA-Z0-9_]{1,30}"), 0, 1)
_said: dict[str, Rule] = {"messages": messages}
_quiet: dict[str, Rule] = {"notificationDisabled": boolean}
_counted: dict[str, Rule] = {**_quiet, "customAggregationUnits": _units}

validated = shape(_said, {})
reply = shape({"replyToken": text(1, 1000), **_said}, _quiet)
push = shape({"to": _receiver, **_said}, _counted)
multicast = shape({"to": each(_user, 1, MULTICAST_RECIPIENTS), **_said}, _counted)
broadcast = shape(_said, _quiet)


def _recipient(value: object) -> Problems:
    return _recipients(value)


def _demographic(value: object) -> Problems:
    return _demographics(value)


def _operator(operand: Rule) -> Rule:
    """One of and, or, not, over operands that are of the same family."""
    many = each(operand, 1, MOST_OPERANDS)
    return shape({"type": anything}, {"and": many, "or": many, "not": operand})


_recipients = by_type(
    {
        "audience": shape({"type": anything, "audienceGroupId": integer(1, 2**63 - 1)}, {}),
        "redelivery": shape({"type": anything, "requestId": text(1, 100)}, {}),
        "operator": _operator(_recipient),
    }
)
_age = choice(*(f"age_{years}" for years in range(15, 71, 5)))
_span = choice(*(f"day_{days}" for days in (7, 30, 90, 180, 365)))
_area = matching(r"(jp|tw|th|id)_\d\d")


def _one_of(rule: Rule) -> Rule:
    return shape({"type": anything, "oneOf": each(rule, 1, 100)}, {})


def _between(rule: Rule) -> Rule:
    return shape({"type": anything}, {"gte": rule, "lt": rule})


_demographics = by_type(
    {
        "gender": _one_of(choice("male", "female")),
        "age": _between(_age),
        "appType": _one_of(choice("ios", "android")),
        "area": _one_of(_area),
        "subscriptionPeriod": _between(_span),
        "operator": _operator(_demographic),
    }
)
_limit = shape(
    {},
    {
        "max": integer(1, 2**31 - 1),
        "upToRemainingQuota": boolean,
        "forbidPartialDelivery": boolean,
    },
)
narrowcast = shape(
    _said,
    {
        "recipient": _recipient,
        "filter": shape({}, {"demographic": _demographic}),
        "limit": _limit,
        **_quiet,
    },
)
_uploaded = each(shape({"id": text(1, 100)}, {}), 0, MOST_UPLOADED)
new_audience = shape(
    {"description": text(1, AUDIENCE_NAME)},
    {"isIfaAudience": boolean, "uploadDescription": text(0, 1000), "audiences": _uploaded},
)
more_audience = shape(
    {"audienceGroupId": integer(1, 2**63 - 1), "audiences": _uploaded},
    {"uploadDescription": text(0, 1000)},
)
renamed_audience = shape({"description": text(1, AUDIENCE_NAME)}, {})
loading = shape({"chatId": _user}, {"loadingSeconds": integer(5, 60)})
webhook_url = shape({"endpoint": url(500, "https", "http")}, {})
webhook_test = shape({}, {"endpoint": url(500, "https", "http")})

# By the name of the endpoint, as `endpoints` has it.
REQUESTS: Mapping[str, Rule] = {
    "reply": reply,
    "push": push,
    "multicast": multicast,
    "broadcast": broadcast,
    "narrowcast": narrowcast,
    "validate": validated,
    "create_rich_menu": rich_menu_rules.rich_menu,
    "validate_rich_menu": rich_menu_rules.rich_menu,
    "bulk_link": rich_menu_rules.bulk_link,
    "bulk_unlink": rich_menu_rules.bulk_unlink,
    "batch": rich_menu_rules.batch,
    "validate_batch": rich_menu_rules.batch,
    "create_alias": rich_menu_rules.new_alias,
    "update_alias": rich_menu_rules.changed_alias,
    "upload_audience": new_audience,
    "extend_audience": more_audience,
    "rename_audience": renamed_audience,
    "loading": loading,
    "set_webhook_url": webhook_url,
    "test_webhook": webhook_test,
}
