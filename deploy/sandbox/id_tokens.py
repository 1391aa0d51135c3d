"""ID tokens as LINE Login gives them, and their verification in LINE's words.

Pure: key, times and claims are arguments. LIFF's tokens are ES256; these are HS256 with a key that
only this process has. Nobody but the verification endpoint can or should check them, so services,
which always ask that endpoint, see no difference.
"""

import base64
import hmac
from typing import Any

import msgspec

ISSUER = "https://access.line.me"
TOKEN_SECONDS = 3600
_HEADER = {"alg": "HS256", "typ": "JWT", "kid": "sandbox"}


class InvalidToken(Exception):
    """Why a token does not hold, as LINE words it."""


def issue(
    key: bytes, *, channel_id: str, user_id: str, name: str, at: int, nonce: str | None = None
) -> str:
    """A token for the user, good for an hour from `at` (seconds)."""
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "sub": user_id,
        "aud": channel_id,
        "exp": at + TOKEN_SECONDS,
        "iat": at,
        "amr": ["linesso"],
        "name": name,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    signed = f"{_part(_HEADER)}.{_part(claims)}"
    return f"{signed}.{_base64(hmac.digest(key, signed.encode(), 'sha256'))}"


def verify(
    key: bytes,
    token: str,
    *,
    channel_id: str,
    at: int,
    nonce: str | None = None,
    user_id: str | None = None,
) -> dict[str, Any]:
    """The claims of a token that holds; InvalidToken with LINE's words otherwise."""
    claims = _signed_claims(key, token)
    if claims["aud"] != channel_id:
        raise InvalidToken("Invalid IdToken Audience.")
    if claims["exp"] <= at:
        raise InvalidToken("IdToken expired.")
    if nonce is not None and claims.get("nonce") != nonce:
        raise InvalidToken("Invalid IdToken Nonce.")
    if user_id is not None and claims["sub"] != user_id:
        raise InvalidToken("Invalid IdToken Subject Identifier.")
    return claims


def _signed_claims(key: bytes, token: str) -> dict[str, Any]:
    signed, dot, mac = token.rpartition(".")
    expected = _base64(hmac.digest(key, signed.encode("utf-8", "replace"), "sha256"))
    if not dot or not hmac.compare_digest(expected.encode(), mac.encode("utf-8", "replace")):
        raise InvalidToken("Invalid IdToken.")
    # The signature held, so this process wrote what is decoded here.
    payload = signed.split(".")[1]
    claims: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=="))
    return claims


def _part(content: dict[str, Any]) -> str:
    return _base64(msgspec.json.encode(content))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
