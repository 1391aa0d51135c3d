"""What both purchase endpoints share: who may post what, and the event that a purchase becomes."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.webhook.ingress import Ingress
from services.webhook.messages import Encoded
from services.webhook.purchases import Checked
from services.webhook.store import ApiKey
from shared import envelope
from shared.events import Purchase, PurchaseSubmitted, new_event
from shared.problems import Problem, invalid
from shared.purchase_id import purchase_id

SOURCE = "/webhook"


class Submission(msgspec.Struct, frozen=True):
    """A purchase that may be accepted. `digest` is the SHA-256 of its canonical body."""

    id: UUID
    purchase: Purchase
    digest: bytes
    key: str


def submit(ingress: Ingress, api_key: ApiKey, key: str, checked: Checked) -> Submission:
    """A purchase under its id. Raises Problem when this key may not post it."""
    purchase = checked.purchase
    if not ingress.keyring.has_store(purchase.store):
        raise invalid([("store", "there is no active store with this code")])
    require_right(api_key, purchase)
    made = purchase_id(ingress.purchase_id_key, api_key.terminal_id, key)
    return Submission(made, purchase, checked.digest, key)


def require_right(api_key: ApiKey, purchase: Purchase) -> None:
    """Raise a 403 for what this key may not post."""
    if api_key.kind == "owner":
        return
    if api_key.store is not None and api_key.store != purchase.store:
        raise Problem(
            403, "other-store", f"This API key may only post for the store {api_key.store!r}."
        )
    if purchase.member.line_user_id is not None:
        raise Problem(
            403,
            "owner-only",
            "Only an owner key may name a member by `line_user_id`. Use `card` or `qr`.",
        )


def encode(
    submission: Submission,
    api_key: ApiKey,
    accepted_at: datetime,
    *,
    trace: str | None = None,
    reply_to: str | None = None,
) -> Encoded:
    """The event, ready to send; its id is the purchase's. `trace` is the request's traceparent."""
    data = PurchaseSubmitted(
        purchase=submission.purchase,
        terminal_id=api_key.terminal_id,
        key=submission.key,
        body_hash=submission.digest.hex(),
        accepted_at=accepted_at,
        reply_to=reply_to,
    )
    event = new_event(SOURCE, data, id=submission.id)
    event.traceparent = trace
    return Encoded(event.type, envelope.encode(event))


def conflict(id: UUID) -> Problem:
    """The key was used with another body."""
    return Problem(
        409,
        "idempotency-conflict",
        "This Idempotency-Key came with another body before. Use a new key for a new purchase, and "
        "send a repeat unchanged.",
        id=str(id),
    )
