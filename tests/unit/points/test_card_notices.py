"""What the card tells besides points: that spending is paused."""

from datetime import UTC, datetime

import pytest

from services.points.web import schemas
from services.points.web.card import TEMPLATES
from shared import ids


def shown(status: str, lang: str) -> str:
    member = schemas.Member(
        id=ids.new_id(),
        card="2900000000012",
        status=status,
        rank=None,
        next_rank=None,
        points=schemas.Points(balance=1_234, pending=0, held=0, expiring=[]),
        lifetime=schemas.Lifetime(earned=0, spent=0, visits=0),
        joined_at=datetime(2025, 4, 1, tzinfo=UTC),
        last_visit_at=None,
    )
    given = dict.fromkeys(("barcode", "qr", "next_rank", "next_point"))
    html: str = TEMPLATES.get_template("card_view.html").render(
        lang=lang, member=member, entries=[], expiring=[], **given
    )
    return html


@pytest.mark.parametrize(
    ("lang", "words"), [("ja", "お使いいただけません"), ("en", "cannot be spent")]
)
def test_who_is_suspended_reads_so_and_sees_the_balance(lang: str, words: str) -> None:
    assert words in shown("suspended", lang)
    assert "1,234" in shown("suspended", lang)
    assert words not in shown("active", lang)
