"""The owner's settings of messages: what they mean, and what of them is refused."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from services.notify.notices.announcer import Wait, wait_of
from services.notify.preferences.rules import MessageRules
from services.notify.preferences.settings import AT_ONCE, SHIPPED, MessageSettings
from services.notify.program_zone import ProgramZone

TOKYO = ZoneInfo("Asia/Tokyo")
NOON = datetime(2026, 5, 10, 12, tzinfo=TOKYO)
NIGHT = datetime(2026, 5, 10, 23, tzinfo=TOKYO)
MORNING = datetime(2026, 5, 11, 9, tzinfo=TOKYO)
ONE, THREE = timedelta(seconds=1), timedelta(seconds=3)


def rules(**categories) -> MessageRules:
    found = MessageRules(ProgramZone())
    found.now = MessageSettings.model_validate({"categories": categories})
    return found


@pytest.mark.parametrize("now", [NOON, NIGHT])
@pytest.mark.parametrize("category", ["chat", "account"])
def test_what_somebody_waits_for_never_waits(category, now):
    assert wait_of(category, rules(), now) is None
    assert rules().sends(category)


def test_a_receipt_waits_for_its_window_at_any_hour():
    assert wait_of("receipt", rules(), NIGHT) == Wait(NIGHT + ONE, gathering=True)


@pytest.mark.parametrize("category", ["rank", "expiry"])
def test_what_can_wait_waits_for_the_morning_by_night(category):
    assert wait_of(category, rules(), NOON) == Wait(NOON + THREE, gathering=True)
    assert wait_of(category, rules(), NIGHT) == Wait(MORNING, gathering=False)


def test_a_window_that_would_end_at_night_ends_in_the_morning():
    evening = NIGHT.replace(hour=20, minute=59, second=58)
    assert wait_of("rank", rules(), evening) == Wait(MORNING, gathering=False)


def test_a_window_of_nothing_is_off():
    assert wait_of("receipt", rules(receipt={"window_seconds": 0}), NOON) is None


def test_what_has_a_window_is_merged_with_what_never_waits():
    assert rules(rank={"window_seconds": 0}).merging == {"chat", "account", "receipt", "expiry"}
    off = rules()
    off.now = AT_ONCE
    assert off.merging == frozenset()


def test_offers_are_not_gathered():
    assert wait_of("campaign", rules(), NOON) is None
    assert wait_of("campaign", rules(), NIGHT) == Wait(MORNING, gathering=False)


def test_hours_are_the_shops_own():
    found = rules(receipt={"quiet": {"from": "12:00", "to": "13:00"}, "window_seconds": 0})
    assert wait_of("receipt", found, NOON) == Wait(NOON + timedelta(hours=1), gathering=False)
    found._zone.now = ZoneInfo("Europe/Berlin")
    assert wait_of("receipt", found, NOON) is None


def test_what_is_left_out_is_as_shipped():
    assert MessageSettings.model_validate({}) == SHIPPED
    assert MessageSettings.model_validate_json(SHIPPED.model_dump_json(by_alias=True)) == SHIPPED


@pytest.mark.parametrize(
    ("document", "at"),
    [
        ({"langage": "ja"}, "langage"),
        ({"language": "fr"}, "language"),
        ({"categories": {"chat": {}}}, "categories.chat"),
        ({"categories": {"campaign": {"window_seconds": 3}}}, "categories.campaign.window_seconds"),
        ({"categories": {"receipt": {"window_seconds": -1}}}, "categories.receipt.window_seconds"),
        ({"categories": {"receipt": {"window_seconds": 601}}}, "categories.receipt.window_seconds"),
        (
            {"categories": {"receipt": {"window_seconds": True}}},
            "categories.receipt.window_seconds",
        ),
        ({"categories": {"receipt": {"send": 1}}}, "categories.receipt.send"),
        ({"categories": {"rank": {"quiet": {"from": "21:00"}}}}, "categories.rank.quiet.to"),
        (
            {"categories": {"rank": {"quiet": {"from": "24:00", "to": "09:00"}}}},
            "categories.rank.quiet.from",
        ),
        (
            {"categories": {"rank": {"quiet": {"from": "09:00", "to": "09:00"}}}},
            "categories.rank.quiet",
        ),
        (
            {"categories": {"rank": {"quiet": {"from": "09:00", "to": "05:01"}}}},
            "categories.rank.quiet",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(document, at):
    with pytest.raises(ValidationError) as refused:
        MessageSettings.model_validate(document)
    assert [".".join(map(str, each["loc"])) for each in refused.value.errors()] == [at]


def test_twenty_hours_of_quiet_are_the_most():
    quiet = {"from": "09:00", "to": "05:00"}
    MessageSettings.model_validate({"categories": {"rank": {"quiet": quiet}}})
