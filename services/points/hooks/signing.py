"""Signatures and secrets of outgoing webhooks, as the Standard Webhooks specification has them
(https://www.standardwebhooks.com, symmetric signatures). Pure.

Secrets are not stored. Each follows from the installation's HOOKS_SIGNING_KEY, the endpoint's id
and a generation number (HMAC-SHA256), and the database holds only the number: whoever reads a dump,
a replica or a log of statements learns no secret, and there is no ciphertext to look after. The
price: with another HOOKS_SIGNING_KEY all secrets are others, and receivers must be given new ones.
A secret is shown once, when it is made; it is never logged and never returned again.
"""

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

PREFIX = "whsec_"
_LABEL = b"tamaru outgoing webhook"  # so that the key can never be made to sign anything else


def secret(key: bytes, endpoint_id: UUID, generation: int) -> bytes:
    """The 32 bytes that sign for an endpoint; `generation` grows with each rotation."""
    made = b"\x1f".join((_LABEL, endpoint_id.bytes, str(generation).encode()))
    return hmac.digest(key, made, "sha256")


def shown(secret: bytes) -> str:
    """A secret as its owner is shown it: `whsec_` and base64."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(secrets: Sequence[bytes], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one sending at `at`, signed with each secret (the newest first)."""
    seconds = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(each, signed) for each in secrets),
    }


def _signature(secret: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
