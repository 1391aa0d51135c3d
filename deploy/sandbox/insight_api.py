"""The Messaging API's figures: messages sent, friends, openings and clicks.

Owns which figures are told: those of fewer than 20 people are withheld, as LINE does. They come
from what the sandbox itself saw: a message is opened when a phone shows it.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from deploy.sandbox.answers import Answer, json_answer, refuse
from deploy.sandbox.calls import Call
from deploy.sandbox.platform import Platform
from deploy.sandbox.send_api import is_unit
from deploy.sandbox.statistics import Tally

FEWEST_PEOPLE = 20
LONGEST_DAYS = 30
FIRST_DAY = "20180331"
UNITS_A_PAGE = 100
MEDIA = ("", "25Percent", "50Percent", "75Percent", "100Percent")

_is_day = re.compile(r"[0-9]{8}").fullmatch


def sent_messages(kind: str) -> Any:
    """`GET /v2/bot/message/delivery/{kind}`: how many were sent this way on a day."""

    def handler(platform: Platform, call: Call) -> Answer:
        day = _day(call, "date")
        status = _status(platform, day)
        if status != "ready":
            return json_answer(200, {"status": status})
        sent = platform.statistics.counted(kind, day)
        if sent < FEWEST_PEOPLE:
            return json_answer(200, {"status": "unavailable_for_privacy"})
        return json_answer(200, {"status": "ready", "success": sent})

    return handler


def deliveries(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/insight/message/delivery`: all ways of sending on a day."""
    day = _day(call, "date")
    status = _status(platform, day)
    if status != "ready":
        return json_answer(200, {"status": status})
    counts = {name: platform.statistics.counted(kind, day) for name, kind in _SENT_BY_API if kind}
    return json_answer(200, {"status": status, **{n: c for n, c in counts.items() if c}})


