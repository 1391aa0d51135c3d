"""An imagined purchase earns what a real one would."""

from datetime import date, time
from typing import Any

from services.points.programs.trial import Imagined, trial
from services.points.rules.program import DEMO, parse

FRIDAY, SATURDAY = date(2026, 11, 27), date(2026, 11, 28)


def points(day: date = SATURDAY, **given: Any) -> int:
    imagined = Imagined(total=1000, day=day, time=time(12), **given)
    return trial(parse(DEMO), imagined).points


def test_the_day_and_the_rank_count() -> None:
    assert points() == 10
    assert points(FRIDAY) == 15
    assert points(rank="gold") == 25
    assert points(rank="no such rank") == 10


def test_a_product_may_be_left_out() -> None:
    assert points(category="tobacco") == 0


def test_it_says_why() -> None:
    found = trial(parse(DEMO), Imagined(total=1000, day=FRIDAY, time=time(12)))
    assert [why.en for why in found.why] == [
        "¥1,000 spent × 1 point per ¥100 = 10 points",
        "Friday: ×1.5",
    ]
    assert found.visits == 1


def test_birthday_and_first_purchase_are_as_imagined() -> None:
    when = {"birthday_month": True, "first_purchase": True}
    gift = {"id": "gift", "type": "fixed", "points": 7, "when": when}
    program = parse({"accrual": {"rules": [gift]}})
    imagined = Imagined(total=1, day=FRIDAY, time=time(0), birthday=True, first=True)
    assert trial(program, imagined).points == 7
    assert trial(program, Imagined(total=1, day=FRIDAY, time=time(0), birthday=True)).points == 0
