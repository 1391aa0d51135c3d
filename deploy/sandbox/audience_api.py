"""The Messaging API's audiences, as far as a narrowcast to uploaded user ids needs them.

Owns the calls' words. An audience is ready at once here; LINE takes a while.
"""

from typing import Any

from deploy.sandbox import request_rules as rules
from deploy.sandbox.answers import Answer, Refused, json_answer, refuse
from deploy.sandbox.audiences import MOST_AUDIENCES, Audience
from deploy.sandbox.calls import Call, checked
from deploy.sandbox.people import is_user_id
from deploy.sandbox.platform import Platform

LIFE_SECONDS = 180 * 24 * 3600
PAGE, MOST_PAGE = 20, 40


def upload(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/audienceGroup/upload`: a new audience of user ids."""
    content = checked(call.body, rules.new_audience)
    if len(platform.audiences.known) >= MOST_AUDIENCES:
        raise _refuse("number of audiences has reached its limit", "AUDIENCE_GROUP_COUNT_MAX_OVER")
    user_ids = _ids(content)
    audience = platform.audiences.add(content["description"], platform.seconds())
    _put(platform, audience, user_ids, content)
    told = {name: value for name, value in _shown(audience).items() if name in _TOLD_AT_FIRST}
    return json_answer(202, told | {"expireTimestamp": int(audience.created) + LIFE_SECONDS})


def extend(platform: Platform, call: Call) -> Answer:
    """`PUT /v2/bot/audienceGroup/upload`: more user ids for an audience."""
    content = checked(call.body, rules.more_audience)
    audience = find(platform, content["audienceGroupId"])
    _put(platform, audience, _ids(content), content)
    return Answer(202)


def get(platform: Platform, call: Call) -> Answer:
    audience = find(platform, call.path_id)
    return json_answer(200, {"audienceGroup": _shown(audience), "jobs": audience.jobs})


def rename(platform: Platform, call: Call) -> Answer:
    audience = find(platform, call.path_id)
    audience.description = checked(call.body, rules.renamed_audience)["description"]
    return Answer(200)


def delete(platform: Platform, call: Call) -> Answer:
    del platform.audiences.known[find(platform, call.path_id).audience_id]
    return Answer(200)


def list_all(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/audienceGroup/list`: pages from 1, of at most 40."""
    page, size = _number(call, "page", None, 2**31), _number(call, "size", PAGE, MOST_PAGE)
    part = call.query.get("description", "").lower()
    found = [one for one in platform.audiences.known.values() if part in one.description.lower()]
    shown = found[(page - 1) * size : page * size]
    return json_answer(
        200,
        {
            "audienceGroups": [_shown(audience) for audience in shown],
            "hasNextPage": page * size < len(found),
            "totalCount": len(found),
            "readWriteAudienceGroupTotalCount": len(found),
            "page": page,
            "size": size,
        },
    )


def find(platform: Platform, audience_id: str | int) -> Audience:
    """The audience, or LINE's refusal."""
    text = str(audience_id)
    known = platform.audiences.known
    audience = (
        known.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 20 else None
    )
    if audience is None:
        raise _refuse("audience group not found", "AUDIENCE_GROUP_NOT_FOUND")
    return audience


_TOLD_AT_FIRST = (
    "audienceGroupId", "createRoute", "type", "description", "created", "permission",
    "isIfaAudience",
)  # fmt: skip


def _ids(content: dict[str, Any]) -> list[str]:
    user_ids = [entry["id"] for entry in content.get("audiences") or ()]
    if content.get("isIfaAudience") or not all(is_user_id(one) for one in user_ids):
        code = "UPLOAD_AUDIENCE_GROUP_INVALID_AUDIENCE_ID_FORMAT"
        raise _refuse("invalid audience id format", code)
    return user_ids


def _put(
    platform: Platform, audience: Audience, user_ids: list[str], content: dict[str, Any]
) -> None:
    words = content.get("uploadDescription") or ""
    platform.audiences.upload(audience, user_ids, words, platform.seconds())


def _shown(audience: Audience) -> dict[str, Any]:
    return {
        "audienceGroupId": audience.audience_id,
        "createRoute": "MESSAGING_API",
        "type": "UPLOAD",
        "description": audience.description,
        "status": "READY",
        "audienceCount": len(audience.members),
        "created": int(audience.created),
        "permission": "READ_WRITE",
        "isIfaAudience": False,
    }


def _refuse(message: str, code: str) -> Refused:
    content = {"message": message, "details": [{"message": code}]}
    return Refused(json_answer(400, content)._replace(brief=code))


def _number(call: Call, name: str, default: int | None, high: int) -> int:
    given = call.query.get(name, "" if default is None else str(default))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:20]) <= high:
        raise refuse(400, f"The value for the '{name}' parameter is invalid")
    return int(given)
