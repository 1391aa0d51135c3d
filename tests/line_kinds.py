"""One webhook event of every kind in LINE's reference, and of kinds that it does not know yet.

Owns the list, so that the tests run everywhere; tests/conformance holds it against LINE's file.
"""

from collections.abc import Iterator
from typing import Any

GROUP, ROOM, USER = "C" + "3" * 32, "R" + "4" * 32, "U" + "5" * 32
_reply = {"replyToken": "a token that is good once"}
_quoted = {"quoteToken": "a quote token", "markAsReadToken": "a read token"}
_read = {"markAsReadToken": "a read token"}
_by_line = {"contentProvider": {"type": "line"}}

SOURCES: dict[str, Any] = {
    "user": {"type": "user", "userId": USER},
    "group": {"type": "group", "groupId": GROUP, "userId": USER},
    "room": {"type": "room", "roomId": ROOM},
}
MESSAGES: dict[str, dict[str, Any]] = {
    "text": {
        "text": "こんにちは (love) @All",
        "emojis": [
            {"index": 6, "length": 6, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "2"}
        ],
        "mention": {"mentionees": [{"type": "all", "index": 13, "length": 4}]},
        **_quoted,
    },
    "image": {**_by_line, "imageSet": {"id": "set", "index": 1, "total": 2}, **_quoted},
    "video": {**_by_line, "duration": 60000, **_quoted},
    "audio": {**_by_line, "duration": 60000, **_read},
    "file": {"fileName": "見積.pdf", "fileSize": 2138, **_read},
    "location": {"title": "店", "address": "東京都", "latitude": 35.6, "longitude": 139.7, **_read},
    "sticker": {
        "packageId": "1",
        "stickerId": "2",
        "stickerResourceType": "ANIMATION_SOUND",
        "keywords": ["嬉しい"],
        **_quoted,
    },
}
MEMBERS = {"members": [{"type": "user", "userId": USER}]}
# The types, each with every variant of its content.
EVENTS: dict[str, list[dict[str, Any]]] = {
    "message": [
        {"message": {"type": kind, "id": "444573844083572737", **content}, **_reply}
        for kind, content in MESSAGES.items()
    ],
    "unsend": [{"unsend": {"messageId": "325708"}}],
    "follow": [{"follow": {"isUnblocked": False}, **_reply}],
    "unfollow": [{}],
    "join": [_reply],
    "leave": [{}],
    "memberJoined": [{"joined": MEMBERS, **_reply}],
    "memberLeft": [{"left": MEMBERS}],
    "postback": [
        {"postback": {"data": "a=1", **params}, **_reply}
        for params in (
            {},
            {"params": {"datetime": "2025-12-25T01:00"}},
            {"params": {"newRichMenuAliasId": "page-2", "status": "SUCCESS"}},
        )
    ],
    "videoPlayComplete": [{"videoPlayComplete": {"trackingId": "track-id"}, **_reply}],
    "beacon": [
        {"beacon": {"hwid": "d41d8cd98f", "type": kind, "dm": "01"}, **_reply}
        for kind in ("enter", "banner", "stay")
    ],
    "accountLink": [
        {"link": {"result": result, "nonce": "a nonce of the shop"}, **_reply}
        for result in ("ok", "failed")
    ],
    "membership": [
        {"membership": {"type": kind, "membershipId": 3189}, **_reply}
        for kind in ("joined", "left", "renewed")
    ],
    "module": [
        {"module": {"type": "attached", "botId": USER, "scopes": ["message:send"]}},
        {"module": {"type": "detached", "botId": USER, "reason": "bot_deleted"}},
    ],
    "activated": [{"chatControl": {"expireAt": 1462629479859}}],
    "deactivated": [{}],
    "botSuspended": [{}],
    "botResumed": [{}],
    "delivery": [
        {"delivery": {"data": "15034552939884E28681A7D668CEA94C147C716C0EC9DFE8B80B44EF3B57"}}
    ],
}
WITHOUT_SOURCE = ("botSuspended", "botResumed", "delivery", "module")


def known() -> list[dict[str, Any]]:
    """An event of every kind: types, their variants, and every source where it has one."""
    return [
        _event(kind, number, **_source(kind, source), **content)
        for number, (kind, source, content) in enumerate(_combinations())
    ]


def unknown() -> list[dict[str, Any]]:
    """What a LINE of later years may send: types, messages, sources and fields that are new."""
    message = {"type": "hologram", "id": "1", "depth": [1.5, {"x": None}]}
    return [
        _event("teleport", 900, source=SOURCES["user"], where={"planet": "moon"}),
        _event("message", 901, source=SOURCES["user"], message=message, **_reply),
        _event("message", 902, source={"type": "channel", "channelId": "X1"}, message=message),
        _event("follow", 903, source={**SOURCES["user"], "since": 1}, **_reply, extra=["new"]),
        _event("membership", 904, source=SOURCES["user"], membership={"type": "paused", "id": 1}),
        _event("beacon", 905, source={}, beacon={}),
        _event("follow", 906, source=SOURCES["user"], **_reply),  # LINE may leave a field out
    ]


def _combinations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for kind, variants in EVENTS.items():
        for content in variants:
            for source in ("",) if kind in WITHOUT_SOURCE else SOURCES:
                yield kind, source, content
    yield "accountLink", "", EVENTS["accountLink"][1]  # LINE leaves the source of a failed one out


def _source(kind: str, source: str) -> dict[str, Any]:
    return {"source": SOURCES[source]} if source else {}


def _event(kind: str, number: int, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "mode": "active",
        "timestamp": 1_700_000_000_000 + number,
        "webhookEventId": f"01H{number:023}",
        "deliveryContext": {"isRedelivery": False},
        **fields,
    }
