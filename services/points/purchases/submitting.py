"""Purchases that begin here, at the counter or at a visit: submitted by the outbox.

They take the same way as a till's: one event, awarded once, wherever it was submitted. Whoever
submits has found the member already, so the event names them by id.
"""

import hashlib
from datetime import datetime
from uuid import UUID

import msgspec

from shared import clock
from shared.bus.handling import Batch
from shared.events import MemberRef, Payment, Purchase, PurchaseSubmitted, new_event
from shared.purchase_id import purchase_id

SOURCE = "/points/counter"


class Submission(msgspec.Struct, frozen=True):
    """A purchase to submit: `by` is the terminal or person, `key` names it among theirs. A `total`
    of 0 is a visit."""

    member_id: UUID
    store: str
    by: UUID
    key: str
    occurred_at: datetime
    total: int = 0
    tax: int = 0
    receipt: str | None = None
    payments: tuple[Payment, ...] = ()


def id_of(secret: bytes, by: UUID, key: str) -> UUID:
    """The purchase's id, known before it is submitted."""
    return purchase_id(secret, by, key)


def submit(
    batch: Batch, secret: bytes, wanted: Submission, actor: str, reply_to: str | None = None
) -> UUID:
    """Submit a purchase with the caller's transaction; returns its id. `actor` is who does, and
    `reply_to` the queue of whoever waits for its points."""
    purchase = Purchase(
        store=wanted.store,
        member=MemberRef(id=str(wanted.member_id)),
        occurred_at=wanted.occurred_at,
        total=wanted.total,
        tax=wanted.tax,
        receipt=wanted.receipt,
        payments=list(wanted.payments),
    )
    body_hash = hashlib.sha256(msgspec.json.encode(purchase)).hexdigest()
    id = id_of(secret, wanted.by, wanted.key)
    data = PurchaseSubmitted(
        purchase, wanted.by, wanted.key, body_hash, clock.now(), reply_to, actor
    )
    batch.emit(new_event(SOURCE, data, id=id))
    return id