def followers(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/insight/followers`: up to a day; yesterday when none is named."""
    yesterday = platform.statistics.day(platform.seconds() - 86_400)
    day = _day(call, "date") if "date" in call.query else yesterday
    status = _status(platform, day)
    if status != "ready":
        return json_answer(200, {"status": status})
    counted = platform.statistics.counted_until
    blocks = counted("block", day) - counted("unblock", day)
    friends = counted("follow", day)
    reached = friends - blocks
    return json_answer(
        200,
        {"status": "ready", "followers": friends, "targetedReaches": reached, "blocks": blocks},
    )


def demographic(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/insight/demographic`: people here have no attributes, so all are unknown."""
    if sum(1 for _ in platform.people.followers()) < FEWEST_PEOPLE:
        return json_answer(200, {"available": False})
    return json_answer(
        200,
        {
            "available": True,
            "genders": [{"gender": "unknown", "percentage": 100.0}],
            "ages": [{"age": "unknown", "percentage": 100.0}],
            "areas": [{"area": "unknown", "percentage": 100.0}],
            "appTypes": [{"appType": "others", "percentage": 100.0}],
            "subscriptionPeriods": [{"subscriptionPeriod": "unknown", "percentage": 100.0}],
        },
    )


def of_request(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/insight/message/event`: of one broadcast or narrowcast."""
    request_id = call.query.get("requestId", "")
    tally = platform.statistics.request(request_id)
    if tally is None:
        raise refuse(404, "Not found")
    sent = {
        "requestId": request_id,
        "timestamp": int(tally.at),
        "delivered": tally.delivered,
    }
    return json_answer(200, _told(tally, sent, with_viewers=False))


def of_unit(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/insight/message/event/aggregation`: of one unit over at most 31 days."""
    unit = call.query.get("customAggregationUnit", "")
    if not is_unit(unit):
        raise _refuse("customAggregationUnit")
    start, end = _day(call, "from"), _day(call, "to")
    if not _moment(start) <= _moment(end) <= _moment(start) + timedelta(days=LONGEST_DAYS):
        raise _refuse("to")
    tally = platform.statistics.unit(unit, start, end)
    return json_answer(200, _told(tally, {}, with_viewers=True))


def units_used(platform: Platform, call: Call) -> Answer:
    return json_answer(200, {"numOfCustomAggregationUnits": len(_units(platform))})


def unit_names(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/message/aggregation/list`: this month's names, in pages."""
    limit, start = call.query.get("limit", str(UNITS_A_PAGE)), call.query.get("start", "0")
    if not _is_number(limit) or not 1 <= int(limit) <= UNITS_A_PAGE:
        raise _refuse("limit")
    if not _is_number(start):
        raise _refuse("start")
    names, first, last = sorted(_units(platform)), int(start), int(start) + int(limit)
    more = {"next": str(last)} if last < len(names) else {}
    return json_answer(200, {"customAggregationUnits": names[first:last], **more})


_SENT_BY_API = (
    ("apiBroadcast", "broadcast"),
    ("apiPush", "push"),
    ("apiMulticast", "multicast"),
    ("apiNarrowcast", "narrowcast"),
    ("apiReply", "reply"),
)


def _units(platform: Platform) -> set[str]:
    month = platform.quota.month(platform.seconds())
    return platform.aggregation_units.get(month, set())


def _told(tally: Tally, sent: dict[str, Any], *, with_viewers: bool) -> dict[str, Any]:
    """The figures of a tally in LINE's form, without those of too few people."""
    viewers: set[str] = set().union(*tally.viewers.values())
    clickers: set[str] = set().union(*(clicks.users for clicks in tally.clicks.values()))
    return {
        "overview": {
            **sent,
            "uniqueImpression": _if_enough(len(viewers), len(viewers)),
            "uniqueClick": _if_enough(len(clickers), len(clickers)),
            "uniqueMediaPlayed": None,
            "uniqueMediaPlayed100Percent": None,
        },
        "messages": [
            _bubble(tally, number, with_viewers=with_viewers) for number in sorted(tally.viewers)
        ],
        "clicks": [_link(tally, bubble, url) for bubble, url in sorted(tally.clicks)],
    }


def _bubble(tally: Tally, number: int, *, with_viewers: bool) -> dict[str, Any]:
    people = len(tally.viewers[number])
    unique = {"uniqueImpression": _if_enough(people, people)} if with_viewers else {}
    played = {f"mediaPlayed{part}": None for part in MEDIA}
    uniquely = {f"uniqueMediaPlayed{part}": None for part in MEDIA}
    impressions = _if_enough(tally.impressions[number], people)
    return {"seq": number, "impression": impressions, **unique, **played, **uniquely}


def _link(tally: Tally, bubble: int, url: str) -> dict[str, Any]:
    clicks = tally.clicks[bubble, url]
    people = len(clicks.users)
    anywhere: set[str] = set().union(
        *(other.users for (_, address), other in tally.clicks.items() if address == url)
    )
    return {
        "seq": bubble,
        "url": url,
        "click": _if_enough(clicks.count, people),
        "uniqueClick": _if_enough(people, people),
        "uniqueClickOfRequest": _if_enough(len(anywhere), len(anywhere)),
    }


def _if_enough(figure: int, people: int) -> int | None:
    return figure if people >= FEWEST_PEOPLE else None


def _status(platform: Platform, day: str) -> str:
    """LINE counts a day when it is over."""
    if day < FIRST_DAY:
        return "out_of_service"
    return "ready" if day < platform.statistics.day(platform.seconds()) else "unready"


def _day(call: Call, name: str) -> str:
    given = call.query.get(name, "")
    if not given.isascii() or not _is_day(given):
        raise _refuse(name)
    try:
        _moment(given)
    except ValueError:
        raise _refuse(name) from None
    return given


def _moment(day: str) -> datetime:
    return datetime.strptime(day, "%Y%m%d")  # noqa: DTZ007 - a day, compared with days only


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _refuse(name: str) -> Exception:
    return refuse(400, f"The value for the '{name}' parameter is invalid")
