"""`POST /line/webhook` over HTTP: signed and with an `events` list is always 200."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

from shared.keys import Keys

FOLLOW = {"type": "follow", "webhookEventId": "01H", "source": {"type": "user", "userId": "U1"}}
DEEP = b"[" * 200_000 + b"]" * 200_000

HOSTILE: list[tuple[str, Any, int]] = [
    ("nothing", {"events": []}, 0),
    ("null", {"events": [None]}, 1),
    ("numbers", {"events": [1, -1.5, 10**400]}, 3),
    ("an infinite number", b'{"events":[1e999999]}', 1),
    ("strings", {"events": ["", "follow", "\u0000"]}, 3),
    ("lists", {"events": [[], [[]], [FOLLOW]]}, 3),
    ("empty objects", {"events": [{}, {}]}, 2),
    ("no type", {"events": [{"source": {"userId": "U1"}}]}, 1),
    ("a type of another type", {"events": [{"type": ["follow"]}]}, 1),
    ("an unknown type", {"events": [{"type": "teleport", "where": "moon"}]}, 1),
    ("a source of another type", {"events": [{"type": "follow", "source": "U1"}]}, 1),
    ("an id of another type", {"events": [{"type": "follow", "webhookEventId": 5}]}, 1),
    ("no destination", {"events": [FOLLOW]}, 1),
    ("a destination of another type", {"destination": {"a": []}, "events": [FOLLOW]}, 1),
    ("another account", {"destination": "Uother", "events": [FOLLOW]}, 1),
    ("keys twice", b'{"events":7,"events":[{"type":"a","type":"b"}]}', 1),
    ("half a surrogate pair", {"events": [{"type": "message", "text": "\ud83d"}]}, 1),
    ("deep", b'{"events":[{"type":"message","x":' + DEEP + b"}]}", 1),
    ("only deep", b'{"events":[' + DEEP + b"]}", 1),
    ("long names", {"events": [{"type": "t" * 100_000}]}, 1),
    ("many", {"events": [{"type": "message", "n": n} for n in range(2000)]}, 2000),
    ("unknown fields", {"events": [FOLLOW], "x": {"events": None}}, 1),
    ("spaces", b' \n\t{ "events" : [ { } ] }\r\n', 1),
    ("a byte order mark", b'\xef\xbb\xbf{"events":[{}]}', 1),
    ("a redelivery", {"events": [{**FOLLOW, "deliveryContext": {"isRedelivery": True}}]}, 1),
    ("a standby", {"events": [{**FOLLOW, "mode": "standby"}]}, 1),
    ("good between bad", {"events": [None, FOLLOW, {"type": {}}]}, 3),
    ("html", {"events": [{"type": "<script>", "source": {"userId": "'; DROP"}}]}, 1),
]

NO_WEBHOOK: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("null", b"null"),
    ("a number", b"5"),
    ("a list", b"[]"),
    ("no list", b"{}"),
    ("null for a list", b'{"events":null}'),
    ("an object for a list", b'{"events":{}}'),
    ("a string for a list", b'{"events":"[]"}'),
    ("truncated", b'{"events":[{}'),
    ("a comma too many", b'{"events":[{},]}'),
    ("NaN", b'{"events":[NaN]}'),
    ("not UTF-8", b'{"events":["\xff"]}'),
    ("two documents", b'{"events":[]}{"events":[]}'),
    ("a form", b"events=1"),
    ("never closed", b'{"events":' + b"[" * 200_000),
]


async def test_whatever_is_signed_and_has_an_events_list_is_200_and_kept(edge) -> None:
    wrong = []
    for name, body, count in HOSTILE:
        before = len(edge.published)
        answer = await edge.line(body)
        if answer.status != 200 or answer.seconds > 2:
            wrong.append((name, answer.status, answer.body, answer.seconds))
        else:
            await edge.publishes(before + count)
    assert wrong == []
    assert len(edge.published) == sum(count for _, _, count in HOSTILE)
    assert await edge.spooled() == 0


async def test_what_is_signed_and_is_no_webhook_is_400_with_words(edge) -> None:
    for name, body in NO_WEBHOOK:
        answer = await edge.line(body)
        assert answer.status == 400, (name, answer.body)
        assert len(answer.json["detail"]) > 20, name
    assert edge.published == []


async def test_events_go_out_apart_and_as_they_came(edge) -> None:
    message = {"type": "message", "webhookEventId": "02H", "message": {"text": "残高 🎉"}}
    assert (await edge.line({"destination": "Ubot", "events": [FOLLOW, message]})).status == 200
    first, second = await edge.publishes(2)
    assert json.loads(bytes(first.data.event)) == FOLLOW
    assert json.loads(bytes(second.data.event)) == message
    assert (first.data.kind, first.data.user_id, first.data.destination) == ("follow", "U1", "Ubot")


async def test_a_redelivery_has_the_same_id(edge) -> None:
    await edge.line({"events": [FOLLOW]})
    await edge.line({"events": [{**FOLLOW, "deliveryContext": {"isRedelivery": True}}]})
    first, second = await edge.publishes(2)
    assert first.id == second.id
    assert (first.data.redelivered, second.data.redelivered) == (False, True)


async def test_a_wrong_or_missing_signature_is_401(edge) -> None:
    body = b'{"events":[{}]}'
    right = base64.b64encode(hmac.digest(b"a channel secret", body, hashlib.sha256)).decode()
    other = base64.b64encode(hmac.digest(b"another secret", body, hashlib.sha256)).decode()
    for signature in (None, "", "x", other, right[:-2], right.lower(), "é" * 22, "A" * 8000):
        answer = await edge.line(body, signature)
        assert answer.status == 401, signature
        assert "x-line-signature" in answer.json["detail"]
    assert (await edge.line(body + b" ", right)).status == 401
    assert (await edge.line(body, right)).status == 200
    assert len(await edge.publishes(1)) == 1


async def test_the_content_type_and_the_case_of_the_header_do_not_matter(edge) -> None:
    body = b'{"events":[{}]}'
    right = base64.b64encode(hmac.digest(b"a channel secret", body, hashlib.sha256)).decode()
    for name in ("x-line-signature", "X-LINE-SIGNATURE", "X-Line-Signature"):
        headers = {name: right, "content-type": "text/plain; charset=shift_jis"}
        async with edge.http.post(f"{edge.url}/line/webhook", data=body, headers=headers) as got:
            assert got.status == 200


async def test_a_body_above_a_megabyte_is_413(edge) -> None:
    answer = await edge.line({"events": ["x" * 1_000_000]})
    assert answer.status == 413
    assert "1000000" in answer.json["detail"]


async def test_while_the_channel_secret_changes_both_sign_and_then_the_new_one_only(edge) -> None:
    state = edge.process.app.state
    body = json.dumps({"events": []}).encode()

    def signed(secret: bytes) -> str:
        return base64.b64encode(hmac.digest(secret, body, hashlib.sha256)).decode()

    async def statuses() -> list[int]:
        before = await edge.line(body)  # by the secret that there was
        after = await edge.line(body, signed(b"the next secret"))
        return [before.status, after.status]

    old = state.ingress.channel_secrets.new
    assert await statuses() == [200, 401]
    state.ingress = replace(state.ingress, channel_secrets=Keys(b"the next secret", old))
    assert await statuses() == [200, 200]
    state.ingress = replace(state.ingress, channel_secrets=Keys(b"the next secret"))
    assert await statuses() == [401, 200]
