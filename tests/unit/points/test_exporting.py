"""How far a copy is, and which names lead to a member."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.points.members import exporting
from services.points.store.exports import Export, Kin

ASKED = datetime(2026, 4, 1, 12, tzinfo=UTC)
ID = UUID(int=1)


def export(*services: str) -> Export:
    return Export(ID, ID, ASKED, {service: {} for service in services})


@pytest.mark.parametrize(
    ("services", "late", "status", "missing"),
    [
        (("points", "notify", "webhook"), False, "complete", []),
        (("points", "notify", "webhook"), True, "complete", []),
        (("points", "notify"), False, "assembling", ["webhook"]),
        (("points", "notify"), True, "partial", ["webhook"]),
        (("points",), True, "partial", ["notify", "webhook"]),
    ],
)
def test_it_is_complete_with_all_answers_and_partial_after_the_deadline(
    services: tuple[str, ...], late: bool, status: str, missing: list[str]
) -> None:
    now = ASKED + exporting.DEADLINE * late
    assert exporting.state(export(*services), now) == exporting.State(status, missing)


def test_names_of_today_and_of_before_lead_to_a_member() -> None:
    kin = [
        Kin(ID, "U1", None, "2900000000012", None, "0901", "active"),
        Kin(UUID(int=2), None, "U2", "2900000000029", "crm", None, "merged"),
    ]
    assert exporting.users_of(kin) == ["U1", "U2"]
    assert exporting.references_of(kin) == [
        f"id:{ID}",
        "card:2900000000012",
        "phone:0901",
        "line_user_id:U1",
        f"id:{UUID(int=2)}",
        "card:2900000000029",
        "external_id:crm",
        "line_user_id:U2",
    ]
