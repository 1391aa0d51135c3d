"""Signatures as any Standard Webhooks library checks them."""

import base64
import hmac
from datetime import UTC, datetime
from uuid import UUID

from services.points.hooks import signing

KEY = b"the installation's key"
ENDPOINT = UUID(int=7)
MOMENT = datetime(2021, 2, 25, 14, 42, 10, 999_999, tzinfo=UTC)  # 1614264130 and a bit


def verified(shown: str, headers: dict[str, str], body: bytes) -> bool:
    """A receiver's check, written from the specification."""
    key = base64.b64decode(shown.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    versions = [each.split(",", 1) for each in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(text, wanted) for version, text in versions)


def test_the_reference_vector_of_the_specification() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    body = b'{"test": 2432232314}'
    assert signing.headers([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_receiver_verifies_with_what_it_was_shown() -> None:
    secret = signing.secret(KEY, ENDPOINT, 1)
    headers = signing.headers([secret], "id", MOMENT, b'{"a":1}')
    assert verified(signing.shown(secret), headers, b'{"a":1}')
    assert not verified(signing.shown(secret), headers, b'{"a":2}')
    assert not verified(signing.shown(secret), {**headers, "webhook-id": "other"}, b'{"a":1}')
    assert headers["webhook-timestamp"] == "1614264130"


def test_after_a_rotation_both_secrets_verify() -> None:
    old, new = (signing.secret(KEY, ENDPOINT, generation) for generation in (1, 2))
    headers = signing.headers([new, old], "id", MOMENT, b"x")
    assert verified(signing.shown(new), headers, b"x")
    assert verified(signing.shown(old), headers, b"x")
    assert not verified(signing.shown(signing.secret(KEY, ENDPOINT, 3)), headers, b"x")


def test_secrets_differ_by_key_endpoint_and_generation_and_come_out_the_same_again() -> None:
    made = [
        signing.secret(KEY, ENDPOINT, 1),
        signing.secret(KEY, ENDPOINT, 2),
        signing.secret(KEY, UUID(int=8), 1),
        signing.secret(b"another", ENDPOINT, 1),
    ]
    assert len(set(made)) == 4
    assert signing.secret(KEY, ENDPOINT, 1) == made[0]
    assert signing.shown(made[0]).startswith("whsec_")
    assert 24 <= len(base64.b64decode(signing.shown(made[0])[6:])) <= 64
