"""When people are told what can wait: by day, in the program's time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.notify.notices.announcer import next_day_hour

TOKYO, NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("now", "zone", "waits_until"),
    [
        (datetime(2026, 1, 5, 3, 40, tzinfo=TOKYO), TOKYO, datetime(2026, 1, 5, 9, tzinfo=TOKYO)),
        (datetime(2026, 1, 5, 8, 59, tzinfo=TOKYO), TOKYO, datetime(2026, 1, 5, 9, tzinfo=TOKYO)),
        (datetime(2026, 1, 5, 9, 0, tzinfo=TOKYO), TOKYO, None),
        (datetime(2026, 1, 5, 20, 59, tzinfo=TOKYO), TOKYO, None),
        (datetime(2026, 1, 31, 21, 0, tzinfo=TOKYO), TOKYO, datetime(2026, 2, 1, 9, tzinfo=TOKYO)),
        (
            datetime(2026, 3, 7, 23, 0, tzinfo=NEW_YORK),  # the clocks change in this night
            NEW_YORK,
            datetime(2026, 3, 8, 9, tzinfo=NEW_YORK),
        ),
        (datetime(2026, 1, 5, 3, 40, tzinfo=TOKYO), NEW_YORK, None),
    ],
)
def test_nobody_is_woken_up(now: datetime, zone: ZoneInfo, waits_until: datetime | None) -> None:
    assert next_day_hour(now, zone) == waits_until
