"""Reply, push and multicast: what LINE checks, in its order, and what it then delivers.

Owns the rules of sending. Limits on message content stand in `message_rules`.
"""

import random
import re
from typing import Any

import msgspec

from deploy.sandbox.answers import (
    Answer,
    Refused,
    refuse,
    refuse_messages,
    refuse_monthly,
    refuse_property,
)
from deploy.sandbox.calls import Call, json_object
from deploy.sandbox.deliveries import Kind
from deploy.sandbox.people import User, is_user_id
from deploy.sandbox.platform import Platform
from deploy.sandbox.request_rules import MULTICAST_RECIPIENTS
from deploy.sandbox.retry_keys import is_retry_key
from deploy.sandbox.statistics import Tally
from shared.line.field_rules import problem
from shared.line.message_rules import messages as messages_rule

AGGREGATION_UNITS_A_MONTH = 1000
BRIEF_LENGTH = 200

_encode = msgspec.json.Encoder().encode
is_unit = re.compile(r"[a-zA-Z0-9_]{1,30}").fullmatch


def reply(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/message/reply`: free, once for each token, within a minute."""
    if call.retry_key is not None:
        raise refuse(400, "The retry key is not supported by this API")
    request = json_object(call.body)
    token = request.get("replyToken")
    if not isinstance(token, str) or not token:
        raise refuse_property("replyToken")
    check_content(request)
    at = platform.seconds()
    user_id = platform.reply_tokens.redeem(token, at)
    user = platform.people.find(user_id) if user_id else None
    if user is None:
        raise refuse(400, "Invalid reply token")
    recipients = [] if user.blocked else [user]
    return _accept(platform, "reply", recipients, request["messages"], None, None)


def push(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/message/push`: to one user; counts against the month."""
    at = platform.seconds()
    refuse_repeat(platform, call, at)
    request = json_object(call.body)
    check_content(request)
    user = _known_user(platform, request.get("to"), "to")
    unit = _unit_of(platform, request.get("customAggregationUnits"), at)
    return send_paid(platform, call, "push", [user], request["messages"], unit)


def multicast(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/message/multicast`: to up to 500 users; one bad id sends to nobody."""
    at = platform.seconds()
    refuse_repeat(platform, call, at)
    request = json_object(call.body)
    check_content(request)
    to = request.get("to")
    if not isinstance(to, list) or not 1 <= len(to) <= MULTICAST_RECIPIENTS:
        raise refuse_property("to")
    users = {
        user_id: _known_user(platform, user_id, f"to[{index}]") for index, user_id in enumerate(to)
    }
    unit = _unit_of(platform, request.get("customAggregationUnits"), at)
    everyone = list(users.values())
    answer = send_paid(platform, call, "multicast", everyone, request["messages"], unit)
    return answer._replace(body=b"{}")


def validate(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/message/validate/…`: checks the messages and sends nothing."""
    check_content(json_object(call.body))
    return Answer(200)


def refuse_repeat(platform: Platform, call: Call, at: float) -> None:
    """409 with what was answered before, if the key was accepted in the last 24 hours."""
    if call.retry_key is None:
        return
    if not is_retry_key(call.retry_key):
        raise refuse(400, "The retry key is invalid: it must be a UUID in hexadecimal notation")
    earlier = platform.retry_keys.find(call.retry_key, at)
    if earlier is None:
        return
    body = b'{"message":"The retry key is already accepted"' + (
        b"," + earlier.body[1:] if len(earlier.body) > 2 else b"}"
    )
    header = (b"x-line-accepted-request-id", earlier.request_id.encode())
    raise Refused(Answer(409, body, (header,)))


def check_content(request: dict[str, Any]) -> None:
    """The messages, and the fields that every way of sending shares."""
    messages = request.get("messages")
    try:
        problems = messages_rule(messages) if messages else problem("Size must be between 1 and 5")
    except RecursionError:
        raise refuse(400, "The request body is nested too deeply") from None
    if problems:
        raise refuse_messages(problems)
    if not isinstance(request.get("notificationDisabled"), bool | None):
        raise refuse_property("notificationDisabled")


def _known_user(platform: Platform, user_id: object, name: str) -> User:
    if not isinstance(user_id, str) or not is_user_id(user_id):
        raise refuse_property(name)
    user = platform.people.find(user_id)
    if user is None:
        raise refuse(400, "Failed to send messages")
    return user


def _unit_of(platform: Platform, units: object, at: float) -> str | None:
    """One unit a request, of a plain alphabet, and at most 1,000 names a month."""
    if units is None or units == []:
        return None
    if not isinstance(units, list) or len(units) > 1:
        raise refuse(
            400,
            "The request body has 1 error(s)",
            [{"message": "Size must be between 0 and 1", "property": "customAggregationUnits"}],
        )
    if not isinstance(units[0], str) or not is_unit(units[0]):
        raise refuse_property("customAggregationUnits[0]")
    _count_unit(platform, units[0], at)
    return units[0]


def _count_unit(platform: Platform, unit: str, at: float) -> None:
    names = platform.aggregation_units.setdefault(platform.quota.month(at), set())
    if unit not in names and len(names) >= AGGREGATION_UNITS_A_MONTH:
        raise refuse(400, "The number of aggregation units for this month has reached its limit")
    names.add(unit)


def send_paid(
    platform: Platform,
    call: Call,
    kind: Kind,
    users: list[User],
    messages: list[Any],
    unit: str | None,
) -> Answer:
    """Deliver to those who follow; LINE neither counts nor tells of those who do not."""
    at = platform.seconds()
    recipients = [user for user in users if user.following]
    if not platform.quota.has_room(len(recipients), at):
        raise refuse_monthly()
    tally = _tally(platform, call, kind, unit, at)
    answer = _accept(platform, kind, recipients, messages, call.retry_key, tally)
    platform.quota.spend(len(recipients), at)
    if call.retry_key is not None:
        # Only a push tells again which messages it had sent.
        body = answer.body if kind == "push" else b"{}"
        platform.retry_keys.remember(call.retry_key, call.request_id, body, at)
    return answer


def _tally(platform: Platform, call: Call, kind: Kind, unit: str | None, at: float) -> Tally | None:
    """Where openings and clicks are counted: LINE tells them by unit, or by request of many."""
    if unit is not None:
        return platform.statistics.of_unit(unit, at)
    if kind in ("broadcast", "narrowcast"):
        return platform.statistics.new_request(call.request_id, at)
    return None


def _accept(
    platform: Platform,
    kind: Kind,
    recipients: list[User],
    messages: list[Any],
    retry_key: str | None,
    tally: Tally | None,
) -> Answer:
    words = brief(messages)
    if recipients:
        platform.deliver(kind, recipients, _encode(messages), words, retry_key, tally)
    sent = _encode({"sentMessages": [_sent(platform, message) for message in messages]})
    return Answer(200, sent, brief=words if recipients else f"({words})")


def _sent(platform: Platform, message: dict[str, Any]) -> dict[str, str]:
    sent = {"id": platform.message_id()}
    if message["type"] in ("text", "textV2", "sticker", "image", "video", "template", "flex"):
        sent["quoteToken"] = f"{random.getrandbits(192):048x}"
    return sent


def brief(messages: list[Any]) -> str:
    """The first message in few words, for logs and load checks."""
    first = messages[0]
    words: str = first.get("text") or first.get("altText") or f"[{first['type']}]"
    return words[:BRIEF_LENGTH]
