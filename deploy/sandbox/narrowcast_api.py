"""Broadcast and narrowcast: to all who follow, or to those in audiences.

Owns the choice of recipients. What holds for every way of sending stands in `send_api`.
"""

from collections.abc import Callable
from typing import Any

from deploy.sandbox import audience_api, request_rules, send_api
from deploy.sandbox.answers import Answer, json_answer, moment, refuse, refuse_problems
from deploy.sandbox.audiences import Narrowcast
from deploy.sandbox.calls import Call, json_object
from deploy.sandbox.people import User
from deploy.sandbox.platform import Platform

SMALLEST = 50  # people that a narrowcast by attributes must reach

Ids = frozenset[str]


def broadcast(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/message/broadcast`: to all who follow; counts once for each of them."""
    request = _admitted(platform, call)
    everyone = list(platform.people.followers())
    send_api.send_paid(platform, call, "broadcast", everyone, request["messages"], None)
    return Answer(200)


def narrowcast(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/message/narrowcast`: accepted first; its progress tells how it went.

    People here have no attributes, so a demographic filter is checked and then lets all pass.
    """
    request = _admitted(platform, call)
    problems = request_rules.narrowcast(request)
    if problems:
        raise refuse_problems(problems)
    users = _recipients(platform, request.get("recipient"))
    limit = request.get("limit") or {}
    users = users[: limit.get("max") or len(users)]
    room, error = _room(platform, users, limit, by_attribute=bool(request.get("filter")))
    if not error:
        send_api.send_paid(platform, call, "narrowcast", users[:room], request["messages"], None)
    elif call.retry_key:
        platform.retry_keys.remember(call.retry_key, call.request_id, b"{}", platform.seconds())
    reached = [] if error else [user.user_id for user in users[:room]]
    done = Narrowcast(platform.seconds(), len(reached), error, _WORDS.get(error, ""))
    platform.audiences.record(call.request_id, done, reached)
    return Answer(202)


def progress(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/message/progress/narrowcast`."""
    request_id = call.query.get("requestId", "")
    found = platform.audiences.narrowcasts.get(request_id)
    if found is None:
        raise refuse(404, "Not found")
    accepted = {"acceptedTime": moment(found.accepted)}
    end = found.accepted + platform.faults.settings.progress_seconds
    if platform.seconds() < end:
        return json_answer(200, {"phase": "sending", **accepted})
    completed = accepted | {"completedTime": moment(end)}
    if found.error:
        failed = {"phase": "failed", "errorCode": found.error, "failedDescription": found.words}
        return json_answer(200, failed | completed)
    counts = {"successCount": found.reached, "failureCount": 0, "targetCount": found.reached}
    return json_answer(200, {"phase": "succeeded", **counts, **completed})


_WORDS: dict[int | None, str] = {
    2: "There were not enough recipients.",
    5: "Delivery was canceled to avoid reaching only a part of the audience.",
}


def _admitted(platform: Platform, call: Call) -> dict[str, Any]:
    send_api.refuse_repeat(platform, call, platform.seconds())
    request = json_object(call.body)
    send_api.check_content(request)
    return request


def _recipients(platform: Platform, recipient: dict[str, Any] | None) -> list[User]:
    """Those who follow and are meant; everyone who follows when nobody is named."""
    followers = platform.people.followers()
    if recipient is None:
        return list(followers)
    meant = _meant(platform, recipient)
    return [user for user in followers if meant(user.user_id)]


def _meant(platform: Platform, recipient: dict[str, Any]) -> Callable[[str], bool]:
    """Whether a user is meant by a recipient object."""
    if recipient["type"] == "audience":
        return audience_api.find(platform, recipient["audienceGroupId"]).members.__contains__
    if recipient["type"] == "redelivery":
        earlier = platform.audiences.recipients.get(recipient["requestId"])
        if earlier is None:
            raise refuse(400, "The request ID to redeliver is invalid")
        return earlier.__contains__
    return _operator(platform, recipient)


def _operator(platform: Platform, recipient: dict[str, Any]) -> Callable[[str], bool]:
    given = [name for name in ("and", "or", "not") if recipient.get(name)]
    if len(given) != 1:
        raise refuse(400, "An operator takes exactly one of and, or, not")
    if given == ["not"]:
        inner = _meant(platform, recipient["not"])
        return lambda user_id: not inner(user_id)
    parts = [_meant(platform, part) for part in recipient[given[0]]]
    quantifier = all if given == ["and"] else any
    return lambda user_id: quantifier(part(user_id) for part in parts)


def _room(
    platform: Platform, users: list[User], limit: dict[str, Any], *, by_attribute: bool
) -> tuple[int, int | None]:
    """How many may be sent to, and LINE's error code when it is to fail as a whole."""
    if by_attribute and len(users) < SMALLEST:
        return 0, 2
    left = platform.quota.left(platform.seconds())
    if left is None or left >= len(users) or not limit.get("upToRemainingQuota"):
        return len(users), None
    return (0, 5) if limit.get("forbidPartialDelivery") else (left, None)
