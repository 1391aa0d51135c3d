from collections import Counter

import msgspec
import pytest

from deploy.sandbox.faults import Faults, FaultSettings
from deploy.sandbox.platform import Platform
from deploy.sandbox.rate_limits import RateLimits


def fates(seed: int, count: int = 200) -> list[str | None]:
    faults = Faults()
    faults.set(FaultSettings(status_500=0.2, status_429=0.2, timeout=0.2, seed=seed))
    return [faults.of_call() for _ in range(count)]


def test_the_same_seed_brings_the_same_fate() -> None:
    assert fates(7) == fates(7)
    assert fates(7) != fates(8)


def test_faults_strike_about_as_often_as_told() -> None:
    counts = Counter(fates(1, 10_000))
    assert 1_900 < counts["status_500"] < 2_100
    assert 1_500 < counts["status_429"] < 1_700  # only where the first did not strike


def test_nothing_befalls_anyone_by_default() -> None:
    faults = Faults()
    assert {faults.of_call() for _ in range(100)} == {None}
    assert not faults.strikes("duplicate")


def test_certainty_is_certain() -> None:
    faults = Faults()
    faults.set(FaultSettings(lost_response=1, duplicate=1))
    assert {faults.of_call() for _ in range(100)} == {"lost_response"}
    assert all(faults.strikes("duplicate") for _ in range(100))


def test_who_waits_for_an_answer_waits_as_long_as_told() -> None:
    faults = Faults()
    faults.set(FaultSettings(timeout_seconds=7, slow_seconds=3))
    assert [faults.seconds_until(each) for each in ("timeout", "slow", "status_500", None)] == [
        7,
        3,
        0,
        0,
    ]


@pytest.mark.parametrize(
    "body", ['{"status_500": 1.1}', '{"timeout": -0.1}', '{"monthly_limit": -1}', '{"status": 1}',
             '{"rate_limit": 0}', '{"duplicate": "often"}'],
)  # fmt: skip
def test_impossible_settings_are_refused(body: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=FaultSettings)


def test_what_a_put_leaves_out_returns_to_its_default(platform: Platform) -> None:
    platform.set_faults(FaultSettings(monthly_limit=3, rate_limit=None))
    assert platform.faults.shown()["monthly_limit"] == 3
    assert platform.faults.shown()["rate_limit"] is None
    platform.set_faults(FaultSettings())
    assert platform.faults.shown()["monthly_limit"] is None
    assert platform.faults.shown()["rate_limit"] == "line"
    assert (platform.quota.limit, platform.rates.override) == (None, None)


@pytest.mark.parametrize(
    ("endpoint", "limit"), [("push", 2000), ("reply", 2000), ("multicast", 200), ("loading", 100)]
)
def test_an_endpoint_admits_its_number_a_second(endpoint: str, limit: int) -> None:
    rates = RateLimits()
    assert sum(rates.admits(endpoint, 100.0) for _ in range(limit + 5)) == limit
    assert sum(rates.admits(endpoint, 100.5) for _ in range(limit)) == limit // 2
    assert rates.admits("other", 100.5)


def test_limits_can_be_set_and_switched_off(platform: Platform) -> None:
    platform.set_faults(FaultSettings(rate_limit=3))
    assert [platform.rates.admits("push", 1.0) for _ in range(4)] == [True, True, True, False]
    platform.set_faults(FaultSettings(rate_limit=None))
    assert all(platform.rates.admits("push", 1.0) for _ in range(10_000))
