"""When the poller looks: when the next window ends, and not before."""

from datetime import UTC, datetime, timedelta

from services.notify.sending.alarm import GRAIN_SECONDS, Alarm

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_it_waits_for_the_soonest_and_no_longer_than_usual():
    alarm = Alarm()
    assert alarm.pause(NOW, 0.5) == 0.5
    alarm.set(after(3))
    alarm.set(after(1))
    assert alarm.pause(NOW, 0.5) == 0.5
    for now in (0.9, 2.9):
        pause = alarm.pause(after(now), 0.5)
        assert 0.1 <= round(pause, 6) <= 0.1 + GRAIN_SECONDS, "then it is due for sure"
    assert alarm.pause(after(3.1), 0.5) == 0.5


def test_a_thousand_at_once_are_one_look():
    alarm = Alarm()
    for number in range(1000):
        alarm.set(after(3 + number / 1e6))
    assert len(alarm._heap) <= 2
