"""Who may post what, and the event that a purchase becomes."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from services.webhook import submissions
from services.webhook.store import ApiKey
from services.webhook.submissions import Submission
from shared.events import Event, MemberRef, Purchase, PurchaseSubmitted
from shared.problems import Problem

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TERMINAL = UUID(int=7)


def purchase(store: str = "main", **member: str) -> Purchase:
    return Purchase(store, MemberRef(**(member or {"card": "1"})), NOW, 100)


@pytest.mark.parametrize(
    ("kind", "bound_to", "what", "refusal"),
    [
        ("pos", None, purchase(), None),
        ("pos", "main", purchase(), None),
        ("pos", "main", purchase("second"), "other-store"),
        ("pos", None, purchase(line_user_id="U1"), "owner-only"),
        ("owner", None, purchase("second", line_user_id="U1"), None),
    ],
)
def test_rights(kind: str, bound_to: str | None, what: Purchase, refusal: str | None) -> None:
    key = ApiKey(TERMINAL, kind, bound_to)
    if refusal is None:
        submissions.require_right(key, what)
        return
    with pytest.raises(Problem) as caught:
        submissions.require_right(key, what)
    assert caught.value.status == 403
    assert caught.value.body["type"].endswith(refusal)


def test_the_event_has_the_purchases_id_and_all_that_points_needs() -> None:
    submission = Submission(UUID(int=1), purchase(), b"\x01" * 32, "key 1")
    encoded = submissions.encode(submission, ApiKey(TERMINAL, "pos", None), NOW, reply_to="replies")
    event = msgspec.json.decode(encoded.body, type=Event[PurchaseSubmitted])
    assert encoded.type == event.type == "purchase.submitted.v1"
    assert event.id == UUID(int=1)
    assert event.data == PurchaseSubmitted(
        purchase(), TERMINAL, "key 1", "01" * 32, NOW, reply_to="replies"
    )
