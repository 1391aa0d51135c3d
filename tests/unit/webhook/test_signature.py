"""LINE's signature over raw bytes."""

import base64
import hashlib
import hmac

import pytest

from services.webhook.signature import is_signed, sign

SECRET = b"channel secret"
BODY = b'{"events":[]}'


def test_is_base64_of_hmac_sha256_over_the_raw_body() -> None:
    expected = base64.b64encode(hmac.new(SECRET, BODY, hashlib.sha256).digest())
    assert sign(SECRET, BODY) == expected
    assert is_signed(SECRET, BODY, expected)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        b"",
        b"x",
        sign(b"other secret", BODY),
        sign(SECRET, BODY + b" "),
        sign(SECRET, BODY).lower(),
        sign(SECRET, BODY)[:-1],
        sign(SECRET, BODY) + b"=",
        hmac.new(SECRET, BODY, hashlib.sha256).hexdigest().encode(),
        "署名".encode(),
        b"\xff" * 44,
    ],
)
def test_anything_else_is_no_signature(signature: bytes | None) -> None:
    assert not is_signed(SECRET, BODY, signature)
